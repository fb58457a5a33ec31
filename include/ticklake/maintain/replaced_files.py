"""A compacted day in, the files that it stands for deleted: each row lies in the folder once."""

from __future__ import annotations

from include.ticklake.lake import layout, manifest
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

_AREAS = (Area.PARQUET, Area.PENDING)


def remove_replaced_files(day: CompactedDay, *, storage: Storage) -> None:
    """Delete the windows' own files, but for those that were converted again since.

    And whatever a compaction that broke off left of the day. A day that was swept costs
    a few listings.
    """
    piece = Slice.of(day.slice)
    folders = [
        layout.window_folder(area, day.feed, piece, Window.parse(day.window)) for area in _AREAS
    ]
    there = {key for folder in folders for key in storage.list(folder)}
    beside = {layout.window_name(key) for key in there}
    for hour in day.windows:
        if hour.window in beside:
            _sweep_window(day, hour, there, storage=storage)
    own, folder = (
        layout.incomplete(layout.parquet_key(day.feed, piece, Window.parse(day.window))),
        layout.incomplete(day.manifest_key),
    )
    for left in [*storage.list(own), *storage.list(folder.rpartition("/")[0])]:
        if left.startswith((f"{own}/", f"{folder}.")):
            storage.delete(left)


def _sweep_window(
    day: CompactedDay, hour: CompactedWindow, there: set[str], *, storage: Storage
) -> None:
    window, piece = Window.parse(hour.window), Slice.of(day.slice)
    now = manifest.read(layout.manifest_key(day.feed, piece, window), storage=storage)
    if (
        now is None
        or now.parquet is None
        or not day.holds(CompactedWindow.of(hour.window, now.parquet))
    ):
        return
    home = layout.parquet_key(day.feed, piece, window)
    # Only what is named: a file that nobody names yet may be that of a conversion under way.
    for key in there & {home, now.parquet.key}:
        storage.delete(key)
