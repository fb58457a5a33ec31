"""Keeps the summary that the page shows: made from the manifests, object by object.

Whatever changes manifests calls ``update`` for their units afterwards. The summary is a cache: a
failure to write it is logged and stops nothing, and `publish` for a range makes that range again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from msgspec.structs import replace

from include.ticklake.feed.feed import Feed
from include.ticklake.lake import feed_record, layout, summary
from include.ticklake.lake.storage import JSON_METADATA, Storage
from include.ticklake.lake.summary import (
    MAX_QUARANTINE_WINDOWS,
    MAX_RUNS,
    MAX_SLICES,
    FeedSummary,
    LastAudit,
    QuarantinedWindow,
    RunTotals,
    StepRun,
)
from include.ticklake.lake.summary_windows import window_members
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import split_range
from include.ticklake.publish.quarantine_reasons import count_reasons
from include.ticklake.publish.slice_years import ATTEMPTS, Map, lost_too_often, update_years
from include.ticklake.publish.window_facts import WindowFacts, read_facts
from include.ticklake.redaction.masking import mask

log = logging.getLogger(__name__)

_WRITERS = 16

Facts = Mapping[Unit, WindowFacts]


def publish(
    feed: Feed, units: Iterable[Unit], *, storage: Storage, runs: Collection[StepRun] = ()
) -> None:
    """Note the *units* of a run, what they hold in total, and the memory that its steps took.

    *units* may be days as well: of each, all windows. ``feed_record.check`` comes before.
    """
    with ThreadPoolExecutor(_WRITERS) as pool:
        _safely(feed, lambda: _update(feed, units, storage, pool.map, runs=runs, is_run=True))


def update(feed: Feed, units: Iterable[Unit], *, storage: Storage) -> None:
    """Note *units* whose manifests changed outside of a run, one by one.

    The stacks of threads would count where a command is under a memory limit.
    """

    def check_and_update() -> None:
        feed_record.check(feed, storage=storage)
        _update(feed, units, storage, map)

    _safely(feed, check_and_update)


class NamesManifests(Protocol):
    """What retention deletes."""

    @property
    def manifests(self) -> Iterable[str]:
        """The keys of those that say so."""


Expired = TypeVar("Expired", bound=NamesManifests)


def follow(feed: Feed, expired: Iterable[Expired], *, storage: Storage) -> Iterator[Expired]:
    """Yield what retention deletes, and note its windows at the end."""
    units: dict[Unit, None] = {}
    for each in expired:
        yield each
        keys = (key for key in each.manifests if not layout.is_day_manifest(key))
        units |= {Unit(key.slice, key.window): None for key in map(layout.parse, keys)}
    if units:
        update(feed, units, storage=storage)


def note_runs(feed: Feed, runs: Collection[StepRun], *, storage: Storage) -> None:
    """Note the memory that steps took which changed no window, such as a compaction."""
    if runs:
        _safely(feed, lambda: _swap(feed, lambda old: _with_runs(old, runs), storage))


def note_audit(feed: Feed, audit: LastAudit, *, storage: Storage) -> None:
    """Note how the last audit of *feed* ended."""
    _safely(feed, lambda: _swap(feed, lambda old: replace(old, audit=audit), storage))


def _safely(feed: Feed, write: Callable[[], None]) -> None:
    try:
        write()
    except Exception as error:
        log.warning(
            "summary.failed feed=%s: %s: %s; the page shows what it had, and `publish` for the "
            "range makes it again",
            feed.name, type(error).__name__, mask(str(error)),
        )  # fmt: skip


def _update(
    feed: Feed,
    units: Iterable[Unit],
    storage: Storage,
    map_all: Map,
    *,
    runs: Collection[StepRun] = (),
    is_run: bool = False,
) -> None:
    windows = list(dict.fromkeys(_windows(feed, units)))
    facts = update_years(feed.name, windows, window=feed.window, storage=storage, map_all=map_all)
    committed = {unit: known for unit, known in facts.items() if known.is_committed}

    def changed(old: FeedSummary) -> FeedSummary:
        new = _with_windows(_with_runs(old, runs), committed)
        if is_run and committed:
            new = _with_totals(new, _totals(committed))
        quarantined = _quarantined(feed, old, facts, storage=storage, map_all=map_all)
        return replace(new, quarantine_windows=quarantined)

    _swap(feed, changed, storage)


def _windows(feed: Feed, units: Iterable[Unit]) -> Iterator[Unit]:
    """The windows of the feed that *units* touch; none of slices that it names otherwise."""
    names = tuple(feed.slices)
    for unit in units:
        if tuple(name for name, _ in unit.slice.values) == names:
            start, end = unit.window.start, unit.window.end
            for window in split_range(start, end, length=feed.window):
                yield Unit(unit.slice, window)


def _swap(feed: Feed, change: Callable[[FeedSummary], FeedSummary], storage: Storage) -> None:
    """Replace the feed's object by what *change* makes of it, and of no other."""
    key = summary.feed_key(feed.name)
    for _ in range(ATTEMPTS):
        stored = storage.read_versioned(key)
        old = summary.decode_feed(stored.body, key=key) if stored else None
        new = replace(change(_of_grid(feed, old)), updated_at_ms=time.time_ns() // 10**6)
        expect, body = (stored.version if stored else None), summary.encode_feed(new)
        try:
            storage.put_if(key, body, expect=expect, metadata=JSON_METADATA)
        except LostRaceError:
            continue
        return
    raise lost_too_often(key, storage=storage)


def _of_grid(feed: Feed, old: FeedSummary | None) -> FeedSummary:
    """*old*; after a `regrid` only what does not depend on windows."""
    empty = FeedSummary(
        feed=feed.name,
        slice_names=tuple(feed.slices),
        **window_members(feed.window),
    )
    if old is None:
        return empty
    if (old.window, old.slice_names) == (empty.window, empty.slice_names):
        return old
    return replace(empty, runs=old.runs, audit=old.audit)


def _with_windows(old: FeedSummary, committed: Facts) -> FeedSummary:
    if not committed:
        return old
    starts = [unit.window.start_ms for unit in committed]
    ends = [unit.window.end_ms for unit in committed]
    slices = {unit.slice.path for unit in committed}.union(old.slices)
    return replace(
        old,
        slices=tuple(sorted(slices)[:MAX_SLICES]),
        first_start_ms=min([*starts, *_known(old.first_start_ms)]),
        last_end_ms=max([*ends, *_known(old.last_end_ms)]),
    )


def _known(value: int | None) -> list[int]:
    return [] if value is None else [value]


def _with_runs(old: FeedSummary, runs: Collection[StepRun]) -> FeedSummary:
    """With *runs* in place of what an earlier try of the same runs noted."""
    by_step = {(run.dag_id, run.run_id, run.step): run for run in (*old.runs, *runs)}
    newest = sorted(by_step.values(), key=lambda run: (run.at_ms, run.run_id, run.step))
    return replace(old, runs=tuple(newest[-MAX_RUNS:]))


def _totals(committed: Facts) -> RunTotals:
    return RunTotals(
        start_ms=min(unit.window.start_ms for unit in committed),
        end_ms=max(unit.window.end_ms for unit in committed),
        windows=len({unit.window for unit in committed}),
        slices=len({unit.slice for unit in committed}),
        rows=sum(known.rows for known in committed.values()),
        quarantined_rows=sum(known.quarantined_rows for known in committed.values()),
        json_bytes=sum(known.json_bytes for known in committed.values()),
        parquet_bytes=sum(known.parquet_bytes for known in committed.values()),
    )


def _with_totals(old: FeedSummary, totals: RunTotals) -> FeedSummary:
    """With *totals*, unless those of a newer run are there, or of more slices."""
    before = old.totals
    if before and (before.end_ms, before.slices) > (totals.end_ms, totals.slices):
        return old
    return replace(old, totals=totals)


def _quarantined(
    feed: Feed, old: FeedSummary, facts: Facts, *, storage: Storage, map_all: Map
) -> tuple[QuarantinedWindow, ...]:
    """The newest windows with quarantined records; where *facts* or *old* has one, as it is now.

    Their manifests are read again: another process may have changed one, and the object since.
    """
    listed = {(entry.slice, entry.start_ms): entry for entry in old.quarantine_windows}
    newest = sorted(
        (unit for unit, known in facts.items() if known.quarantine_key),
        key=lambda unit: -unit.window.start_ms,
    )[:MAX_QUARANTINE_WINDOWS]
    again = {unit for unit in facts if (unit.slice.path, unit.window.start_ms) in listed}
    units = sorted(again.union(newest))
    entries = map_all(lambda unit: _entry(feed, unit, storage=storage), units)
    for unit, entry in zip(units, entries, strict=True):
        listed.pop((unit.slice.path, unit.window.start_ms), None)
        if entry:
            listed[entry.slice, entry.start_ms] = entry
    ordered = sorted(listed.values(), key=lambda entry: (-entry.start_ms, entry.slice))
    return tuple(ordered[:MAX_QUARANTINE_WINDOWS])


def _entry(feed: Feed, unit: Unit, *, storage: Storage) -> QuarantinedWindow | None:
    known = read_facts(feed.name, unit, storage=storage)
    if not known.quarantine_key:
        return None
    return QuarantinedWindow(
        slice=unit.slice.path,
        start_ms=unit.window.start_ms,
        rows=known.quarantined_rows,
        key=known.quarantine_key,
        reasons=count_reasons(known.quarantine_key, rows=known.quarantined_rows, storage=storage),
    )
