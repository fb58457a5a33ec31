"""A day's windows in, the files that their rows are read from out, or why there are none yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.day_file import WindowSource
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window, split_range


class DayNotReadyError(Exception):
    """The day cannot be compacted now; says why."""


class WindowChangedError(Exception):
    """A window was converted since the compaction started; says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayWindows:
    """The windows of one day of a slice."""

    feed: Feed
    slice: Slice
    day: Window
    storage: Storage

    def read(self, old: CompactedDay | None) -> list[Manifest]:
        """The manifest of each window; all are converted. *old* is the day as it is."""
        return list(self._read(old))

    def _read(self, old: CompactedDay | None) -> Iterator[Manifest]:
        length = self.feed.window
        windows = list(split_range(self.day.start, self.day.end, length=length))
        if windows[0].start != self.day.start or windows[-1].end != self.day.end:
            raise UsageError(f"{self.feed.name}: windows of {length} do not divide a day")
        missing = 0
        for window in windows:
            current = self._manifest(window)
            if current is None or current.parquet is None or not current.is_current:
                missing += 1
            elif _is_removed(current.parquet, old, self.storage):
                raise DayNotReadyError("retention removed its Parquet")
            elif current.json.unfinished_until_ms is not None:
                raise DayNotReadyError(f"{window.name} is unfinished, and is fetched again")
            else:
                yield current
        if missing:
            raise DayNotReadyError(f"{missing} of {len(windows)} windows are not converted yet")

    def raise_if_changed(self, windows: Iterable[Manifest]) -> None:
        """Raise ``WindowChangedError`` where one is not what it was, or about to be another."""
        for before in windows:
            now = self._manifest(Window.parse(before.window))
            if now is None or not now.is_current or now.parquet != before.parquet:
                raise WindowChangedError(before.window)

    def raise_if_left_out(self, windows: Iterable[Manifest]) -> None:
        """Raise ``WindowChangedError`` where one has another file, which waits for no compaction.

        It was converted before its task could see the day that is committed now.
        """
        for before in windows:
            now = self._manifest(Window.parse(before.window))
            parquet = now and now.parquet
            if parquet and (parquet.is_pending or _is_same(parquet, before.require_parquet())):
                continue
            raise WindowChangedError(before.window)

    def _manifest(self, window: Window) -> Manifest | None:
        key = layout.manifest_key(self.feed.name, self.slice, window)
        return manifest.read(key, storage=self.storage)


def window_sources(
    windows: Iterable[Manifest], old: CompactedDay | None, *, storage: Storage
) -> list[WindowSource]:
    """Where each window's rows are now, in the order of time."""
    sources = []
    for window_manifest in windows:
        parquet = window_manifest.require_parquet()
        window = CompactedWindow.of(window_manifest.window, parquet)
        if old and (old.holds(window) or _is_only_in_day(window, parquet, old, storage)):
            sources.append(WindowSource(window=window, key=old.key or "", sha256=None))
        else:
            key = parquet.key or ""
            sources.append(WindowSource(window=window, key=key, sha256=parquet.sha256))
    with_rows = [source for source in sources if source.window.rows]
    with_rows.sort(key=lambda source: source.window.first_event_ns or 0)
    last_ns: int | None = None
    for source in with_rows:
        if last_ns is not None and (source.window.first_event_ns or 0) <= last_ns:
            raise DayNotReadyError(f"window {source.window.window} overlaps another one in time")
        last_ns = source.window.last_event_ns
    return with_rows + [source for source in sources if not source.window.rows]


def _is_removed(parquet: ParquetSection, old: CompactedDay | None, storage: Storage) -> bool:
    """Whether retention removed the Parquet: the day is marked first, then window by window."""
    if parquet.removed or not parquet.key or not parquet.rows or not (old and old.removed):
        return parquet.removed
    return not storage.exists(parquet.key)


def _is_only_in_day(
    window: CompactedWindow, parquet: ParquetSection, old: CompactedDay, storage: Storage
) -> bool:
    """Whether the day's file has the window, which a compaction was about to replace there.

    It was converted back to what the day has of it right before that was announced.
    """
    is_in_file = not old.removed and old.compacted(window.window) == window
    return is_in_file and bool(parquet.key) and not storage.exists(parquet.key or "")


def _is_same(parquet: ParquetSection, before: ParquetSection) -> bool:
    """Whether the rows are the same, also where the JSON is newer by now."""
    return (parquet.key, parquet.sha256, parquet.removed) == (before.key, before.sha256, False)
