"""The summary is what the manifests say: however it came about, and whoever else wrote it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from include.ticklake.lake import feed_record, summary
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.summary import FeedSummary, LastAudit, StepRun
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, parse_instant, split_range
from include.ticklake.publish import summary as writer
from tests.support import window_manifests
from tests.support.crashing_storage import Crash, crashing
from tests.support.feed_texts import feed
from tests.support.interleaving_storage import Interleaved
from tests.support.memory_storage import memory_storage
from tests.support.window_manifests import HAPPENINGS, WindowKind

FEED = feed(slices={"symbol": ["BTC", "ETH"]}, window="1h")
BTC, ETH = FEED.all_slices
START = parse_instant("2025-12-31T22:00Z")
UNITS = [
    Unit(slice_, window)
    for slice_ in (BTC, ETH)
    for window in split_range(START, START + timedelta(hours=5), length=FEED.window)
]
RUN = StepRun(
    at_ms=1, dag_id="ingest", run_id="r1", step="convert", peak_bytes=7, cap_bytes=9, rows=3,
    units=2,
)  # fmt: skip

kinds = st.builds(
    WindowKind,
    happened=st.frozensets(st.sampled_from(HAPPENINGS), max_size=3),
    rows=st.integers(3, 5),
    reasons=st.lists(st.sampled_from(["a: 1 is not b", "not JSON"]), min_size=1, max_size=3).map(
        tuple
    ),
)
changes = st.dictionaries(st.sampled_from(UNITS), kinds, max_size=4)


def put(storage: Storage, changed: dict[Unit, WindowKind]) -> list[Unit]:
    for unit, kind in changed.items():
        window_manifests.put(FEED.name, unit, kind, storage=storage)
    return list(changed)


def everything(storage: Storage) -> tuple[object, ...]:
    """All that the summary says, but when and of which runs it was written."""
    whole = summary.read_feed(FEED.name, storage=storage)
    if whole:
        whole = replace(whole, updated_at_ms=0, totals=None, runs=())
    years = [
        summary.read_year(FEED.name, slice_, year, storage=storage)
        for slice_ in (BTC, ETH)
        for year in (2025, 2026)
    ]
    return (whole, *(year for year in years if year and year.states))


def made_at_once(storage: Storage) -> tuple[object, ...]:
    """The same, from all manifests and nothing else."""
    keys = list(storage.list("summary"))
    bodies = {key: storage.read(key) for key in keys}
    for key in keys:
        storage.delete(key)
    writer.publish(FEED, UNITS, storage=storage)
    made = everything(storage)
    for key, body in bodies.items():
        storage.put(key, body or b"")
    return made


@settings(max_examples=40, deadline=None)
@given(history=st.lists(st.tuples(changes, st.booleans()), min_size=1, max_size=5))
def test_after_any_history_it_is_what_all_manifests_say(history):
    """However the windows came about, run by run, or were changed outside of runs."""
    storage = memory_storage()
    feed_record.create(feed_record.check_before_extract(FEED, storage=storage), FEED,
                       storage=storage)  # fmt: skip
    for changed, is_run in history:
        (writer.publish if is_run else writer.update)(FEED, put(storage, changed), storage=storage)
    assert everything(storage) == made_at_once(storage)


@settings(max_examples=12, deadline=None)
@given(before=changes, mine=changes, theirs=changes, at_step=st.integers(0, 25))
def test_two_publishes_at_once_lose_nothing(before, mine, theirs, at_step):
    """Wherever the other one comes in between, also where both are of the same windows."""
    storage = memory_storage()
    writer.publish(FEED, put(storage, before), storage=storage)
    units = put(storage, mine)

    def other() -> None:
        writer.publish(FEED, put(storage, theirs), storage=storage, runs=[RUN])

    both = Interleaved.around(storage, at_step=at_step, other=other)
    own = replace(RUN, run_id="r2")
    writer.publish(FEED, units, storage=both, runs=[own])
    both.meeting.at_latest()
    assert everything(storage) == made_at_once(storage)
    assert runs(storage) == [RUN, own]


def runs(storage: Storage) -> list[StepRun]:
    return list(known(storage).runs)


def known(storage: Storage) -> FeedSummary:
    found = summary.read_feed(FEED.name, storage=storage)
    assert found is not None
    return found


def test_one_that_was_killed_is_made_up_for_by_the_next(caplog):
    """At whatever write; the next publish of the same windows leaves nothing out."""
    for steps in range(9):
        storage = memory_storage()
        units = put(storage, dict.fromkeys(UNITS, WindowKind.of("quarantined")))
        try:
            writer.publish(FEED, units, storage=crashing(storage, after_steps=steps))
        except Crash:
            writer.publish(FEED, units, storage=storage)
            assert everything(storage) == made_at_once(storage)
            continue
        break
    assert steps == 5  # two slices in two years, and the feed
    assert "summary.failed" not in caplog.text


class FailingStore:
    """Refuses every write of a summary."""

    def __init__(self, storage: Storage) -> None:
        self._store = storage.store

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    def put_if(self, key: str, *_args, **_options):
        raise OSError(f"cannot write {key}")


def test_a_failure_is_logged_and_stops_nothing(caplog):
    """Of any kind of writing; the log says what to do."""
    storage = memory_storage()
    units = put(storage, dict.fromkeys(UNITS[:2], WindowKind()))
    failing = Storage(storage.root_uri, FailingStore(storage))
    audit = LastAudit(at_ms=1, dag_id="audit", run_id="r", findings=0)
    with caplog.at_level(logging.WARNING):
        writer.publish(FEED, units, storage=failing)
        writer.update(FEED, units, storage=failing)
        writer.note_runs(FEED, [RUN], storage=failing)
        writer.note_audit(FEED, audit, storage=failing)
    assert caplog.text.count("summary.failed feed=small: OSError: cannot write summary/") == 4
    assert list(storage.list("summary")) == []


def ranges(*hours: tuple[int, int]) -> Iterable[Unit]:
    for first, last in hours:
        yield Unit(BTC, Window(START + timedelta(hours=first), START + timedelta(hours=last)))


def test_totals_are_of_the_newest_run():
    """A backfill of older windows leaves them as they are, and so does one of fewer slices."""
    storage = memory_storage()
    put(storage, dict.fromkeys(UNITS, WindowKind.of("quarantined")))
    writer.publish(FEED, [unit for unit in UNITS if unit.window == UNITS[3].window],
                   storage=storage)  # fmt: skip
    newest = known(storage).totals
    assert newest is not None
    assert (newest.windows, newest.slices, newest.rows, newest.quarantined_rows) == (1, 2, 18, 2)
    assert (newest.json_bytes, newest.parquet_bytes) == (2_000, 360)
    for older in (UNITS[:2], UNITS[3:4]):
        writer.publish(FEED, older, storage=storage)
        assert known(storage).totals == newest
    writer.update(FEED, UNITS, storage=storage)
    assert known(storage).totals == newest
    writer.publish(FEED, UNITS[4:5], storage=storage)
    assert known(storage).totals != newest


def test_a_day_stands_for_its_windows():
    """As ``regrid`` publishes them; other slices than the feed's are left out."""
    storage = memory_storage()
    put(storage, dict.fromkeys(UNITS[:5], WindowKind()))
    other = Unit(Slice.of({"pair": "X"}), UNITS[0].window)
    writer.publish(FEED, [*ranges((0, 2), (1, 5)), other], storage=storage)
    assert everything(storage) == made_at_once(storage)
    assert known(storage).slices == ("symbol=BTC",)


def test_after_a_regrid_only_runs_and_the_audit_stay():
    """Slices and windows are others."""
    storage = memory_storage()
    audit = LastAudit(at_ms=1, dag_id="audit", run_id="r", findings=3)
    writer.publish(FEED, put(storage, {UNITS[0]: WindowKind.of("quarantined")}), storage=storage,
                   runs=[RUN])  # fmt: skip
    writer.note_audit(FEED, audit, storage=storage)
    renamed = feed(slices={"pair": ["BTC"]}, window="1d")
    writer.note_runs(renamed, [replace(RUN, step="compact")], storage=storage)
    found = known(storage)
    assert (found.slice_names, found.slices, found.first_start_ms) == (("pair",), (), None)
    assert found.quarantine_windows == ()
    assert found.window_ms == 24 * 3_600_000
    assert found.audit == audit
    assert [run.step for run in found.runs] == ["compact", "convert"]


def test_of_a_step_that_is_tried_again_the_last_try_counts():
    """And of many runs the newest 500."""
    storage = memory_storage()
    again = replace(RUN, at_ms=5, peak_bytes=8)
    writer.note_runs(FEED, [RUN, replace(RUN, run_id="r2")], storage=storage)
    writer.note_runs(FEED, [again], storage=storage)
    assert runs(storage) == [replace(RUN, run_id="r2"), again]
    many = [replace(RUN, at_ms=n, run_id=f"run {n}") for n in range(10, 600)]
    writer.note_runs(FEED, many, storage=storage)
    assert runs(storage) == many[-500:]
    writer.note_runs(FEED, [], storage=memory_storage())


def test_a_feed_that_is_cut_otherwise_than_its_lake_changes_nothing(caplog):
    """Its windows are none of the lake's: that is said, and nothing is written."""
    storage = memory_storage()
    feed_record.create(feed_record.check_before_extract(FEED, storage=storage), FEED,
                       storage=storage)  # fmt: skip
    with caplog.at_level(logging.WARNING):
        writer.update(feed(slices=FEED.slices, window="1d"), UNITS, storage=storage)
    assert "regrid" in caplog.text
    assert list(storage.list("summary")) == []
