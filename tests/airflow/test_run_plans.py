"""The plan of a run lies in the lake, and each mapped task has a reference to its batch."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.operators import run_plans
from include.operators.access import batches
from include.operators.access.lake import open_lake
from include.operators.dag_support import labels
from include.operators.feed_plan import FeedPlan, PlannedUnits, split_by_feed
from include.operators.find_staged import FindStagedOperator
from include.operators.task_info.task_links import first_unit
from include.ticklake.errors import UsageError
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import split_range
from tests.support import lake_factory
from tests.support.planned_units import PlanTask, units_of

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

NIGHT = datetime(2026, 1, 2, tzinfo=UTC)


class EndedRun:
    run_after = NIGHT


@pytest.fixture
def storage(tmp_path, monkeypatch) -> Storage:
    """An empty lake."""
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    return Storage.open(f"file://{tmp_path}/lake", {})


def hours(slices: int, count: int) -> list[Unit]:
    """The first hours of the night, of each slice."""
    end = NIGHT + timedelta(hours=count)
    return [
        Unit(Slice.of({"symbol": f"S{number}"}), window)
        for number in range(slices)
        for window in split_range(NIGHT, end, length=timedelta(hours=1))
    ]


def save(units: list[Unit], *, size: int, storage: Storage, **more: Any) -> list[dict[str, Any]]:
    """References to batches of that size."""
    context = {"ti": PlanTask(), "dag_run": EndedRun()}
    cut = (units[first : first + size] for first in range(0, len(units), size))
    return run_plans.save("trades", cut, context=context, storage=storage, **more)


def test_a_reference_is_small_and_says_what_the_batch_is(storage):
    """Plain JSON of some 300 bytes for whatever number of units."""
    units = hours(50, 24)
    references = save(units, size=600, storage=storage)
    assert json.loads(json.dumps(references)) == references
    assert [each["units"] for each in references] == [600, 600]
    assert max(len(json.dumps(each)) for each in references) < 350
    assert [first_unit(Task(each)) for each in references] == [units[0], units[600]]
    assert labels.units_label(references[0]) == "S0, S1, S2 +22, 2026-01-02 00:00 +23"
    assert [units_of(each, storage) for each in references] == [units[:600], units[600:]]
    assert list(batches.read_run(references, storage=storage)) == units


class Task:
    """What the buttons of a task look at."""

    def __init__(self, units: Any) -> None:
        self.units = units


def test_options_of_a_run_are_those_of_its_units(storage):
    """Such as that it replaces what was fetched before."""
    [reference] = save(hours(2, 1), size=2, storage=storage, options={"replace": True})
    units = batches.read_units(reference, lambda: storage)
    assert [unit["replace"] for unit in units] == [True, True]


def test_a_run_without_a_unit_has_no_plan(storage):
    """Nothing is mapped over, and nothing is written."""
    assert save([], size=1, storage=storage) == []
    assert list(storage.list("plans")) == []


def test_a_days_reference_stands_for_the_manifests_of_days(storage):
    """A compaction's units are days."""
    day = layout.day_of(hours(1, 1)[0].window)
    [reference] = save([Unit(Slice.of({"symbol": "S0"}), day)], size=1, storage=storage)
    [uri] = batches.read_uris(reference, lambda: storage, feed="trades", is_days=True)
    assert uri.endswith("/symbol=S0/date=2026-01-02/20260102T000000Z-20260103T000000Z.day.json")


def test_a_rebuild_that_is_too_large_is_refused_before_it_is_planned(storage):
    """With what to do instead; a million units are not made for it."""
    feed = lake_factory.FEED
    part = FeedPlan(feed=feed, start=NIGHT, end=NIGHT + timedelta(days=50_000), slices=[])
    context = {"ti": PlanTask(), "dag_run": EndedRun()}
    with pytest.raises(UsageError, match="the range has more than 1,000,000 windows of slices"):
        list(
            split_by_feed([part], [PlannedUnits.of_range(part)], context=context, lake=open_lake())
        )
    assert list(storage.list("plans")) == []


@pytest.mark.parametrize(
    ("staged", "rows"),
    [
        pytest.param([0, 1, 2, 3, 4], None, id="all"),
        pytest.param([0, 1, 3], "0-1,3", id="some"),
        pytest.param([4], "4", id="the last"),
        pytest.param([], "", id="none"),
    ],
)
def test_a_rebuild_refers_to_the_windows_that_have_json(storage, staged, rows):
    """The same plan with the units that are left, and a label and buttons of their own."""
    made = lake_factory.day_of_trades(10)
    windows = [lake_factory.hour(number) for number in range(5)]
    for number in staged:
        lake_factory.ingest(storage, made, windows[number])
    units = [Unit(lake_factory.BTC, window) for window in windows]
    [reference] = save(units, size=5, storage=storage)
    left = FindStagedOperator(task_id="staged", feed="trades", units=reference).execute({})
    assert (left["plan"], left["units"], left.get("rows")) == (
        reference["plan"], len(staged), rows,
    )  # fmt: skip
    assert units_of(left, storage) == [units[number] for number in staged]
    assert first_unit(Task(left)) == (units[staged[0]] if staged else None)
    assert labels.manifests_label(left).startswith("BTCUSDT" if staged else "nothing")
    uris = batches.read_uris(left, lambda: storage, feed="trades", is_days=False)
    assert all(manifest.read(storage.key_of(uri), storage=storage) for uri in uris)


@pytest.mark.parametrize("step", ["extract", "convert"])
def test_a_task_whose_plan_is_gone_says_to_plan_again(storage, step):
    """At once, and without a retry: the plan would still be gone."""
    from include.operators.dag_support.retries import NOT_RETRYABLE
    from include.operators.runners.process import ProcessStepOperator

    [reference] = save(hours(2, 1), size=2, storage=storage)
    storage.delete(reference["plan"])
    given = {"units" if step == "extract" else "manifests": reference}
    task = ProcessStepOperator(task_id=step, feed="binance_klines", step=step, **given)
    with pytest.raises(UsageError, match=r"plan is gone.*clear the task `plan`") as raised:
        task.open_step({"task_state_store": {}})
    assert isinstance(raised.value, NOT_RETRYABLE)


def test_a_plan_is_kept_for_a_month_and_as_long_as_its_run_is_active(storage):
    """A run of weeks is cleared, or waits for its pool, as long as Airflow calls it active."""
    save(hours(1, 1), size=1, storage=storage)
    [key] = storage.list("plans")

    def old(after: timedelta, *active: str) -> list[str]:
        context = {"ti": PlanTask(active)}
        now = datetime.now(UTC) + after
        return list(run_plans.find_old("trades", now=now, context=context, storage=storage))

    assert old(timedelta(days=29)) == []
    assert old(timedelta(days=31)) == [key]
    assert old(timedelta(days=31), PlanTask.run_id) == []
    assert old(timedelta(days=31), "another run") == [key]


@pytest.mark.s3
def test_a_plan_takes_a_run_of_one_batch_four_requests(moto):
    """One to write it, and one for each task that reads it: extract, convert, publish."""
    bucket = moto.bucket()
    storage = Storage.open(bucket.root, bucket.environment)
    [reference] = save(hours(2, 1), size=2, storage=storage)
    batches.read_units(reference, lambda: storage)
    batches.read_uris(reference, lambda: storage, feed="trades", is_days=False)
    list(batches.read_run([reference], storage=storage))
    requests = [line.split()[0] for line in moto.requests() if "/plans/" in line]
    assert requests == ["PUT", "GET", "GET", "GET"]
