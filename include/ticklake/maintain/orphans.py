"""Objects that no manifest names, and units that are none of the feed's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date

from include.ticklake.errors import CorruptManifestError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, manifest
from include.ticklake.lake.day_manifest import CompactedWindow
from include.ticklake.lake.grid import Grid
from include.ticklake.lake.layout import Area, SliceDay
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window


def orphans(feed: Feed, slice_: Slice, dates: set[date], *, storage: Storage) -> Iterator[str]:
    """Yield the keys of the slice's objects, on the audited *dates*, that no manifest names.

    They are listed before the manifests are read, and looked for after that: what is committed or
    deleted meanwhile is not one.
    """
    slice_days = [SliceDay(slice_, day) for day in sorted(dates)]
    listed = [
        key
        for area in (Area.JSON, Area.PARQUET, Area.PENDING, Area.QUARANTINE)
        for slice_day in slice_days
        for key in storage.list(layout.day_folder(area, feed.name, slice_day))
    ]
    named: set[str] = set()
    unknown: set[str] = set()  # units with a damaged manifest: who knows what it named
    for slice_day in slice_days:
        for key in storage.list(layout.day_folder(Area.MANIFESTS, feed.name, slice_day)):
            try:
                named |= set(_named(key, storage))
            except CorruptManifestError:
                unknown.add(layout.unit_path(key))
    for key in listed:
        is_unnamed = key not in named and layout.unit_path(key) not in unknown
        if is_unnamed and storage.exists(key):
            yield key


def off_grid(
    feed: Feed, slice_: Slice, dates: set[date], *, storage: Storage
) -> Iterator[Manifest]:
    """Yield the manifests of the slice, on the audited *dates*, whose window is none of the feed's.

    Those that a ``regrid`` left empty are fine.
    """
    own = Grid.of(feed)
    for day in sorted(dates):
        folder = layout.day_folder(Area.MANIFESTS, feed.name, SliceDay(slice_, day))
        for key in storage.list(folder):
            with suppress(UsageError, CorruptManifestError):  # which other findings say
                parsed = layout.parse_window_manifest(key)
                found = None if own.holds_key(parsed) else manifest.read(key, storage=storage)
                if found is not None and not found.is_retired:
                    yield found


def _named(key: str, storage: Storage) -> Iterator[str]:
    """The objects that the manifest at *key* names."""
    if layout.is_day_manifest(key):
        day = day_manifest.read(key, storage=storage)
        if day and day.key and not day.removed:
            yield day.key
        return
    window = manifest.read(key, storage=storage)
    if window is None:
        return
    kept = [one.json for one in window.superseded]
    if not window.json.removed:
        kept.append(window.json)
    yield from (part.key for section in kept for part in section.parts)
    parquet = window.parquet
    if parquet is None:
        return
    if parquet.quarantine_key and not window.json.removed:
        yield parquet.quarantine_key
    if parquet.removed:
        return
    slice_, interval = Slice.of(window.slice), Window.parse(window.window)
    try:
        day = day_manifest.find_day(window.feed, slice_, interval, storage=storage)
    except CorruptManifestError:
        day = None
    if parquet.key and not (day and day.holds(CompactedWindow.of(window.window, parquet))):
        yield parquet.key
