"""Making a damaged manifest of a day again, from its file and the manifests of its windows.

A window without a file of its own is in the day's file, as its own manifest describes it: the
file's rows are counted to see that they are. The text of the damaged manifest is kept among the
reports.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

from include.ticklake.errors import CorruptManifestError, CorruptParquetError, DataError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, manifest
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.layout import Area
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.storage import JSON_METADATA, Storage
from include.ticklake.maintain.file_facts import FileFacts, NsRange, read_facts
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, split_range

log = logging.getLogger(__name__)

_NO_FILE = "0" * 64
"""The sha256 of no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _WindowOfDay:
    """A converted window of the day."""

    manifest: Manifest
    parquet: ParquetSection
    has_own_file: bool

    @property
    def compacted(self) -> CompactedWindow:
        """What the day's file has of it, where it has no file of its own."""
        return CompactedWindow.of(self.manifest.window, self.parquet)

    def has_json(self, storage: Storage) -> bool:
        """Whether it can be converted again."""
        staged = self.manifest.json
        return not staged.removed and all(storage.exists(part.key) for part in staged.parts)

    def span(self, *, is_snapshot: bool) -> NsRange:
        """Where its rows are in the day's file."""
        window = Window.parse(self.manifest.window)
        ends = self.parquet.first_event_ns, self.parquet.last_event_ns
        if is_snapshot and ends[0] is not None and ends[1] is not None:
            return ends[0], ends[1]
        return window.start_ns, window.end_ns - 1


def restore_day(feed: Feed, day: Unit, *, storage: Storage) -> CompactedDay | None:
    """Write the manifest of *day* again where it is damaged or gone; return what is there then.

    None where every window has a file of its own: then the day has no manifest any more.
    ``DataError`` where file and windows do not say what it was: nothing is changed then.
    """
    key = layout.day_manifest_key(feed.name, day.slice, day.window)
    try:
        if current := day_manifest.read(key, storage=storage):
            return current
    except CorruptManifestError as error:
        log.warning("repair.restoring %s", error)
    damaged = storage.read_versioned(key)
    if damaged:
        name = hashlib.sha256(damaged.body).hexdigest()[:8]
        copy = f"{Area.REPORTS}/{layout.unit_path(key)}.{name}.damaged.json"
        storage.put(copy, damaged.body, metadata=JSON_METADATA)
    windows = _windows(feed, day, storage=storage)
    if all(window.has_own_file or not window.parquet.rows for window in windows):
        if damaged:
            storage.delete_if(key, expect=damaged.version)
        return None
    restored = _describe(feed, day, windows, storage=storage)
    day_manifest.write(restored, storage=storage, expect=damaged.version if damaged else None)
    log.info(
        "repair.restored feed=%s slice=%s day=%s rows=%d", feed.name, day.slice, day.window.name,
        restored.rows,
    )  # fmt: skip
    return restored


def _windows(feed: Feed, day: Unit, *, storage: Storage) -> list[_WindowOfDay]:
    windows = []
    for window in split_range(day.window.start, day.window.end, length=feed.window):
        key = layout.manifest_key(feed.name, day.slice, window)
        read = manifest.read(key, storage=storage)
        if read is None or read.parquet is None or read.parquet.removed:
            continue
        own_key = read.parquet.key
        has_own_file = own_key is not None and storage.exists(own_key)
        windows.append(_WindowOfDay(manifest=read, parquet=read.parquet, has_own_file=has_own_file))
    return windows


def _describe(
    feed: Feed, day: Unit, windows: list[_WindowOfDay], *, storage: Storage
) -> CompactedDay:
    file_key = layout.parquet_key(feed.name, day.slice, day.window)
    where = f"{storage.uri(file_key)}: the day's manifest is damaged, and its file"
    spans = tuple(window.span(is_snapshot=feed.snapshot) for window in windows)
    facts: FileFacts | None = None
    try:
        facts = read_facts(feed, file_key, storage=storage, within=spans)
        problem = _misfit(windows, facts)
    except FileNotFoundError:
        problem = "it is missing"
    except CorruptParquetError as error:
        problem = str(error)
    if facts is not None and problem is None:
        counted = zip(windows, facts.rows_within, spans, strict=True)
        return _day(day, feed, file_key, [_entry(*each) for each in counted], facts)
    if not all(w.has_own_file or w.has_json(storage) for w in windows):
        raise DataError(f"{where} does not fit: {problem}; nothing was changed")
    # Described as it should be: an audit finds that it is not, and repairs it from the JSON.
    in_file = [window.compacted for window in windows if not window.has_own_file]
    return _day(day, feed, file_key, in_file, None)


def _misfit(windows: list[_WindowOfDay], facts: FileFacts) -> str | None:
    """What the file lacks, or has too much."""
    for window, rows in zip(windows, facts.rows_within, strict=True):
        if not window.has_own_file and rows != window.parquet.rows:
            return f"window {window.manifest.window} has {window.parquet.rows} rows, {rows} there"
    if sum(facts.rows_within) != facts.rows:
        return f"{facts.rows - sum(facts.rows_within)} rows are of none of its windows"
    return None


def _entry(window: _WindowOfDay, rows: int, span: NsRange) -> CompactedWindow:
    """What the file has of *window*; of one with a file of its own, what was there before."""
    if not window.has_own_file:
        return window.compacted
    first_ns, last_ns = span if rows else (None, None)
    return CompactedWindow(
        window=window.manifest.window,
        rows=rows,
        sha256=None,
        first_event_ns=first_ns,
        last_event_ns=last_ns,
    )


def _day(
    day: Unit, feed: Feed, key: str, windows: list[CompactedWindow], facts: FileFacts | None
) -> CompactedDay:
    return CompactedDay(
        feed=feed.name,
        slice=day.slice.as_dict(),
        window=day.window.name,
        key=key,
        rows=sum(window.rows for window in windows),
        parquet_bytes=facts.parquet_bytes if facts else 0,
        sha256=facts.sha256 if facts else _NO_FILE,
        row_groups=facts.row_groups if facts else 0,
        sorted=facts.sorted if facts else False,
        windows=tuple(windows),
    )
