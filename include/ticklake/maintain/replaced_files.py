"""Removing the files that a compacted day replaced, so that each row is in the folder once."""

from __future__ import annotations

from include.ticklake.lake import layout, manifest
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window


def remove_replaced_files(day: CompactedDay, *, storage: Storage) -> None:
    """Delete the windows' own files, except of windows that were converted again since.

    Where nothing is left, this costs two listings.
    """
    slice_, window = Slice.of(day.slice), Window.parse(day.window)
    with_own_file = {
        layout.window_name(key)
        for area in (Area.PARQUET, Area.PENDING)
        for key in storage.list(layout.window_folder(area, day.feed, slice_, window))
    }
    for compacted in day.windows:
        if compacted.window in with_own_file:
            _remove_replaced(day, compacted, storage=storage)


def _remove_replaced(day: CompactedDay, compacted: CompactedWindow, *, storage: Storage) -> None:
    slice_, window = Slice.of(day.slice), Window.parse(compacted.window)
    own_key = layout.parquet_key(day.feed, slice_, window)
    # Before the manifest: what a conversion publishes later has another version.
    version = storage.version(own_key)
    now = manifest.read(layout.manifest_key(day.feed, slice_, window), storage=storage)
    if now is None or now.parquet is None or not now.is_current:
        return
    if not day.holds(CompactedWindow.of(compacted.window, now.parquet)):
        return
    # Only what is named: a file that no manifest names yet may be that of a running conversion.
    if version is not None:
        storage.delete_if(own_key, expect=version)
    if now.parquet.is_pending and now.parquet.key:
        storage.delete(now.parquet.key)
