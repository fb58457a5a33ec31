"""Merging a day's converted windows into one sorted Parquet file with a manifest of its own.

The windows of a slice do not overlap in time, so their files are read one after the
other, a row group at a time, and go through the converter's own writer and parity check.
A day that was compacted before is compacted again where windows were converted since:
their rows come from pending files, all others from the day's own file.

A window that is converted at the same time is never lost, nor what another compaction or a
retention does to the same day: what a compaction replaces is what it read, and it looks at the
windows again before it replaces the day's file and after it committed (``lake/day_manifest.py``
has the protocol).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import msgspec
import pyarrow as pa

from include.ticklake.convert.budget import Budget
from include.ticklake.convert.parquet_writer import OutOfOrderError
from include.ticklake.errors import CorruptParquetError, ParityError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, schema_history
from include.ticklake.lake.day_manifest import CompactedDay
from include.ticklake.lake.hashing import sha256_of_object
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.schema_history import SchemaVersion
from include.ticklake.lake.staged_object import StagedObject
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.maintain.day_file import DayWriter, WindowSource
from include.ticklake.maintain.day_sources import (
    DayNotReadyError,
    DayWindows,
    WindowChangedError,
    window_sources,
)
from include.ticklake.maintain.replaced_files import remove_replaced_files
from include.ticklake.memory.usage import peak_bytes, use_frugal_allocators
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.model.window_length import longest

log = logging.getLogger(__name__)

_TRIES = 5
"""More than one is needed only where others change the day or a window at the same time."""


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
    if longest(feed.window) >= layout.DAY:
        raise UsageError(
            f"{feed.name}: its windows are days or longer; there is nothing to compact"
        )
    began_s = time.monotonic()
    use_frugal_allocators()
    budget.check_columns(len(feed.fields), feed=feed.name)
    job = _CompactionJob(
        windows=DayWindows(feed=feed, slice=slice_, day=day, storage=storage),
        budget=budget,
        schema_version=schema_version,
    )
    try:
        committed, files = _compact(job)
    except DayNotReadyError as reason:
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

    windows: DayWindows
    budget: Budget
    schema_version: SchemaVersion

    @property
    def storage(self) -> Storage:
        """The storage of the lake."""
        return self.windows.storage

    @property
    def key(self) -> str:
        """The key of the day's file."""
        windows = self.windows
        return layout.parquet_key(windows.feed.name, windows.slice, windows.day)

    def day(self) -> tuple[CompactedDay | None, str | None]:
        """The day's manifest as it is now, and its version."""
        windows = self.windows
        key = layout.day_manifest_key(windows.feed.name, windows.slice, windows.day)
        return day_manifest.read_versioned(key, storage=self.storage) or (None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What a compaction starts from; versions are None where there is no such object."""

    day: CompactedDay | None
    day_version: str | None
    file_version: str | None
    windows: list[Manifest]
    sources: list[WindowSource]

    @property
    def files(self) -> int:
        """How many files are merged."""
        return len({source.key for source in self.sources if source.window.rows})


def _compact(job: _CompactionJob) -> tuple[CompactedDay, int]:
    """The day as it was committed, and how many files it was committed of."""
    for _ in range(_TRIES):
        before = _before(job)
        if before.day and all(before.day.holds(source.window) for source in before.sources):
            return before.day, before.files
        try:
            committed = _commit(job, before)
            remove_replaced_files(committed, storage=job.storage)
            job.windows.raise_if_left_out(before.windows)
            return committed, before.files
        except (WindowChangedError, LostRaceError) as changed:
            log.info("compact.again day=%s: %s is another one by now", job.key, changed)
    raise DayNotReadyError(
        f"its windows, or the day, were changed by others during each of {_TRIES} attempts"
    )


def _before(job: _CompactionJob) -> _Before:
    """The day and its windows, and where their rows are; ``DayNotReadyError``."""
    day, day_version = job.day()
    if day and not day.removed:
        # Also where the day turns out not to be ready.
        remove_replaced_files(day, storage=job.storage)
    # Before the windows: what is published in its place is what was read here, and no other.
    file_version = job.storage.version(job.key)
    windows = job.windows.read(day)
    return _Before(
        day=day,
        day_version=day_version,
        file_version=file_version,
        windows=windows,
        sources=window_sources(windows, day, storage=job.storage),
    )


def _commit(job: _CompactionJob, before: _Before) -> CompactedDay:
    """Write the day's file, check it, publish it and name it in the day's manifest.

    ``WindowChangedError`` or ``LostRaceError`` where a window or the day is another one by now.
    """
    committed, target = _write(job, before)
    try:
        day_version = _announce(job, before, committed)
        job.windows.raise_if_changed(before.windows)
        if committed.key:
            job.schema_version.save(job.storage)
            target.publish_if(job.key, expect=before.file_version)
    finally:
        target.discard()
    try:
        day_manifest.write(committed, storage=job.storage, expect=day_version)
    except LostRaceError:
        _withdraw(job, committed)
        raise
    if not committed.key and before.file_version:
        job.storage.delete_if(job.key, expect=before.file_version)
    return committed


def _write(job: _CompactionJob, before: _Before) -> tuple[CompactedDay, StagedObject]:
    windows = job.windows
    writer = DayWriter(
        feed=windows.feed,
        slice=windows.slice,
        day=windows.day,
        storage=job.storage,
        budget=job.budget,
        schema_version=job.schema_version,
    )
    try:
        _raise_if_broken(job, before)
        try:
            return writer.write(job.key, before.sources, declare_sorted=True)
        except OutOfOrderError:
            return writer.write(job.key, before.sources, declare_sorted=False)
    except (ParityError, CorruptParquetError, OSError, pa.ArrowException):
        # Was a file replaced, or deleted, while it was read?
        windows.raise_if_changed(before.windows)
        if job.day()[1] != before.day_version:
            raise LostRaceError(job.key) from None
        raise


def _raise_if_broken(job: _CompactionJob, before: _Before) -> None:
    """Raise ``ParityError`` where windows are read from the day's file, and it was changed."""
    day = before.day
    if day is None or day.key is None or day.removed:
        return
    from_day = [source.window for source in before.sources if source.key == day.key]
    if not from_day:
        return
    known = {day.sha256}
    if all(map(day.holds, from_day)):
        # A compaction that was killed may have replaced the file already, but not these windows.
        known |= set(day.replacing_sha256s)
    if sha256_of_object(day.key, job.storage) not in known:
        unit = Unit(job.windows.slice, job.windows.day)
        raise ParityError(
            f"{job.storage.uri(day.key)}: the day's file is not what was compacted: its sha256 "
            f"differs; nothing was committed. Run `audit {day.feed} {unit.arguments} --repair`"
        )


def _announce(job: _CompactionJob, before: _Before, committed: CompactedDay) -> str:
    """Say what is about to be replaced: no conversion counts on the day's file for that any more.

    What another compaction said stays: it may have replaced the file by now.
    """
    windows = job.windows
    old = before.day or CompactedDay.unpublished(windows.feed.name, windows.slice, windows.day)
    replacing = {s.window for s in before.sources if not old.holds(s.window)} | {*old.replacing}
    sha256s = {*old.replacing_sha256s, *filter(None, [committed.sha256])}
    announced = msgspec.structs.replace(
        old,
        replacing=tuple(sorted(replacing, key=lambda window: (window.window, repr(window)))),
        replacing_sha256s=tuple(sorted(sha256s)),
    )
    return day_manifest.write(announced, storage=job.storage, expect=before.day_version)


def _withdraw(job: _CompactionJob, committed: CompactedDay) -> None:
    """Delete the file where it came too late: retention removed the day meanwhile."""
    day, _ = job.day()
    if committed.key is None or day is None or not day.removed:
        return
    version = job.storage.version(job.key)
    if version and sha256_of_object(job.key, job.storage) == committed.sha256:
        job.storage.delete_if(job.key, expect=version)
