"""How long a feed's objects are kept: what its file says under ``retention``."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field as Described
from pydantic import model_validator

from include.ticklake.durations import Duration
from include.ticklake.fields import Mistake, Strict

_DAY = timedelta(days=1)


class Retention(Strict):
    """JSON and Parquet apart; whole UTC days go, and the manifests stay to say so."""

    staged: Duration | None = Described(
        None,
        alias="json",
        description="how long staged JSON and its quarantine are kept: 30d; default: for ever",
    )
    parquet: Duration | None = Described(
        None, description="how long Parquet is kept: 520w; default: for ever"
    )
    delete: bool = Described(
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
                raise Mistake("less than a day: whole days are kept; write it as 30d", at=(name,))
        return self
