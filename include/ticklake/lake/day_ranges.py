"""The ranges of Parquet files that hold the rows of a slice's days, by the days' manifests.

Each row is in exactly one range at any moment, also while a day is being compacted and after a
window was converted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from include.ticklake.errors import CorruptManifestError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, manifest
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.layout import SliceDay
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.times import epoch_ns
from include.ticklake.model.window import Window

_READERS = 16

NsRange = tuple[int, int]
"""First and last event time, nanoseconds since 1970, both inclusive."""

OnCorrupt = Callable[[CorruptManifestError], None]
"""What to do about a damaged manifest; its unit is left out where this returns."""


def raise_corrupt(error: CorruptManifestError) -> None:
    """Raise *error*."""
    raise error


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRange:
    """One Parquet file of the lake, and the rows of it that count."""

    key: str
    slice: Slice
    first_event_ns: int
    last_event_ns: int
    is_partial: bool = False
    """Whether only the rows between first and last count: the file holds others."""


def ranges_of_days(
    feed: Feed,
    days: Mapping[SliceDay, Sequence[str]],
    *,
    storage: Storage,
    start: datetime | None,
    end: datetime | None,
    folders: Iterable[str],
    on_corrupt: OnCorrupt,
) -> list[FileRange]:
    """Return the files that hold the rows of ``[start, end)``, in the order of slices and time.

    *days* are the keys of their manifests, and *folders* hold their Parquet. *on_corrupt* gets the
    error of each damaged manifest.
    """
    lake = _Lake(
        feed=feed,
        storage=storage,
        with_own_file=_windows_with_own_file(days, folders, storage=storage),
        on_corrupt=on_corrupt,
        looks_for_files=on_corrupt is not raise_corrupt,
    )
    with ThreadPoolExecutor(_READERS) as pool:
        ranges = pool.map(lambda keys: list(_of_day(lake, keys)), days.values())
        return [
            file_range
            for of_day in ranges
            for file_range in of_day
            if (start is None or file_range.last_event_ns >= epoch_ns(start))
            and (end is None or file_range.first_event_ns < epoch_ns(end))
        ]


def day_of(keys: Iterable[str], storage: Storage) -> CompactedDay | None:
    """The compacted day among the manifests at *keys*, of one slice and date."""
    key = next(filter(layout.is_day_manifest, keys), None)
    return day_manifest.read(key, storage=storage) if key else None


def _windows_with_own_file(
    days: Mapping[SliceDay, Sequence[str]], folders: Iterable[str], *, storage: Storage
) -> set[str]:
    """The unit paths of the Parquet files in *folders*; none where nothing was compacted."""
    if not any(layout.is_day_manifest(key) for keys in days.values() for key in keys):
        return set()
    return {layout.unit_path(key) for folder in folders for key in storage.list(folder)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lake:
    """Where the ranges of a feed's days are looked up."""

    feed: Feed
    storage: Storage
    with_own_file: set[str]
    on_corrupt: OnCorrupt
    looks_for_files: bool
    """Whether a file that a manifest names may be missing."""

    def window(self, key: str) -> Manifest | None:
        """The manifest of a window whose Parquet is there; None for any other."""
        try:
            window = manifest.read(key, storage=self.storage)
        except CorruptManifestError as error:
            self.on_corrupt(error)
            return None
        return window if window and window.parquet and not window.parquet.removed else None


def _of_day(lake: _Lake, keys: Sequence[str]) -> Iterator[FileRange]:
    """The ranges of one slice and date, whose manifests are at *keys*."""
    try:
        day = day_of(keys, lake.storage)
    except CorruptManifestError as error:
        lake.on_corrupt(error)
        yield from _of_unknown_day(lake, keys)
        return
    if day is None and lake.looks_for_files:
        yield from _of_unknown_day(lake, keys)
        return
    ranges: list[FileRange] = []
    replaced: list[NsRange] = []
    for key in keys:
        name = layout.window_name(key)
        compacted = day.compacted(name) if day else None
        if layout.is_day_manifest(key):
            continue
        if day and compacted and not _may_differ(day, compacted, key, lake.with_own_file):
            continue
        window = lake.window(key)
        if window is None or window.parquet is None:
            continue
        if day and compacted:
            if not _own_file_counts(day, window, window.parquet, storage=lake.storage):
                continue
            replaced += _replaced(lake.feed, day, compacted, window.parquet)
        if window.parquet.rows:
            ranges.append(_whole_file(window, window.parquet))
    if day and day.key and not day.removed:
        ranges += _day_ranges(day, day.key, sorted(replaced))
    yield from sorted(ranges, key=lambda file_range: file_range.first_event_ns)


def _of_unknown_day(lake: _Lake, keys: Sequence[str]) -> Iterator[FileRange]:
    """The same where the day's manifest is damaged or gone: what its windows know of themselves.

    A window without a file of its own is in the day's file, between its first and last event.
    """
    at = layout.parse_manifest(keys[0])
    day_key = layout.parquet_key(at.feed, at.slice, layout.day_of(at.window))
    has_day = lake.storage.exists(day_key)
    ranges = []
    for key in keys:
        window = None if layout.is_day_manifest(key) else lake.window(key)
        if window is None or window.parquet is None or not window.parquet.rows:
            continue
        whole = _whole_file(window, window.parquet)
        if lake.storage.exists(whole.key):
            ranges.append(whole)
        elif has_day:
            ranges.append(replace(whole, key=day_key, is_partial=True))
    yield from sorted(ranges, key=lambda file_range: file_range.first_event_ns)


def _may_differ(
    day: CompactedDay, compacted: CompactedWindow, key: str, with_own_file: set[str]
) -> bool:
    """Whether the window may have been converted again since: then its manifest must be read."""
    return (
        layout.unit_path(key) in with_own_file or day.replacement_of(compacted.window) is not None
    )


def _own_file_counts(
    day: CompactedDay, window: Manifest, parquet: ParquetSection, *, storage: Storage
) -> bool:
    """Whether a file of its own counts, and not the day's.

    One that is named and does not exist is of a conversion that met a compaction and is about to
    start over: the day's file has what was there before.
    """
    if day.holds(CompactedWindow.of(window.window, parquet)) or parquet.key is None:
        return False
    return storage.exists(parquet.key)


def _replaced(
    feed: Feed, day: CompactedDay, compacted: CompactedWindow, parquet: ParquetSection
) -> list[NsRange]:
    """Where rows of a window may be in the day's file: also when it was just replaced there."""
    if not feed.snapshot:
        window = Window.parse(compacted.window)
        return [(window.start_ns, window.end_ns - 1)]
    in_day = (compacted, *(one for one in day.replacing if one.window == compacted.window))
    states: tuple[CompactedWindow | ParquetSection, ...] = (*in_day, parquet)
    return [
        (state.first_event_ns, state.last_event_ns)
        for state in states
        if state.first_event_ns is not None and state.last_event_ns is not None
    ]


def _whole_file(window: Manifest, parquet: ParquetSection) -> FileRange:
    if parquet.key is None or parquet.first_event_ns is None or parquet.last_event_ns is None:
        raise ValueError(f"{window.key}: rows without a file")
    return FileRange(
        key=parquet.key,
        slice=Slice.of(window.slice),
        first_event_ns=parquet.first_event_ns,
        last_event_ns=parquet.last_event_ns,
    )


def _day_ranges(day: CompactedDay, key: str, replaced: Sequence[NsRange]) -> Iterator[FileRange]:
    """The day's file without the *replaced* ranges: all of it, or what is between them."""
    firsts_ns = [w.first_event_ns for w in day.windows if w.first_event_ns is not None]
    lasts_ns = [w.last_event_ns for w in day.windows if w.last_event_ns is not None]
    first_ns, last_ns = min(firsts_ns), max(lasts_ns)
    for replaced_from_ns, replaced_to_ns in [*replaced, (last_ns + 1, last_ns + 1)]:
        if first_ns < replaced_from_ns:
            yield FileRange(
                key=key,
                slice=Slice.of(day.slice),
                first_event_ns=first_ns,
                last_event_ns=min(replaced_from_ns - 1, last_ns),
                is_partial=bool(replaced),
            )
        first_ns = max(first_ns, replaced_to_ns + 1)
