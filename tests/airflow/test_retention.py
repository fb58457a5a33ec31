"""What a run of retention deletes, and what it only lists."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from include.ticklake.lake import run_plan, summary
from include.ticklake.lake.run_plan import DagRunName, RunPlan
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from tests.support import lake_factory

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]


FETCHED = lake_factory.hour(3)


class NoXcoms:
    def xcom_push(self, *, key: str, value: object) -> None:
        """Nobody reads it here."""

    def get_dr_count(self, *, dag_id: str, run_ids: list[str], states: list[str]) -> int:
        """One for a run that is still active."""
        assert (dag_id, states) == ("ingest_trades", ["queued", "running"])
        return int(run_ids == ["active"])


@dataclass
class RetentionRun:
    run_type: str = "manual"
    run_after: datetime = datetime(2026, 11, 30, 3, 45, tzinfo=UTC)


@pytest.fixture
def storage(tmp_path, monkeypatch) -> Storage:
    """An hour of JSON and Parquet, of a feed whose JSON is kept for a week."""
    described = lake_factory.FEED.model_dump(mode="json", by_alias=True, exclude_unset=True)
    described |= {"retention": {"json": "7d", "delete": True}}
    described["slices"] = {"symbol": ["BTCUSDT", "ETHUSDT"]}
    described.pop("name")
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "trades.yaml").write_text(json.dumps(described))
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest(storage, lake_factory.day_of_trades(300), FETCHED)
    return storage


def retire(dag_run: RetentionRun, **params: object) -> list[list[dict[str, object]]]:
    """Plans a run and makes its mapped tasks: the totals of each."""
    from include.operators.retention import PlanRetentionOperator, RetentionOperator

    context = {"dag_run": dag_run, "params": {"delete": False, **params}, "ti": NoXcoms()}
    plan = PlanRetentionOperator(task_id="plan").execute(context)
    return [RetentionOperator(task_id="expire", **arguments).execute(context) for arguments in plan]


@pytest.mark.parametrize(
    ("run_type", "params", "left"),
    [
        pytest.param("scheduled", {}, 0, id="as the file says"),
        pytest.param("manual", {}, 1, id="by hand: a dry run"),
        pytest.param("manual", {"delete": True}, 0, id="by hand, with delete"),
        pytest.param("backfill", {}, 1, id="a backfill: a dry run"),
    ],
)
def test_a_run_deletes(storage, run_type, params, left):
    """Only a scheduled run does so by itself; each one says what there is."""
    [[total]] = retire(RetentionRun(run_type), **params)
    assert (total["area"], total["objects"], total["before"]) == ("json", 1, "2026-11-23")
    assert len(list(storage.list("json"))) == left
    assert len(list(storage.list("parquet"))) == 1
    noted = summary.read_year("trades", lake_factory.BTC, 2026, storage=storage)
    assert (noted is not None and noted.state_at(FETCHED.start_ms)) == (not left and "c")


def test_a_scheduled_run_of_a_feed_that_does_not_say_delete_is_dry(storage, tmp_path):
    """``delete`` of the file is false by default."""
    path = tmp_path / "feeds" / "trades.yaml"
    path.write_text(path.read_text().replace('"delete": true', '"delete": false'))
    [[total]] = retire(RetentionRun("scheduled"))
    assert (total["objects"], len(list(storage.list("json")))) == (1, 1)


def test_what_is_kept_is_kept(storage):
    """A day before its week is over."""
    [[total]] = retire(
        RetentionRun(run_after=datetime(2026, 11, 29, 3, 45, tzinfo=UTC)), delete=True
    )
    assert (total["objects"], len(list(storage.list("json")))) == (0, 1)


@pytest.mark.parametrize(
    ("params", "objects"),
    [
        pytest.param({"start": "2026-11-22", "end": "2026-11-23"}, 1, id="its day"),
        pytest.param({"start": "2026-11-21T12:00Z"}, 1, id="from the day before"),
        pytest.param({"start": "2026-11-22T00:00:01Z"}, 0, id="not the whole day"),
        pytest.param({"start": "2026-11-20", "end": "2026-11-22T23:59Z"}, 0, id="cut at its end"),
        pytest.param({"start": "2026-11-23"}, 0, id="days after it"),
        pytest.param({"slices": ["symbol=BTCUSDT"]}, 1, id="its slice"),
        pytest.param({"slices": ["symbol=ETHUSDT"]}, 0, id="another slice"),
    ],
)
def test_a_range_and_slices_narrow_what_is_deleted(storage, params, objects):
    """Whole days of a range, so that nothing outside of it goes."""
    [[total]] = retire(RetentionRun(), delete=True, **params)
    assert total["objects"] == objects
    assert len(list(storage.list("json"))) == 1 - objects


@pytest.mark.usefixtures("storage")
def test_a_feed_without_retention_keeps_its_data(tmp_path):
    """Only what its runs left over goes."""
    path = tmp_path / "feeds" / "trades.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"retention": None}))
    assert retire(RetentionRun(), delete=True) == [[]]


@pytest.mark.parametrize(
    ("run_type", "left"), [pytest.param("scheduled", 0), pytest.param("manual", 1)]
)
def test_a_scheduled_run_deletes_what_killed_runs_left_whatever_the_file_says(
    storage, tmp_path, run_type, left
):
    """Nobody reads it, so ``delete`` of the file is not about it."""
    path = tmp_path / "feeds" / "trades.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"retention": None}))
    storage.put("_incomplete/json/trades/symbol=BTCUSDT/date=2026-11-22/x", b"half")
    later = datetime.now(UTC) + timedelta(days=4)
    [[total]] = retire(RetentionRun(run_type, run_after=later))
    assert (total["area"], total["objects"]) == ("incomplete", 1)
    assert len(list(storage.list("_incomplete"))) == left


@pytest.mark.parametrize(
    ("run_type", "params", "left"),
    [
        pytest.param("scheduled", {}, ["active", "new"], id="scheduled"),
        pytest.param("manual", {}, ["active", "new", "old"], id="by hand: a dry run"),
        pytest.param("manual", {"delete": True}, ["active", "new"], id="by hand, with delete"),
        pytest.param(
            "manual", {"delete": True, "start": "2026-01-01"}, ["active", "new", "old"],
            id="of a range",
        ),
    ],
)  # fmt: skip
def test_plans_of_runs_that_are_over_are_deleted_after_a_month(storage, run_type, params, left):
    """A run that is active keeps its own, however old; a range is of data only."""
    run = RetentionRun(run_type)
    for name, age in (("old", 31), ("active", 31), ("new", 29)):
        plan = RunPlan("trades", DagRunName(dag_id="ingest_trades", run_id=name))
        plan.add([Unit(lake_factory.BTC, FETCHED)])
        key = plan.save(FETCHED.end, storage=storage)
        written_s = (run.run_after - timedelta(days=age)).timestamp()
        os.utime(storage.local_path(key), (written_s, written_s))
    [totals] = retire(run, **params)
    found = [run_plan.read_run(key, storage=storage) for key in storage.list("plans")]
    assert sorted(one.run_id for one in found if one) == left
    listed = [total["objects"] for total in totals if total["area"] == "plans"]
    assert listed == ([] if "start" in params else [1])
