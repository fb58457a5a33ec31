"""Converting quarantined records again, after the feed file was fixed.

A window's quarantine is what did not fit when its JSON was converted. So all of that JSON is
converted again: records that fit now are in the Parquet, at their place, and records that still
do not are in a new quarantine, with today's reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from include.ticklake.convert.budget import Budget
from include.ticklake.convert.convert import convert
from include.ticklake.errors import DataError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryResult:
    """The quarantine of one window before and after."""

    slice: str
    window: str
    before_rows: int
    after_rows: int
    skipped: str | None = None
    """Why it was left unchanged."""

    def as_dict(self) -> dict[str, object]:
        """Plain JSON."""
        return asdict(self)


def retry_quarantine(
    feed: Feed, units: Iterable[Unit], *, storage: Storage, budget: Budget
) -> Iterator[RetryResult]:
    """Convert each of *units* that has a quarantine again, and yield the result.

    Where that is refused, or the JSON has expired, the window stays as it was.
    """
    for unit in units:
        key = layout.manifest_key(feed.name, unit.slice, unit.window)
        before = manifest.read(key, storage=storage)
        if before is None or before.parquet is None or not before.parquet.quarantined_rows:
            continue
        before_rows = after_rows = before.parquet.quarantined_rows
        skipped = "retention removed its JSON" if before.json.removed else None
        if not skipped:
            try:
                after = convert(key, feed=feed, storage=storage, budget=budget).manifest
                after_rows = after.require_parquet().quarantined_rows
            except DataError as error:
                skipped = str(error)
        yield RetryResult(
            slice=str(unit.slice),
            window=unit.window.name,
            before_rows=before_rows,
            after_rows=after_rows,
            skipped=skipped,
        )
