"""How long a feed's objects are kept: what its file says under ``retention``."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, model_validator

from include.ticklake.model.durations import Duration
from include.ticklake.model.strict import FieldError, StrictModel

_DAY = timedelta(days=1)


class Retention(StrictModel):
    """JSON and Parquet apart; whole UTC days go, and the manifests stay to say so."""

    staged: Duration | None = Field(
        None,
        alias="json",
        description="how long staged JSON and its quarantine are kept: 30d; default: for ever",
    )
    parquet: Duration | None = Field(
        None, description="how long Parquet is kept: 520w; default: for ever"
    )
    delete: bool = Field(
        False,
        description="the daily run of `retention_<feed>` deletes; default: it only says what it "
        "would delete",
    )

    @model_validator(mode="after")
    def _whole_days(self) -> Retention:
        given = {"json": self.staged, "parquet": self.parquet}
        if not any(given.values()):
            raise ValueError("say how long to keep what: {json: 30d}, {parquet: 520w} or both")
        for name, length in given.items():
            if length is not None and length < _DAY:
                raise FieldError(
                    "less than a day: whole days are kept; write it as 30d", at=(name,)
                )
        return self
