"""Repairing the damaged file of a compacted day: replaced first, and nothing is deleted before.

Each window that can be is converted again to a file of its own, which readers of the manifests
see at once. Only when all of them are there is the day compacted, which replaces the damaged file
in one step. Where one cannot be made again, the damaged file stays: its other rows can be read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

import msgspec

from include.ticklake.convert.budget import Budget
from include.ticklake.errors import DataError, RetryableError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, manifest
from include.ticklake.lake.day_manifest import CompactedDay
from include.ticklake.lake.hashing import is_intact
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.maintain import compact
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window

log = logging.getLogger(__name__)

_TRIES = 5


def repair_day(
    feed: Feed,
    day: Unit,
    units: Collection[Unit],
    *,
    storage: Storage,
    budget: Budget,
    failed: FailedUnits,
    repair_unit: Callable[[Unit], None],
) -> None:
    """Make *units*, windows of *day*, again with *repair_unit*, then the day's file.

    What fails is noted in *failed*, and stays as it was.
    """
    for unit in _announce(feed, day, units, storage=storage):
        with failed.attempt(unit):
            repair_unit(unit)
    with failed.attempt(day):
        left = _only_in_day(feed, day, storage=storage)
        if left:
            raise DataError(
                f"{feed.name} {day}: {len(left)} of its windows, such as {left[0]}, are only in "
                "the day's damaged file and could not be made again; that file stays as it is, "
                "and `read.scan` with on_error='skip' reads what can be read of it"
            )
        compact.compact(feed, day.slice, day.window, storage=storage, budget=budget)


def is_damaged(day: CompactedDay, *, storage: Storage) -> bool:
    """Whether the file of *day* is not what was compacted; read again, right before it matters."""
    if day.key is None or day.sha256 is None:
        return False
    return not storage.exists(day.key) or not is_intact(day.key, day.sha256, storage=storage)


def _announce(
    feed: Feed, day: Unit, units: Collection[Unit], *, storage: Storage
) -> Collection[Unit]:
    """Say in the day's manifest that *units* are being replaced: their own files count."""
    key = layout.day_manifest_key(feed.name, day.slice, day.window)
    names = {unit.window.name for unit in units}
    for _ in range(_TRIES):
        found = day_manifest.read_versioned(key, storage=storage)
        if found is None or found[0].removed:
            return units
        old, version = found
        named = {*old.replacing, *(w for w in old.windows if w.window in names)}
        replacing = tuple(sorted(named, key=lambda window: (window.window, repr(window))))
        if replacing == old.replacing:
            return units
        announced = msgspec.structs.replace(old, replacing=replacing)
        try:
            day_manifest.write(announced, storage=storage, expect=version)
        except LostRaceError:
            continue
        return units
    raise RetryableError(
        f"{storage.uri(key)}: others changed it {_TRIES} times in between; repair it again"
    )


def _only_in_day(feed: Feed, day: Unit, *, storage: Storage) -> list[str]:
    """The windows with rows that have no file of their own."""
    key = layout.day_manifest_key(feed.name, day.slice, day.window)
    current = day_manifest.read(key, storage=storage)
    left = []
    for name in [w.window for w in current.windows] if current and not current.removed else ():
        window_key = layout.manifest_key(feed.name, day.slice, Window.parse(name))
        window = manifest.read(window_key, storage=storage)
        parquet = window.parquet if window else None
        if parquet and parquet.rows and not (parquet.key and storage.exists(parquet.key)):
            left.append(name)
    return left
