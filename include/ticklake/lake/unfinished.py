"""Marks of units that were fetched before all of them was over, for the next run to find.

A mark is a small object per unit, so that one listing of the feed's finds them all. It is
written before the manifest that says the same, and deleted after the one that does not: a
unit whose extraction was killed in between is fetched once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import format_instant

LOOK_BACK = timedelta(days=30)
"""For how long after it is over a unit is taken up: one that always fails is left to audits."""


def mark(feed: Feed, unit: Unit, *, until_ms: int, storage: Storage) -> None:
    """Note that *unit* is to be fetched again, after *until_ms*."""
    body = json.dumps({"unfinished_until": format_instant(until_ms * 10**6)})
    storage.put(layout.unfinished_key(feed.name, unit.slice, unit.window), body.encode() + b"\n")


def clear(feed: Feed, unit: Unit, *, storage: Storage) -> None:
    """Note that *unit* is whole; do nothing where it was never marked."""
    storage.delete(layout.unfinished_key(feed.name, unit.slice, unit.window))


def due_units(feed: Feed, *, now: datetime, storage: Storage) -> Iterator[Unit]:
    """Yield the marked units of the feed's slices that are over by *now*, in order of time."""
    slices = set(feed.all_slices)
    keys = storage.list(layout.feed_folder(layout.Area.UNFINISHED, feed.name))
    marked = [Unit(key.slice, key.window) for key in map(layout.parse, keys)]
    for unit in sorted(marked, key=lambda unit: (unit.window, unit.slice)):
        if unit.slice not in slices:
            continue
        if now - LOOK_BACK <= plan.whole_at(feed, unit) <= now:
            yield unit
