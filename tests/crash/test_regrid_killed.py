"""A `regrid` that is killed anywhere, and called again, loses and doubles nothing."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.ticklake.convert.convert import convert
from include.ticklake.errors import RetryableError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import feed_record, layout, manifest, read
from include.ticklake.lake.grid import Grid
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact, regrid
from include.ticklake.maintain.regrid_plan import SliceNames
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, split_range
from tests.support import staged_factory
from tests.support.crashing_storage import Crash, crashing
from tests.support.interleaving_storage import Interleaved
from tests.support.lake_factory import BUDGET
from tests.support.memory_storage import memory_storage

DAY = Window.parse("20261122T000000Z-20261123T000000Z")
LENGTHS = ["1h", "2h", "3h", "6h", "12h", "1d", "2d", "90m"]
NOW_MS = DAY.end_ms + 3_600_000
FIELDS: dict[str, dict[str, object]] = {
    "number": {"from": "n", "type": "int64", "required": False},
    "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
}


def feed(window: str, *, name: str = "symbol", keyed: bool = True) -> Feed:
    """A feed with windows of that length, in one slice."""
    fields = {**FIELDS, "number": {**FIELDS["number"], "key": keyed}}
    source = staged_factory.SOURCE | {"path": f"/{{{name}}}"}
    return staged_factory.feed(fields, window=window, slices={name: ["A"]}, source=source)


def lake_of(
    described: Feed,
    records: list[tuple[int, int | None]],
    *,
    compacts: bool,
    has_conditions: bool = True,
) -> Storage:
    """A lake of the day's *records*: a number, and milliseconds after its start or no time."""
    storage = memory_storage(has_conditions=has_conditions)
    slice_ = Slice(((next(iter(described.slices)), "A"),))
    for window in split_range(DAY.start, DAY.end, length=described.window):
        lines = [line(*one) for one in records if belongs(one[1], window)]
        made = staged_factory.stage(
            described, [lines] if lines else [], storage=storage, unit=Unit(slice_, window)
        )
        convert(made.key, feed=described, storage=storage, budget=BUDGET)
    if compacts and described.window < layout.DAY:
        compact.compact(described, slice_, DAY, storage=storage, budget=BUDGET)
    return storage


def line(number: int, at_ms: int | None) -> str:
    """The text of a record; one without a time has none that can be read."""
    time = '"soon"' if at_ms is None else DAY.start_ms + at_ms
    return f'{{"n":{number},"t":{time}}}'


def belongs(at_ms: int | None, window: Window) -> bool:
    """Whether a record is staged in *window*: one without a time in the first."""
    if at_ms is None:
        return window.start <= DAY.start < window.end
    return window.start_ms <= DAY.start_ms + at_ms < window.end_ms


def run(described: Feed, storage: Storage, names: SliceNames) -> None:
    """Cut the lake as *described* says."""
    for _ in regrid.regrid(
        described, storage=storage, budget=BUDGET, names=names, now_ms=lambda: NOW_MS
    ):
        pass


def seen(described: Feed, storage: Storage) -> Counter[tuple[int, int]]:
    """What a reader of manifests sees: the rows."""
    rows = read.table(described, storage=storage, columns=["number", "at"]).to_pylist()
    return Counter((row["number"], int(row["at"].timestamp() * 1000)) for row in rows)


def staged(described: Feed, storage: Storage) -> Counter[str]:
    """The records of all units on the grid."""
    own, found = Grid.of(described), Counter[str]()
    for one in manifest.read_all(described.name, storage=storage):
        if not own.holds(Slice.of(one.slice), Window.parse(one.window)):
            assert one.json.parts == ()
            assert one.parquet is None
            continue
        assert one.is_current
        for part in one.json.parts:
            found.update(
                json.dumps(r) for r in json.loads(gzip.decompress(storage.read(part.key) or b""))
            )
    return found


RECORDS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.one_of(st.none(), st.sampled_from([0, 1, 3_599_999, 3_600_000, 5_400_000, 86_399_999]),
                  st.integers(0, 86_399_999)),
    ),
    max_size=8,
)  # fmt: skip


@given(
    records=RECORDS,
    old=st.sampled_from(LENGTHS[:6]),
    new=st.sampled_from(LENGTHS),
    renames=st.booleans(),
    keyed=st.booleans(),
    compacts=st.booleans(),
    has_conditions=st.booleans(),
    kills=st.lists(st.integers(0, 60), max_size=3),
)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
def test_any_two_grids_and_any_records_and_any_kills(
    records, old, new, renames, keyed, compacts, has_conditions, kills
):
    """Every record is there once, at every moment to a reader of manifests."""
    before = feed(old, keyed=keyed)
    after = feed(new, name="pair" if renames else "symbol", keyed=keyed)
    names = SliceNames(renamed={"symbol": "pair"} if renames else {})
    storage = lake_of(before, records, compacts=compacts, has_conditions=has_conditions)
    rows = Counter((n, DAY.start_ms + at_ms) for n, at_ms in records if at_ms is not None)
    lines = Counter(json.dumps(json.loads(line(*one))) for one in records)
    for after_steps in kills:
        try:
            run(after, crashing(storage, after_steps=after_steps), names)
        except Crash:
            assert seen(after if renames else before, storage) == rows
    run(after, storage, names)
    assert seen(after, storage) == rows
    assert staged(after, storage) == lines
    if Grid.of(before) != Grid.of(after):
        files = map(layout.parse, storage.list(layout.feed_folder(Area.PARQUET, "made_up")))
        assert all(Grid.of(after).holds_key(file) for file in files)
    run(before if not renames else after, storage, SliceNames())
    assert seen(before if not renames else after, storage) == rows


@pytest.mark.parametrize(("old", "new"), [("1h", "1d"), ("1d", "6h"), ("6h", "2h")])
def test_a_kill_before_each_change_of_the_storage(old, new):
    """One after the other, each on a lake of its own."""
    records: list[tuple[int, int | None]] = [(1, 0), (2, None), (3, 7_200_000), (3, 86_000_000)]
    rows = Counter((n, DAY.start_ms + at_ms) for n, at_ms in records if at_ms is not None)
    before, after, steps = feed(old), feed(new), 0
    while True:
        storage = lake_of(before, records, compacts=True)
        try:
            run(after, crashing(storage, after_steps=steps), SliceNames())
            break
        except Crash:
            assert seen(after, storage) == rows, steps
            run(after, storage, SliceNames())
            assert seen(after, storage) == rows, steps
            assert sum(staged(after, storage).values()) == len(records)
        steps += 1
    assert steps > 20


@pytest.mark.parametrize("back", [False, True], ids=["the same", "and back again"])
def test_two_at_once_and_one_that_wakes_up_late(back):
    """A second one from beginning to end, before any call of the first one."""
    records: list[tuple[int, int | None]] = [(1, 0), (2, None), (3, 50_000_000)]
    rows = Counter((n, DAY.start_ms + at_ms) for n, at_ms in records if at_ms is not None)
    before, after, step, is_met = feed("12h"), feed("1d"), 0, True
    while is_met:
        storage = lake_of(before, records, compacts=True)

        def other(storage: Storage = storage) -> None:
            run(after, storage, SliceNames())
            if back:
                run(before, storage, SliceNames())

        meeting = Interleaved.around(storage, at_step=step, other=other)
        with suppress(RetryableError, UsageError):
            run(after, meeting, SliceNames())
        is_met = meeting.meeting.met
        end = before if Grid.of(before) == record_of(storage).grid else after
        run(end, storage, SliceNames())
        assert seen(end, storage) == rows, step
        assert sum(staged(end, storage).values()) == len(records), step
        step += 1
    assert step > 30


def record_of(storage: Storage) -> feed_record.FeedRecord:
    """What the lake says of the feed."""
    return feed_record.read("made_up", storage=storage).record
