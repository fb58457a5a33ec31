"""Which windows of a listed slice are missed: those in which its value was listed."""

from __future__ import annotations

from collections.abc import Callable

from include.ticklake.feed.feed import Feed
from include.ticklake.lake import slice_lists
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit


def is_listed(feed: Feed, *, storage: Storage) -> Callable[[Unit], bool]:
    """A function that says whether a run had *unit* to fetch, by the lists of *feed*.

    A window counts by the moment at which it ends, when its run is planned. The last one before a
    value left does not count: that run may have read the new list. Of a slice that no list ever
    had, and of a feed that lists its slices itself, every window counts.
    """
    if not feed.slice_lists:
        return lambda _: True
    lists = slice_lists.read(feed.name, storage=storage).lists

    def was_planned(unit: Unit) -> bool:
        start_ms, end_ms = unit.window.start_ms, unit.window.end_ms
        return all(
            name not in lists
            or value not in lists[name].values
            or any(
                since_ms < end_ms and (until_ms is None or 2 * end_ms - start_ms <= until_ms)
                for since_ms, until_ms in lists[name].values[value]
            )
            for name, value in unit.slice.values
        )

    return was_planned
