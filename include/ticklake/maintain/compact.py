"""Merging a day's converted windows into one sorted Parquet file with a manifest of its own.

The windows of a slice do not overlap in time, so their files are read one after the
other, a row group at a time, and go through the converter's own writer and parity check.
A day that was compacted before is compacted again where windows were converted since:
their rows come from pending files, all others from the day's own file.

A window that is converted at the same time is never lost: before the day's file is
replaced, and after its manifest was written, the windows' manifests are read once more,
and where one changed the compaction starts over (``lake/day_manifest.py`` has the protocol).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import msgspec
import pyarrow as pa

from include.ticklake.convert.budget import Budget
from include.ticklake.convert.parquet_writer import OutOfOrderError
from include.ticklake.errors import ParityError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, manifest, schema_history
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.hashing import sha256_of_object
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.schema_history import SchemaVersion
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.day_file import DayWriter, WindowSource
from include.ticklake.maintain.replaced_files import remove_replaced_files
from include.ticklake.memory.usage import peak_bytes, use_frugal_allocators
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window, split_range

log = logging.getLogger(__name__)

_TRIES = 5
"""More than one is needed only where a window is converted at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactResult:
    """What one compaction did, or why it did nothing."""

    day: str
    slice: str
    rows: int = 0
    files: int = 0
    """Files that were merged."""
    parquet_bytes: int = 0
    skipped: str | None = None
    seconds: float = 0.0
    peak_bytes: int = 0

    def summary(self) -> dict[str, object]:
        """Counts, for a log line or XCom."""
        values: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        return values | {"seconds": round(self.seconds, 3)}


class _NotReadyError(Exception):
    """The day cannot be compacted now; says why."""


class _InterferedError(Exception):
    """A window was converted since the compaction started; says which."""


def compact(
    feed: Feed, slice_: Slice, day: Window, *, storage: Storage, budget: Budget
) -> CompactResult:
    """Merge the windows of *day* into one file; skip a day that is not complete yet.

    ``UsageError`` for what is not a day, and for a feed whose windows are days or longer.
    ``ParityError`` where the data of a file is not what its manifest says; nothing is committed
    then.
    """
    schema_version = schema_history.find(feed, storage=storage)
    if day != layout.day_of(day):
        raise UsageError(
            f"{feed.name}: {day.name} is not a UTC day; name {layout.day_of(day).name}"
        )
    if feed.window >= layout.DAY:
        raise UsageError(
            f"{feed.name}: its windows are days or longer; there is nothing to compact"
        )
    began_s = time.monotonic()
    use_frugal_allocators()
    job = _CompactionJob(
        feed=feed,
        slice=slice_,
        day=day,
        storage=storage,
        budget=budget,
        schema_version=schema_version,
    )
    try:
        committed, files = _compact(job)
    except _NotReadyError as reason:
        log.info("compact.skipped feed=%s slice=%s day=%s: %s", feed.name, slice_, day.name, reason)
        return CompactResult(day=day.name, slice=str(slice_), skipped=str(reason))
    result = CompactResult(
        day=day.name,
        slice=str(slice_),
        rows=committed.rows,
        files=files,
        parquet_bytes=committed.parquet_bytes,
        seconds=time.monotonic() - began_s,
        peak_bytes=peak_bytes(),
    )
    values = result.summary().items()
    log.info("compact.done %s", " ".join(f"{name}={value}" for name, value in values))
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _CompactionJob:
    """What one compaction is about."""

    feed: Feed
    slice: Slice
    day: Window
    storage: Storage
    budget: Budget
    schema_version: SchemaVersion

    def manifest(self, window: Window) -> Manifest | None:
        """The manifest of *window* as it is now."""
        key = layout.manifest_key(self.feed.name, self.slice, window)
        return manifest.read(key, storage=self.storage)

    @property
    def key(self) -> str:
        """The key of the day's file."""
        return layout.parquet_key(self.feed.name, self.slice, self.day)


def _compact(job: _CompactionJob) -> tuple[CompactedDay, int]:
    """The day as it was committed, and how many files it was committed of."""
    for _ in range(_TRIES):
        old = _old(job)
        if old and not old.removed:
            # Also where the day turns out not to be ready.
            remove_replaced_files(old, storage=job.storage)
        manifests = list(_manifests(job, old))
        sources = _sources(manifests, old)
        files = len({source.key for source in sources if source.window.rows})
        if old and all(old.holds(source.window) for source in sources):
            return old, files
        try:
            committed = _commit(job, manifests, sources, old)
            remove_replaced_files(committed, storage=job.storage)
            _raise_if_changed(job, manifests, allow_pending=True)
            return committed, files
        except _InterferedError as window:
            log.info("compact.again feed=%s slice=%s window=%s", job.feed.name, job.slice, window)
    raise _NotReadyError(f"its windows were converted again during each of {_TRIES} attempts")


def _manifests(job: _CompactionJob, old: CompactedDay | None) -> Iterator[Manifest]:
    """The manifest of each window of the day; all are converted."""
    day, length = job.day, job.feed.window
    windows = list(split_range(day.start, day.end, length=length))
    if windows[0].start != day.start or windows[-1].end != day.end:
        raise UsageError(f"{job.feed.name}: windows of {length} do not divide a day")
    missing = 0
    for window in windows:
        current = job.manifest(window)
        if current is None or current.parquet is None or not current.is_current:
            missing += 1
        elif _is_removed(current.parquet, old, job.storage):
            raise _NotReadyError("retention removed its Parquet")
        elif current.json.unfinished_until_ms is not None:
            raise _NotReadyError(f"{window.name} is unfinished, and is fetched again")
        else:
            yield current
    if missing:
        raise _NotReadyError(f"{missing} of {len(windows)} windows are not converted yet")


def _is_removed(parquet: ParquetSection, old: CompactedDay | None, storage: Storage) -> bool:
    """Whether retention removed the Parquet: the day is marked first, then window by window."""
    if parquet.removed or not parquet.key or not parquet.rows or not (old and old.removed):
        return parquet.removed
    return not storage.exists(parquet.key)


def _old(job: _CompactionJob) -> CompactedDay | None:
    """The day as it was compacted before."""
    old = day_manifest.read(
        layout.day_manifest_key(job.feed.name, job.slice, job.day), storage=job.storage
    )
    if old is None or not old.replacing:
        return old
    # A compaction was interrupted: the file is the new one, or still what the manifest says.
    exists = job.storage.exists(job.key)
    if (sha256_of_object(job.key, job.storage) if exists else None) != old.sha256:
        return old
    old = msgspec.structs.replace(old, replacing=())
    day_manifest.write(old, storage=job.storage)
    return old


def _sources(manifests: Iterable[Manifest], old: CompactedDay | None) -> list[WindowSource]:
    """Where each window's rows are now, in the order of time."""
    sources = []
    for window_manifest in manifests:
        parquet = window_manifest.require_parquet()
        window = CompactedWindow.of(window_manifest.window, parquet)
        if old and old.holds(window):
            sources.append(WindowSource(window=window, key=old.key or "", sha256=None))
        else:
            key = parquet.key or ""
            sources.append(WindowSource(window=window, key=key, sha256=parquet.sha256))
    with_rows = [source for source in sources if source.window.rows]
    with_rows.sort(key=lambda source: source.window.first_event_ns or 0)
    last_ns: int | None = None
    for source in with_rows:
        if last_ns is not None and (source.window.first_event_ns or 0) <= last_ns:
            raise _NotReadyError(f"window {source.window.window} overlaps another one in time")
        last_ns = source.window.last_event_ns
    return with_rows + [source for source in sources if not source.window.rows]


def _commit(
    job: _CompactionJob,
    manifests: list[Manifest],
    sources: list[WindowSource],
    old: CompactedDay | None,
) -> CompactedDay:
    """Write the day's file, check it, move it to its key and name it in the day's manifest.

    ``_InterferedError`` where a window was converted meanwhile.
    """
    storage, partial = job.storage, f"{layout.incomplete(job.key)}/{uuid4().hex}"
    try:
        committed = _write(job, partial, manifests, sources)
        if old and not old.removed:
            # From here on no conversion counts on what the old file has of these windows.
            replacing = tuple(s.window for s in sources if not old.holds(s.window))
            day_manifest.write(msgspec.structs.replace(old, replacing=replacing), storage=storage)
        _raise_if_changed(job, manifests)
        if committed.key:
            job.schema_version.save(storage)
            storage.move(partial, job.key)
    finally:
        storage.delete(partial)
    day_manifest.write(committed, storage=storage)
    if not committed.key:
        storage.delete(job.key)
    return committed


def _write(
    job: _CompactionJob, partial: str, manifests: list[Manifest], sources: list[WindowSource]
) -> CompactedDay:
    writer = DayWriter(
        feed=job.feed,
        slice=job.slice,
        day=job.day,
        storage=job.storage,
        budget=job.budget,
        schema_version=job.schema_version,
    )
    try:
        try:
            return writer.write(partial, job.key, sources, declare_sorted=True)
        except OutOfOrderError:
            return writer.write(partial, job.key, sources, declare_sorted=False)
    except (ParityError, OSError, pa.ArrowException):
        _raise_if_changed(job, manifests)  # was a file replaced while it was read?
        raise


def _raise_if_changed(
    job: _CompactionJob, manifests: Iterable[Manifest], *, allow_pending: bool = False
) -> None:
    """Raise ``_InterferedError`` where a window's Parquet is another one by now.

    With *allow_pending*, one that waits for the next compaction is fine: its task saw the day.
    """
    for before in manifests:
        now = job.manifest(Window.parse(before.window))
        parquet = now and now.parquet
        if parquet == before.parquet:
            continue
        if not (allow_pending and parquet and parquet.is_pending):
            raise _InterferedError(before.window)
