"""The retention of a feed: how long its objects are kept."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, model_validator

from include.ticklake.model.durations import Duration
from include.ticklake.model.strict import FieldError, StrictModel

_DAY = timedelta(days=1)
SUPERSEDED_KEPT = timedelta(days=7)
"""Of every feed, unless it says otherwise."""


class Retention(StrictModel):
    """How long data is kept. Whole UTC days expire; their manifests stay."""

    staged: Duration | None = Field(
        None,
        alias="json",
        description="How long staged JSON and its quarantine are kept: 30d. Defaults to keeping "
        "them.",
    )
    parquet: Duration | None = Field(
        None, description="How long Parquet is kept: 520w. Defaults to keeping it."
    )
    superseded: Duration = Field(
        SUPERSEDED_KEPT,
        description="How long staged JSON is kept after a newer fetch of its window took its "
        "place. Defaults to 7d.",
    )
    delete: bool = Field(
        False,
        description="Whether the daily retention run deletes expired JSON and Parquet. Defaults to "
        "false: a dry run, which only lists them. What is superseded it deletes in any case.",
    )

    @model_validator(mode="after")
    def _whole_days(self) -> Retention:
        lengths = {"json": self.staged, "parquet": self.parquet, "superseded": self.superseded}
        if not (self.staged or self.parquet or "superseded" in self.model_fields_set):
            raise ValueError("no length is set; set json, parquet or both: {json: 30d}")
        for name, length in lengths.items():
            if length is not None and length < _DAY:
                raise FieldError(
                    "less than a day; data expires in whole days, such as 30d", path=(name,)
                )
        return self
