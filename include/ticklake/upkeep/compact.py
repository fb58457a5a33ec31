"""A day's converted windows in, one sorted Parquet file and the day's manifest out.

The windows of a slice do not overlap in time, so their files are read one after the
other, a row group at a time, and go through the converter's own writer and certificate.
A day that was compacted before is written anew where windows were converted again
since: their rows come from ``late/``, all others from the day's own file.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pyarrow as pa

from include.ticklake import manifest
from include.ticklake.cap.budgets import Budgets
from include.ticklake.cap.memory import peak_bytes, return_large_buffers
from include.ticklake.conversion.parquet import OutOfOrder
from include.ticklake.errors import CallInvalid
from include.ticklake.feeds import Feed
from include.ticklake.manifest import Converted, Manifest
from include.ticklake.slices import Slice
from include.ticklake.storage import INCOMPLETE, Storage
from include.ticklake.upkeep import days
from include.ticklake.upkeep.day_file import DayWriter, Source
from include.ticklake.upkeep.days import Day, Hour
from include.ticklake.windows import Window, cut

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
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


class _Unready(Exception):
    """The day cannot be compacted now; says why."""


def compact(feed: Feed, piece: Slice, day: Window, *, storage: Storage, budgets: Budgets) -> Report:
    """Make one file of the windows of *day*; a day that is not whole yet is left alone.

    ``CallInvalid`` for a feed whose windows are days or longer. ``ParityBroken`` where a
    file does not hold what its manifest says: nothing is committed then.
    """
    if feed.window >= days.LENGTH:
        raise CallInvalid(f"the windows of {feed.name} are days or longer: nothing to compact")
    began_s = time.monotonic()
    pa.set_memory_pool(pa.system_memory_pool())  # as in convert
    return_large_buffers()
    try:
        found = list(_manifests(feed, piece, day, storage))
        old = days.read(days.key(feed.name, piece, day), storage=storage)
        sources = _sources(found, old)
    except _Unready as reason:
        log.info("compact.skipped feed=%s slice=%s day=%s: %s", feed.name, piece, day.name, reason)
        return Report(day=day.name, slice=str(piece), skipped=str(reason))
    if old and all(old.holds(one.hour) for one in sources):
        committed = old
    else:
        committed = _commit(feed, piece, day, sources, storage=storage, budgets=budgets)
    _sweep(feed, committed, storage=storage)
    report = Report(
        day=day.name,
        slice=str(piece),
        rows=committed.rows,
        files=len({one.key for one in sources if one.hour.rows}),
        parquet_bytes=committed.parquet_bytes,
        seconds=time.monotonic() - began_s,
        peak_bytes=peak_bytes(),
    )
    log.info(
        "compact.done feed=%s slice=%s day=%s rows=%d files=%d parquet_bytes=%d seconds=%.3f",
        feed.name, piece, day.name, report.rows, report.files, report.parquet_bytes,
        report.seconds,
    )  # fmt: skip
    return report


def _manifests(feed: Feed, piece: Slice, day: Window, storage: Storage) -> Iterator[Manifest]:
    """One for each window of the day, all converted."""
    windows = list(cut(day.start, day.end, length=feed.window))
    if windows[0].start != day.start or windows[-1].end != day.end:
        raise CallInvalid(f"{feed.name}: windows of {feed.window} do not fit into a day")
    missing = 0
    for window in windows:
        found = manifest.read(manifest.key(feed.name, piece, window), storage=storage)
        if found is None or not found.is_current:
            missing += 1
        else:
            yield found
    if missing:
        raise _Unready(f"{missing} of {len(windows)} windows are not converted yet")


def _sources(found: Iterable[Manifest], old: Day | None) -> list[Source]:
    """Where each window's rows are now, in the order of time."""
    sources = []
    for one in found:
        account = one.parquet
        assert account is not None  # noqa: S101 - they are current
        before = old.hour(one.window) if old else None
        if old and before and before.holds(account):
            sources.append(Source(hour=before, key=old.key or "", sha256=None))
        else:
            hour = _hour(one.window, account)
            sources.append(Source(hour=hour, key=account.key or "", sha256=account.sha256))
    with_rows = [source for source in sources if source.hour.rows]
    with_rows.sort(key=lambda source: source.hour.first_event_ns or 0)
    last_ns: int | None = None
    for source in with_rows:
        if last_ns is not None and (source.hour.first_event_ns or 0) <= last_ns:
            raise _Unready(f"window {source.hour.window} overlaps another one in time")
        last_ns = source.hour.last_event_ns
    return with_rows + [source for source in sources if not source.hour.rows]


def _hour(window: str, account: Converted) -> Hour:
    return Hour(
        window=window,
        rows=account.rows,
        sha256=account.sha256 if account.rows else None,
        first_event_ns=account.first_event_ns,
        last_event_ns=account.last_event_ns,
    )


def _commit(
    feed: Feed,
    piece: Slice,
    day: Window,
    sources: list[Source],
    *,
    storage: Storage,
    budgets: Budgets,
) -> Day:
    """Write the day's file, check it, move it to its key and name it in the day's manifest."""
    key = f"{manifest.folder('parquet', feed.name, piece, day)}/{day.name}.parquet"
    partial = f"{INCOMPLETE}/{key}/{uuid4().hex}"
    write = DayWriter(feed=feed, piece=piece, day=day, storage=storage, budgets=budgets)
    try:
        try:
            made = write.to(partial, key, sources, declare_sorted=True)
        except OutOfOrder:
            made = write.to(partial, key, sources, declare_sorted=False)
        if made.key:
            storage.move(partial, key)
    finally:
        storage.delete(partial)
    days.write(made, storage=storage)
    if not made.key:
        storage.delete(key)
    return made


def _sweep(feed: Feed, day: Day, *, storage: Storage) -> None:
    """Delete the files that the day's file stands for; one that was renewed meanwhile stays."""
    piece = Slice.of(day.slice)
    for hour in day.hours:
        window = Window.parse(hour.window)
        now = manifest.read(manifest.key(feed.name, piece, window), storage=storage)
        if now and now.parquet and hour.holds(now.parquet):
            folder = manifest.folder("parquet", feed.name, piece, window)
            storage.delete(f"{folder}/{window.name}.parquet")
            storage.delete(days.late_key(feed.name, piece, window))
    for left in storage.list(f"{INCOMPLETE}/{_day_key(day)}"):
        storage.delete(left)
    folder = day.manifest_key.rpartition("/")[0]
    for left in storage.list(f"{INCOMPLETE}/{folder}"):
        if left.startswith(f"{INCOMPLETE}/{day.manifest_key}."):
            storage.delete(left)


def _day_key(day: Day) -> str:
    """Where the day's file lies, if it has one."""
    window = Window.parse(day.window)
    folder = manifest.folder("parquet", day.feed, Slice.of(day.slice), window)
    return f"{folder}/{window.name}.parquet"
