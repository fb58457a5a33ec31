"""The Parquet files that count, by the manifests: for who reads manifests and who lists folders.

``manifest_files`` is the newest state that was committed: each row is in exactly one range of a
file at any moment, also while a day is being compacted and after a window was converted again.
``folder_files`` is what a reader of the Parquet folder sees: the same without pending files, so
that a window which was fetched again after its day was compacted is still as it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import feed_record, layout, manifest, manifest_checks
from include.ticklake.lake.day_ranges import (
    FileRange,
    OnCorrupt,
    day_of,
    raise_corrupt,
    ranges_of_days,
)
from include.ticklake.lake.layout import Area, SliceDay
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from include.ticklake.model.window_length import longest


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeFile:
    """One Parquet file with rows."""

    slice_day: SliceDay
    key: str
    sha256: str
    rows: int


def manifest_files(
    feed: Feed,
    *,
    storage: Storage,
    slices: Iterable[Mapping[str, str]] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    on_corrupt: OnCorrupt = raise_corrupt,
) -> list[FileRange]:
    """Return the files that hold the rows of ``[start, end)``, in the order of slices and time.

    Each of *slices* names some values, such as ``{"symbol": "BTCUSDT"}``. Defaults to all.
    *on_corrupt* gets the error of each damaged manifest; by default it is raised.
    """
    selected = [set(values.items()) for values in slices]
    days: dict[SliceDay, list[str]] = {}
    is_visible = feed_record.visible(feed.name, storage=storage)
    for key in storage.list(layout.feed_folder(Area.MANIFESTS, feed.name)):
        try:
            parsed = layout.parse_manifest(key)
        except UsageError as error:
            on_corrupt(manifest_checks.corrupt(key, uri=storage.uri(key), problem=error))
            continue
        is_selected = any(values <= set(parsed.slice.values) for values in selected)
        if (selected and not is_selected) or not is_visible(parsed):
            continue
        if feed.snapshot or _touches(parsed.window, start, end):
            slice_day = SliceDay(parsed.slice, parsed.window.start.date())
            days.setdefault(slice_day, []).append(key)
    folders = [layout.feed_folder(area, feed.name) for area in (Area.PARQUET, Area.PENDING)]
    return ranges_of_days(
        feed, days, storage=storage, start=start, end=end, folders=folders, on_corrupt=on_corrupt
    )


def slice_files(
    feed: Feed,
    slice_: Slice,
    *,
    storage: Storage,
    start: datetime,
    end: datetime,
    on_corrupt: OnCorrupt = raise_corrupt,
) -> Iterator[FileRange]:
    """Yield the same of one slice, day by day, and list nothing but the folders of those days.

    For who answers a request, and may stop before the last day, however much else the lake holds.
    *slice_* names all values. Of a feed without history an event may come a day after its window,
    no later. *on_corrupt* gets the error of each damaged manifest; by default it is raised.
    """
    is_visible = feed_record.visible(feed.name, storage=storage)
    for day in _dates(feed, slice_, storage=storage, start=start, end=end):
        slice_day = SliceDay(slice_, day)
        keys = []
        for key in storage.list(layout.day_folder(Area.MANIFESTS, feed.name, slice_day)):
            try:
                parsed = layout.parse_manifest(key)
            except UsageError as error:
                on_corrupt(manifest_checks.corrupt(key, uri=storage.uri(key), problem=error))
                continue
            if is_visible(parsed) and (feed.snapshot or _touches(parsed.window, start, end)):
                keys.append(key)
        if keys:
            areas = (Area.PARQUET, Area.PENDING)
            folders = [layout.day_folder(area, feed.name, slice_day) for area in areas]
            yield from ranges_of_days(
                feed, {slice_day: keys}, storage=storage, start=start, end=end, folders=folders,
                on_corrupt=on_corrupt,
            )  # fmt: skip


def folder_files(feed: Feed, slice_day: SliceDay, *, storage: Storage) -> Iterator[LakeFile]:
    """Yield the files of *slice_day*: each row is in one of them; none that retention removed.

    ``CorruptManifestError`` where a manifest of the day is damaged.
    """
    keys = list(storage.list(layout.day_folder(Area.MANIFESTS, feed.name, slice_day)))
    day = day_of(keys, storage)
    if day and day.key and day.sha256 and not day.removed:
        yield LakeFile(slice_day=slice_day, key=day.key, sha256=day.sha256, rows=day.rows)
    for key in keys:
        in_day = day and day.compacted(layout.window_name(key))
        if layout.is_day_manifest(key) or (day and in_day and not day.removed):
            continue
        window = manifest.read(key, storage=storage)
        parquet = window.parquet if window else None
        if parquet is None or parquet.removed or not parquet.rows:
            continue
        # Of a day that was removed only windows with a file of their own are there.
        if parquet.key and parquet.sha256 and (not in_day or storage.exists(parquet.key)):
            yield LakeFile(
                slice_day=slice_day, key=parquet.key, sha256=parquet.sha256, rows=parquet.rows
            )


def _dates(
    feed: Feed, slice_: Slice, *, storage: Storage, start: datetime, end: datetime
) -> list[date]:
    """The dates of the folders that can hold such rows, sorted: that of a window is its start's."""
    days_before = math.ceil(longest(feed.window) / layout.DAY)
    first = start.date() - timedelta(days=min(days_before, start.date().toordinal() - 1))
    names = storage.folders(layout.slice_folder(Area.MANIFESTS, feed.name, slice_))
    dates = filter(None, map(layout.parse_date_folder, names))
    return sorted(day for day in dates if first <= day <= end.date())


def _touches(window: Window, start: datetime | None, end: datetime | None) -> bool:
    """Whether *window* has an instant of ``[start, end)``."""
    return (end is None or window.start < end) and (start is None or window.end > start)
