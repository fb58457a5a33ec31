"""A feed that was mended in, its quarantined records put through once more out.

A window's quarantine is what did not fit when its JSON was converted. So it is converted
again, whole, from that JSON: what fits now is in the Parquet, in its place, and what still
does not is in a quarantine of its own, with today's reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from include.ticklake import manifest
from include.ticklake.cap.budgets import Budgets
from include.ticklake.conversion.convert import convert
from include.ticklake.errors import DataRefused
from include.ticklake.feeds import Feed
from include.ticklake.plan import Work
from include.ticklake.storage import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Requarantined:
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


def requarantine(
    feed: Feed, works: Iterable[Work], *, storage: Storage, budgets: Budgets
) -> Iterator[Requarantined]:
    """Convert again each window of *works* that has a quarantine.

    One that is refused, or whose JSON is gone, stays as it was, and says why.
    """
    for work in works:
        key = manifest.key(feed.name, work.slice, work.window)
        found = manifest.read(key, storage=storage)
        if found is None or found.parquet is None or not found.parquet.quarantined_rows:
            continue
        before_rows = after_rows = found.parquet.quarantined_rows
        skipped = "retention removed its JSON" if found.json.removed else None
        if not skipped:
            try:
                made = convert(key, feed=feed, storage=storage, budgets=budgets).manifest.parquet
                after_rows = made.quarantined_rows if made else before_rows
            except DataRefused as wrong:
                skipped = str(wrong)
        yield Requarantined(
            slice=str(work.slice),
            window=work.window.name,
            before_rows=before_rows,
            after_rows=after_rows,
            skipped=skipped,
        )
