"""``rate_limit`` of a feed file: how many requests the source allows."""

from __future__ import annotations

from pydantic import Field, model_validator

from include.ticklake.model.durations import Duration
from include.ticklake.model.strict import StrictModel


class RateLimit(StrictModel):
    """How many requests the source allows, and the headers that report it."""

    requests_per_s: float | None = Field(
        None,
        gt=0,
        description="Requests per second, of all workers together, which use 95 % of them. "
        "Defaults to no limit.",
    )
    used_header: str | None = Field(
        None, description="Response header with the quota used: X-MBX-USED-WEIGHT-1M."
    )
    quota: int | None = Field(
        None, gt=0, description="The quota that used_header counts up to in one quota_period."
    )
    quota_period: Duration | None = Field(
        None, description="Time after which the quota is renewed: 1m."
    )
    remaining_header: str | None = Field(
        None, description="Response header with the quota left: X-Bapi-Limit-Status."
    )
    reset_ms_header: str | None = Field(
        None,
        description="Response header with the time when the quota is renewed, in epoch "
        "milliseconds or any other unit, or in milliseconds from now: "
        "X-Bapi-Limit-Reset-Timestamp.",
    )

    @model_validator(mode="after")
    def _headers_are_complete(self) -> RateLimit:
        if bool(self.used_header) != bool(self.quota and self.quota_period):
            raise ValueError("used_header, quota and quota_period must be set together")
        if bool(self.remaining_header) != bool(self.reset_ms_header):
            raise ValueError("remaining_header and reset_ms_header must be set together")
        return self
