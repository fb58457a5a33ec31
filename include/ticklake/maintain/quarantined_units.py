"""The units of a feed that have quarantined records, by the objects that hold those."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit


def quarantined_units(
    feed: Feed, *, storage: Storage, start: datetime, end: datetime, slices: Collection[Slice]
) -> Iterator[Unit]:
    """Yield the units of *slices* that have an instant of ``[start, end)`` and a quarantine."""
    selected = frozenset(slices)
    for key in storage.list(layout.feed_folder(Area.QUARANTINE, feed.name)):
        try:
            parsed = layout.parse(key)
        except UsageError:  # not ours: audit reports it
            continue
        window = parsed.window
        if parsed.slice in selected and window.start < end and window.end > start:
            yield Unit(parsed.slice, window)
