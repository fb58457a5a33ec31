"""The plan of a run is one object that gives back what was put in, batch by batch."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import UsageError
from include.ticklake.lake import run_plan
from include.ticklake.lake.run_plan import BatchRange, DagRunName, RunPlan
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.times import EPOCH
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.conftest import REPOSITORY
from tests.support.memory_storage import memory_storage

RUN = DagRunName(dag_id="ingest_bars", run_id="scheduled__2026-01-02T03:00:00+00:00")
RUN_AFTER = datetime(2026, 1, 2, 3, tzinfo=UTC)

windows = st.builds(
    lambda start, length: Window(
        EPOCH + timedelta(seconds=start * 60), EPOCH + timedelta(seconds=(start + length) * 60)
    ),
    st.integers(0, 40),
    st.integers(1, 3),
)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3)
units = st.builds(Unit, st.builds(lambda text: Slice.of({"symbol": text}), texts), windows)


def write(batches: list[list[Unit]], storage: Storage) -> tuple[str, list[BatchRange]]:
    """Key and ranges of a plan with these batches."""
    plan = RunPlan("bars", RUN)
    ranges = [plan.add(batch) for batch in batches]
    return plan.save(RUN_AFTER, storage=storage), ranges


def read(key: str, range_: BatchRange, storage: Storage) -> list[Unit]:
    """The units of that batch."""
    return run_plan.read_batch(key, offset=range_.offset, size_bytes=range_.bytes, storage=storage)


def hours(count: int, *symbols: str) -> list[Unit]:
    """Adjacent hours of each symbol."""
    starts = [RUN_AFTER + n * timedelta(hours=1) for n in range(count)]
    return [
        Unit(Slice.of({"symbol": symbol}), Window(start, start + timedelta(hours=1)))
        for symbol in symbols
        for start in starts
    ]


@given(batches=st.lists(st.lists(units, min_size=1, max_size=12), min_size=1, max_size=4))
def test_a_plan_gives_back_its_batches(batches):
    """By their ranges and as a stream: whatever order units are in, also twice or with gaps."""
    storage = memory_storage()
    key, ranges = write(batches, storage)
    assert [read(key, range_, storage) for range_ in ranges] == batches
    assert [range_.units for range_ in ranges] == [len(batch) for batch in batches]
    assert list(run_plan.read_all(key, storage=storage)) == batches


def test_adjacent_windows_are_one_entry():
    """A slice's year of hours is as long as one of them."""
    storage = memory_storage()
    key, [day] = write([hours(24, "BTC")], storage)
    year, [longer] = write([hours(8_760, "BTC")], storage)
    assert longer.bytes - day.bytes < 8
    assert key.startswith("plans/bars/date=2026-01-02/20260102T030000Z.")
    assert key != year


def test_the_same_plan_has_the_same_key_and_another_one_another():
    """So what a mapped task refers to is never changed, also where the run is planned again."""
    storage = memory_storage()
    first, _ = write([hours(2, "A")], storage)
    assert write([hours(2, "A")], storage)[0] == first
    assert write([hours(2, "B")], storage)[0] != first


def test_a_plan_names_its_run():
    """Retention asks Airflow whether that is over."""
    storage = memory_storage()
    key, _ = write([hours(1, *map(str, range(5_000)))], storage)
    assert run_plan.read_run(key, storage=storage) == RUN
    storage.put("plans/bars/date=2026-01-02/x.jsonl.gz", b"no gzip")
    assert run_plan.read_run("plans/bars/date=2026-01-02/x.jsonl.gz", storage=storage) is None
    assert run_plan.read_run("plans/bars/none.jsonl.gz", storage=storage) is None


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(None, "the run's plan is gone; it is kept for 30 days", id="gone"),
        pytest.param(b"[]" * 5_000, "the run's plan has no batch at byte ", id="damaged"),
    ],
)
def test_a_plan_that_cannot_be_read_says_how_to_go_on(body, problem):
    """With its address, and the task to clear."""
    storage = memory_storage()
    key, [range_] = write([hours(2, "A")], storage)
    storage.delete(key)
    if body:
        storage.put(key, body)
    for reader in (lambda: read(key, range_, storage),
                   lambda: list(run_plan.read_all(key, storage=storage))):  # fmt: skip
        with pytest.raises(UsageError) as raised:
            reader()
        assert str(raised.value).startswith(f"{storage.uri(key)}: the run's plan ")
        assert str(raised.value).endswith(
            "; clear the task `plan` of the run with the tasks after it, which plans it again"
        )
    with pytest.raises(UsageError, match=problem):
        read(key, range_, storage)


def test_plans_are_old_by_when_they_were_written():
    """And those of other feeds are not among them."""
    storage = memory_storage()
    key, _ = write([hours(2, "A")], storage)
    RunPlan("barsb", RUN).save(RUN_AFTER, storage=storage)
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert list(run_plan.find_old("bars", before=soon, storage=storage)) == [key]
    assert run_plan.find_old("bars", before=soon - timedelta(hours=1), storage=storage) == {}


MEASURE = """
import json, sys, time
from datetime import timedelta
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.plan import batches, count_units, plan_units
from include.ticklake.lake.run_plan import DagRunName, RunPlan, read_all
from include.ticklake.lake.storage import Storage
from include.ticklake.memory.usage import peak_bytes
from include.ticklake.model.window import parse_instant

slices, hours, root = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
feed = Feed.model_validate({
    "name": "bars",
    "source": {"kind": "http", "base_url": "https://api.example.com", "path": "/{symbol}"},
    "slices": {"symbol": [f"S{n:06d}" for n in range(slices)]},
    "fields": {"t": {"type": "timestamp", "unit": "ms", "event_time": True}},
})
storage = Storage.open(root, {})
start = parse_instant("2024-01-01")
range_ = {"start": start, "end": start + timedelta(hours=hours)}
before, began_s = peak_bytes(), time.process_time()
total = count_units(feed, **range_)
plan = RunPlan("bars", DagRunName(dag_id="ingest_bars", run_id="one"))
ranges = [plan.add(b) for b in batches(plan_units(feed, **range_), total=total, batches_max=200)]
key = plan.save(start, storage=storage)
seconds = time.process_time() - began_s
assert sum(len(batch) for batch in read_all(key, storage=storage)) == total
print(json.dumps({"units": total, "batches": len(ranges), "seconds": seconds,
    "more_bytes": peak_bytes() - before, "plan_bytes": storage.sizes("plans")[key]}))
"""


@pytest.mark.parametrize(
    ("slices", "windows", "most_bytes"),
    [
        pytest.param(100_000, 1, 1_000_000, id="100,000 slices"),
        pytest.param(20, 2 * 8_772, 50_000, id="two years of 20 symbols"),
    ],
)
def test_a_large_plan_is_small_and_made_in_little_memory(
    slices, windows, most_bytes, tmp_path, report_line
):
    """Beside the feed itself: written and read batch by batch, in a process of its own."""
    argv = [sys.executable, "-c", MEASURE, str(slices), str(windows), f"file://{tmp_path}"]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    report_line(
        f"a plan of {measured['units']:,} units: {measured['seconds']:.1f} s of processor time, "
        f"{measured['more_bytes'] >> 20} MiB more at the peak, {measured['plan_bytes']:,} bytes"
    )
    assert (measured["units"], measured["batches"]) == (slices * windows, 200)
    assert measured["more_bytes"] < 32 * 1024**2
    assert measured["plan_bytes"] < most_bytes
