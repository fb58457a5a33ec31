"""A feed that was mended in, its quarantined records put through once more out.

A window's quarantine is what did not fit when its JSON was converted. So it is converted
again, whole, from that JSON: what fits now is in the Parquet, in its place, and what still
does not is in a quarantine of its own, with today's reason.
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
    """What became of the quarantine of one window."""

    slice: str
    window: str
    before_rows: int
    after_rows: int
    skipped: str | None = None
    """Why it was left as it was."""

    def as_dict(self) -> dict[str, object]:
        """Plain JSON."""
        return asdict(self)


def retry_quarantine(
    feed: Feed, works: Iterable[Unit], *, storage: Storage, budgets: Budget
) -> Iterator[RetryResult]:
    """Convert again each window of *works* that has a quarantine.

    One that is refused, or whose JSON is gone, stays as it was, and says why.
    """
    for work in works:
        key = layout.manifest_key(feed.name, work.slice, work.window)
        found = manifest.read(key, storage=storage)
        if found is None or found.parquet is None or not found.parquet.quarantined_rows:
            continue
        before_rows = after_rows = found.parquet.quarantined_rows
        skipped = "retention removed its JSON" if found.json.removed else None
        if not skipped:
            try:
                made = convert(key, feed=feed, storage=storage, budget=budgets).manifest.parquet
                after_rows = made.quarantined_rows if made else before_rows
            except DataError as wrong:
                skipped = str(wrong)
        yield RetryResult(
            slice=str(work.slice),
            window=work.window.name,
            before_rows=before_rows,
            after_rows=after_rows,
            skipped=skipped,
        )
