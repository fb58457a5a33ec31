"""Converting quarantined records again, after the feed file or the source was corrected.

A window's quarantine is what did not fit when its JSON was converted. So all of that JSON is
converted again: records that fit now are in the Parquet, at their place, and records that still
do not are in a new quarantine, with today's reason. Where the source was wrong, its answer is
fetched again first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass

from include.ticklake.convert.budget import Budget
from include.ticklake.convert.convert import convert
from include.ticklake.errors import DataError, RetryableError, SourceRefusedError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import feed_record, layout, manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.failed_units import concerns_all
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
    feed: Feed,
    units: Iterable[Unit],
    *,
    storage: Storage,
    budget: Budget,
    fetch: Callable[[Unit], object] | None = None,
) -> Iterator[RetryResult]:
    """Convert each of *units* that has a quarantine again, and yield the result.

    With *fetch*, which stages a unit, it is fetched again first. Where that or the conversion is
    refused, or the JSON has expired, the Parquet stays as it was.
    """
    feed_record.check(feed, storage=storage)
    for unit in units:
        key = layout.manifest_key(feed.name, unit.slice, unit.window)
        before = manifest.read(key, storage=storage)
        if before is None or before.parquet is None or not before.parquet.quarantined_rows:
            continue
        before_rows = after_rows = before.parquet.quarantined_rows
        is_expired = before.json.removed and not fetch
        skipped = "retention removed its JSON" if is_expired else None
        if not skipped:
            try:
                if fetch:
                    fetch(unit)
                after = convert(key, feed=feed, storage=storage, budget=budget).manifest
                after_rows = after.require_parquet().quarantined_rows
            except (DataError, RetryableError, SourceRefusedError) as error:
                if concerns_all(error):
                    raise
                skipped = str(error)
        yield RetryResult(
            slice=str(unit.slice),
            window=unit.window.name,
            before_rows=before_rows,
            after_rows=after_rows,
            skipped=skipped,
        )
