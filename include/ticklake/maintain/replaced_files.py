"""A compacted day in, the files that it stands for deleted: each row lies in the folder once."""

from __future__ import annotations

from include.ticklake.lake import day_manifest, manifest
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.storage import INCOMPLETE, Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

_AREAS = ("parquet", day_manifest.PENDING)


def remove_replaced_files(day: CompactedDay, *, storage: Storage) -> None:
    """Delete the windows' own files, but for those that were converted again since.

    And whatever a compaction that broke off left of the day. A day that was swept costs
    a few listings.
    """
    piece = Slice.of(day.slice)
    folders = [manifest.folder(area, day.feed, piece, Window.parse(day.window)) for area in _AREAS]
    there = {key for folder in folders for key in storage.list(folder)}
    beside = {key.rpartition("/")[2].partition(".")[0] for key in there}
    for hour in day.hours:
        if hour.window in beside:
            _sweep_window(day, hour, there, storage=storage)
    own, folder = f"{folders[0]}/{day.window}.parquet", day.manifest_key.rpartition("/")[0]
    for left in [*storage.list(f"{INCOMPLETE}/{own}"), *storage.list(f"{INCOMPLETE}/{folder}")]:
        if left.startswith((f"{INCOMPLETE}/{own}/", f"{INCOMPLETE}/{day.manifest_key}.")):
            storage.delete(left)


def _sweep_window(
    day: CompactedDay, hour: CompactedWindow, there: set[str], *, storage: Storage
) -> None:
    window, piece = Window.parse(hour.window), Slice.of(day.slice)
    now = manifest.read(manifest.key(day.feed, piece, window), storage=storage)
    if (
        now is None
        or now.parquet is None
        or not day.holds(CompactedWindow.of(hour.window, now.parquet))
    ):
        return
    home = f"{manifest.folder('parquet', day.feed, piece, window)}/{window.name}.parquet"
    # Only what is named: a file that nobody names yet may be that of a conversion under way.
    for key in there & {home, now.parquet.key}:
        storage.delete(key)
