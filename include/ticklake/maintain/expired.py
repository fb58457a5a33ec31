"""What retention finds, whatever it is: the values that finding, deleting and the tables share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from include.ticklake.lake.layout import SliceDay

ExpiredArea = Literal["parquet", "json", "superseded", "incomplete", "plans"]
Cutoffs = Mapping[ExpiredArea, datetime]
"""The start of the first day that is kept, for each area that expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """The expired objects of one slice and date."""

    area: ExpiredArea
    slice_day: SliceDay | None
    """None for what belongs to no slice and date."""
    manifests: tuple[str, ...]
    """The keys of the manifests that are to be marked."""
    objects: Mapping[str, int]
    """Keys and their bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredTotal:
    """The sums of a feed's expired objects."""

    feed: str
    area: ExpiredArea
    before: date
    """The first day that is kept."""
    windows: int
    objects: int
    bytes: int

    def cells(self) -> tuple[str, ...]:
        """A row of the table under ``HEADINGS``."""
        counts = (f"{count:,}" for count in (self.windows, self.objects, self.bytes))
        return (self.feed, self.area, self.before.isoformat(), *counts)


HEADINGS = ("feed", "what", "before", "windows", "objects", "bytes")
NUMBER_COLUMNS = (3, 4, 5)
"""Of ``HEADINGS``, those with counts."""
