"""A day's converted windows in, one sorted Parquet file and the day's manifest out.

The windows of a slice do not overlap in time, so their files are read one after the
other, a row group at a time, and go through the converter's own writer and parity check.
A day that was compacted before is written anew where windows were converted again
since: their rows come from ``late/``, all others from the day's own file.

A window that is converted at the same time is never lost: before the day's file is
replaced, and after its manifest was written, the windows' manifests are looked at once
more, and where one changed the day is begun anew.
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
"""Another one is needed only where a window is converted meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactResult:
    """What one compaction did, or why it did nothing."""

    day: str
    slice: str
    rows: int = 0
    files: int = 0
    """Files that became one."""
    parquet_bytes: int = 0
    skipped: str | None = None
    seconds: float = 0.0
    peak_bytes: int = 0

    def summary(self) -> dict[str, object]:
        """Counts, for a log line or XCom."""
        told: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        return told | {"seconds": round(self.seconds, 3)}


class _NotReadyError(Exception):
    """The day cannot be compacted now; says why."""


class _InterferedError(Exception):
    """A window was converted since the day was begun; says which."""


def compact(
    feed: Feed, piece: Slice, day: Window, *, storage: Storage, budgets: Budget
) -> CompactResult:
    """Make one file of the windows of *day*; a day that is not whole yet is left alone.

    ``UsageError`` for a feed whose windows are days or longer. ``ParityError`` where a
    file does not hold what its manifest says: nothing is committed then.
    """
    if feed.window >= layout.DAY:
        raise UsageError(f"the windows of {feed.name} are days or longer: nothing to compact")
    began_s = time.monotonic()
    use_frugal_allocators()
    place = schema_history.find(feed, storage=storage)
    task = _CompactionJob(
        feed=feed, piece=piece, day=day, storage=storage, budgets=budgets, place=place
    )
    try:
        committed, files = _compact(task)
    except _NotReadyError as reason:
        log.info("compact.skipped feed=%s slice=%s day=%s: %s", feed.name, piece, day.name, reason)
        return CompactResult(day=day.name, slice=str(piece), skipped=str(reason))
    report = CompactResult(
        day=day.name,
        slice=str(piece),
        rows=committed.rows,
        files=files,
        parquet_bytes=committed.parquet_bytes,
        seconds=time.monotonic() - began_s,
        peak_bytes=peak_bytes(),
    )
    told = report.summary()
    log.info("compact.done %s", " ".join(f"{name}={value}" for name, value in told.items()))
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class _CompactionJob:
    """What one compaction is about."""

    feed: Feed
    piece: Slice
    day: Window
    storage: Storage
    budgets: Budget
    place: SchemaVersion

    def manifest(self, window: Window) -> Manifest | None:
        """What is committed of *window* now."""
        key = layout.manifest_key(self.feed.name, self.piece, window)
        return manifest.read(key, storage=self.storage)

    @property
    def key(self) -> str:
        """Where the day's file lies, if it has one."""
        return layout.parquet_key(self.feed.name, self.piece, self.day)


def _compact(task: _CompactionJob) -> tuple[CompactedDay, int]:
    """The day as it was committed, and how many files it was made of."""
    for _ in range(_TRIES):
        old = _old(task)
        if old and not old.removed:
            remove_replaced_files(
                old, storage=task.storage
            )  # also where the day is not ready to be begun again
        found = list(_manifests(task, old))
        sources = _sources(found, old)
        files = len({one.key for one in sources if one.hour.rows})
        if old and all(old.holds(one.hour) for one in sources):
            return old, files
        try:
            committed = _commit(task, found, sources, old)
            remove_replaced_files(committed, storage=task.storage)
            _raise_if_changed(task, found, but_late=True)
            return committed, files
        except _InterferedError as window:
            log.info("compact.again feed=%s slice=%s window=%s", task.feed.name, task.piece, window)
    raise _NotReadyError(f"its windows were converted each of the {_TRIES} times that it was begun")


def _manifests(task: _CompactionJob, old: CompactedDay | None) -> Iterator[Manifest]:
    """One for each window of the day, all converted."""
    day, length = task.day, task.feed.window
    windows = list(split_range(day.start, day.end, length=length))
    if windows[0].start != day.start or windows[-1].end != day.end:
        raise UsageError(f"{task.feed.name}: windows of {length} do not fit into a day")
    missing = 0
    for window in windows:
        found = task.manifest(window)
        if found is None or found.parquet is None or not found.is_current:
            missing += 1
        elif _is_removed(found.parquet, old, task.storage):
            raise _NotReadyError("retention removed its Parquet")
        else:
            yield found
    if missing:
        raise _NotReadyError(f"{missing} of {len(windows)} windows are not converted yet")


def _is_removed(account: ParquetSection, old: CompactedDay | None, storage: Storage) -> bool:
    """Whether retention took the Parquet; the day says it first, its windows one by one."""
    if account.removed or not account.key or not account.rows or not (old and old.removed):
        return account.removed
    return not storage.exists(account.key)


def _old(task: _CompactionJob) -> CompactedDay | None:
    """The day as it was compacted before."""
    old = day_manifest.read(
        layout.day_manifest_key(task.feed.name, task.piece, task.day), storage=task.storage
    )
    if old is None or not old.replacing:
        return old
    # A compaction broke off: the file is the new one, or still what the manifest says.
    there = task.storage.exists(task.key)
    if (sha256_of_object(task.key, task.storage) if there else None) != old.sha256:
        return old
    old = msgspec.structs.replace(old, replacing=())
    day_manifest.write(old, storage=task.storage)
    return old


def _sources(found: Iterable[Manifest], old: CompactedDay | None) -> list[WindowSource]:
    """Where each window's rows are now, in the order of time."""
    sources = []
    for one in found:
        account = one.require_parquet()
        hour = CompactedWindow.of(one.window, account)
        if old and old.holds(hour):
            sources.append(WindowSource(hour=hour, key=old.key or "", sha256=None))
        else:
            sources.append(WindowSource(hour=hour, key=account.key or "", sha256=account.sha256))
    with_rows = [source for source in sources if source.hour.rows]
    with_rows.sort(key=lambda source: source.hour.first_event_ns or 0)
    last_ns: int | None = None
    for source in with_rows:
        if last_ns is not None and (source.hour.first_event_ns or 0) <= last_ns:
            raise _NotReadyError(f"window {source.hour.window} overlaps another one in time")
        last_ns = source.hour.last_event_ns
    return with_rows + [source for source in sources if not source.hour.rows]


def _commit(
    task: _CompactionJob,
    found: list[Manifest],
    sources: list[WindowSource],
    old: CompactedDay | None,
) -> CompactedDay:
    """Write the day's file, check it, move it to its key and name it in the day's manifest.

    ``_Changed`` where a window was converted meanwhile.
    """
    storage, partial = task.storage, f"{layout.incomplete(task.key)}/{uuid4().hex}"
    try:
        made = _written(task, partial, found, sources)
        if old and not old.removed:
            # From here on no conversion counts on what the old file has of these windows.
            replacing = tuple(one.hour for one in sources if not old.holds(one.hour))
            day_manifest.write(msgspec.structs.replace(old, replacing=replacing), storage=storage)
        _raise_if_changed(task, found)
        if made.key:
            task.place.save(storage)
            storage.move(partial, task.key)
    finally:
        storage.delete(partial)
    day_manifest.write(made, storage=storage)
    if not made.key:
        storage.delete(task.key)
    return made


def _written(
    task: _CompactionJob, partial: str, found: list[Manifest], sources: list[WindowSource]
) -> CompactedDay:
    write = DayWriter(
        feed=task.feed,
        piece=task.piece,
        day=task.day,
        storage=task.storage,
        budgets=task.budgets,
        place=task.place,
    )
    try:
        try:
            return write.to(partial, task.key, sources, declare_sorted=True)
        except OutOfOrderError:
            return write.to(partial, task.key, sources, declare_sorted=False)
    except (ParityError, OSError, pa.ArrowException):
        _raise_if_changed(task, found)  # was it replaced while it was read?
        raise


def _raise_if_changed(
    task: _CompactionJob, found: Iterable[Manifest], *, but_late: bool = False
) -> None:
    """``_Changed`` where a window's Parquet is another one by now.

    With *but_late*, one that waits for the next compaction is fine: its task saw the day.
    """
    for before in found:
        now = task.manifest(Window.parse(before.window))
        account = now and now.parquet
        if account == before.parquet:
            continue
        if not (but_late and account and account.is_pending):
            raise _InterferedError(before.window)
