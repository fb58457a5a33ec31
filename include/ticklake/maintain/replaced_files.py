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

    Also whatever an interrupted compaction of the day left behind. Where nothing is left, this
    costs a few listings.
    """
    slice_, window = Slice.of(day.slice), Window.parse(day.window)
    files = {
        key
        for area in (Area.PARQUET, Area.PENDING)
        for key in storage.list(layout.window_folder(area, day.feed, slice_, window))
    }
    with_own_file = {layout.window_name(key) for key in files}
    for compacted in day.windows:
        if compacted.window in with_own_file:
            _remove_replaced(day, compacted, files, storage=storage)
    _remove_incomplete(layout.parquet_key(day.feed, slice_, window), "/", storage=storage)
    _remove_incomplete(day.manifest_key, ".", storage=storage)


def _remove_replaced(
    day: CompactedDay, compacted: CompactedWindow, files: set[str], *, storage: Storage
) -> None:
    slice_, window = Slice.of(day.slice), Window.parse(compacted.window)
    now = manifest.read(layout.manifest_key(day.feed, slice_, window), storage=storage)
    if now is None or now.parquet is None:
        return
    if not day.holds(CompactedWindow.of(compacted.window, now.parquet)):
        return
    # Only what is named: a file that no manifest names yet may be that of a running conversion.
    for key in files & {layout.parquet_key(day.feed, slice_, window), now.parquet.key}:
        storage.delete(key)


def _remove_incomplete(key: str, separator: str, *, storage: Storage) -> None:
    """Delete what is left at the incomplete *key*, followed by *separator* and a random name."""
    prefix = f"{layout.incomplete(key)}{separator}"
    for leftover in list(storage.list(prefix.rpartition("/")[0])):
        if leftover.startswith(prefix):
            storage.delete(leftover)
