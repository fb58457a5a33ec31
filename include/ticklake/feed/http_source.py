"""An HTTP API as a feed describes it: address, parameters, paging, errors, rate limit, auth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    model_validator,
)

from include.ticklake.feed.address import check_base_url, check_path
from include.ticklake.feed.error_rules import ErrorRules
from include.ticklake.feed.paging import AnyPaging, SinglePage
from include.ticklake.feed.record_options import RecordOptions
from include.ticklake.model.durations import Duration
from include.ticklake.model.record_path import check_body_path
from include.ticklake.model.strict import FieldError, StrictModel


class RateLimit(StrictModel):
    """How many requests the source allows, and the headers that report it."""

    requests_per_s: float | None = Field(
        None, gt=0, description="Requests per second. Defaults to no limit."
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


class Auth(StrictModel):
    """How requests are authenticated. Credentials come from an Airflow connection, never from this
    file."""

    kind: Literal["header", "query", "basic", "bearer", "sign"] = Field(
        description="Where the credentials go: a header, a query parameter, basic auth, a bearer "
        "token, or a custom signer."
    )
    connection: str = Field(
        pattern=r"^[A-Za-z0-9_]+$",
        description="Airflow connection id. Outside Airflow, the environment variable "
        "AIRFLOW_CONN_<ID>.",
    )
    name: str | None = Field(
        None, description="Name of the header or query parameter that holds the key."
    )
    signer: str | None = Field(
        None,
        pattern=r"^[\w.]+:\w+$",
        description="module:function that signs a request: mypackage.acme:sign.",
    )

    @model_validator(mode="after")
    def _options_match_the_kind(self) -> Auth:
        if (self.name is not None) != (self.kind in ("header", "query")):
            raise ValueError("name is required for kind header or query, and only allowed there")
        if (self.signer is not None) != (self.kind == "sign"):
            raise ValueError("signer is required for kind sign, and only allowed there")
        return self


class HttpSource(RecordOptions):
    """A paged HTTP API that returns JSON."""

    kind: Literal["http"] = Field(description="http: a paged HTTP API.")
    base_url: Annotated[str, AfterValidator(check_base_url)] = Field(
        description="Scheme and host: https://api.example.com."
    )
    path: Annotated[str, AfterValidator(check_path)] = Field(
        json_schema_extra={"pattern": "^/"},
        description="Path of the endpoint; {symbol} is replaced by the slice's value.",
    )
    params: dict[str, str | int | bool] = Field(
        default_factory=dict,
        description="Query parameters; {symbol}, {start_ms}, {last_ms} and others are replaced by "
        "the slice's values and the window's bounds.",
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Request headers.")
    paging: AnyPaging = Field(
        SinglePage(), description="How the next page is requested. Defaults to a single page."
    )
    errors: ErrorRules | None = Field(None, description="How a response body reports a failure.")
    ban_statuses: dict[int, Duration] = Field(
        default_factory=dict,
        description="HTTP statuses that mean a temporary ban, and how long to wait where the "
        "response does not say: {403: 10m}.",
    )
    rate_limit: RateLimit = Field(RateLimit(), description="How many requests the source allows.")
    auth: Auth | None = Field(
        None, description="How requests are authenticated. Defaults to no authentication."
    )

    @model_validator(mode="after")
    def _paging_refers_to_captured_values(self) -> HttpSource:
        for option in self.paging.captured_options:
            name = getattr(self.paging, option)
            if name and name not in self.capture:
                raise FieldError(
                    f"refers to {name!r}, which is not captured; "
                    f"add `capture: {{{name}: path.in.the.body}}`",
                    path=("paging", option),
                )
        return self

    @model_validator(mode="after")
    def _names_are_paths(self) -> HttpSource:
        for group, options in (("errors", ("code", "message")), ("paging", ("field",))):
            for option in options:
                path = getattr(getattr(self, group), option, None)
                try:
                    check_body_path(path) if isinstance(path, str) else None
                except ValueError as error:
                    raise FieldError(str(error), path=(group, option)) from None
        return self

    def templates(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Every text with placeholders, and its path in the file."""
        yield ("source", "path"), self.path
        for name, value in self.params.items():
            yield ("source", "params", name), str(value)
        for option, params in self.paging.model_dump(by_alias=True).items():
            for name, value in params.items() if isinstance(params, dict) else ():
                yield ("source", "paging", option, name), value

    def texts_sent_as_they_are(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Every text of a request in which placeholders are not filled, and its path."""
        for name, value in self.headers.items():
            yield ("source", "headers", name), f"{name} {value}"
        for name in self.params:
            yield ("source", "params", name), name
        for option, value in self.paging.model_dump(by_alias=True).items():
            if isinstance(value, str):
                yield ("source", "paging", option), value

    @property
    def host(self) -> str:
        """The API's host; rate limits and Airflow pools are per host."""
        return urlsplit(self.base_url).hostname or ""
