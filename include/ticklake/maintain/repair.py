"""What an audit found in, the same windows fetched or converted again out.

Objects that no manifest names are left alone: whoever put them there knows why.
"""

from __future__ import annotations

from collections.abc import Sequence

from include.ticklake.convert.budget import Budget
from include.ticklake.convert.convert import convert
from include.ticklake.extract.extract import extract
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import audit
from include.ticklake.maintain.audit import Finding
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window


def repair(
    feed: Feed,
    findings: Sequence[Finding],
    *,
    storage: Storage,
    budgets: Budget,
    base_url: str | None = None,
) -> list[Unit]:
    """Mend what another fetch or conversion can mend; the windows that were done again.

    Errors of the source pass through: what was mended until then stays so.
    """
    fetch = _works(feed, findings, audit.FETCH_AGAIN)
    works = sorted(fetch | _works(feed, findings, audit.CONVERT_AGAIN))
    works = sorted({*works, *_of_broken_days(feed, findings, storage=storage)})
    for work in works:
        if work in fetch:
            extract(feed, work, storage=storage, base_url=base_url)
        key = layout.manifest_key(feed.name, work.slice, work.window)
        convert(key, feed=feed, storage=storage, budget=budgets)
    return works


def _works(feed: Feed, findings: Sequence[Finding], kinds: frozenset[str]) -> set[Unit]:
    by_name = {str(piece): piece for piece in feed.all_slices}
    return {
        Unit(by_name.get(one.slice) or _slice(one.slice), Window.parse(one.window))
        for one in findings
        if one.kind in kinds
    }


def _slice(text: str) -> Slice:
    return Slice.of(dict(pair.partition("=")[::2] for pair in text.split(",") if "=" in pair))


def _of_broken_days(feed: Feed, findings: Sequence[Finding], *, storage: Storage) -> set[Unit]:
    """Every window of a day whose file is broken, once that file is no longer counted on."""
    again: set[Unit] = set()
    for work in _works(feed, findings, frozenset({"parquet_broken", "disagreement"})):
        day = day_manifest.find_day(feed.name, work.slice, work.window, storage=storage)
        if day is None:
            continue
        # The manifest goes first: without it the file counts for nobody who reads manifests.
        storage.delete(day.manifest_key)
        if day.key:
            storage.delete(day.key)
        again |= {Unit(work.slice, Window.parse(hour.window)) for hour in day.windows}
    return again
