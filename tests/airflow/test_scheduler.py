"""Runs of a real scheduler: by its clock, from the form, as a backfill; and what they leave.

API server, scheduler, DAG processor and triggerer run once for all tests here, and everything is
asked of them by REST, as the UI does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.airflow.scheduled_lake import RUN_LIMIT_S, SLICE, ScheduledLake, scheduled_lake
from tests.support.notifiers import sent
from tools.servers import databases

pytestmark = [
    pytest.mark.dag,
    pytest.mark.database,
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),
]

ASKED = {
    "start": "2026-01-02T05:00:00.000Z",
    "end": "2026-01-02T07:00:00.000Z",
    "slices": [SLICE],
}
BACKFILL = {
    "dag_id": "ingest_hourly",
    # Runs whose windows begin at one and at two o'clock.
    "from_date": "2025-01-02T01:00:00Z",
    "to_date": "2025-01-02T02:00:00Z",
    "run_backwards": False,
    "max_active_runs": 2,
    "reprocess_behavior": "none",
    "dag_run_conf": {},
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Iterator[ScheduledLake]:
    """All runs of this module have begun; the tests wait for those that they look at."""
    programs = databases.postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server: apt-get install postgresql")
    with scheduled_lake(tmp_path_factory.mktemp("scheduled"), programs=programs) as lake:
        lake.unpause("ingest_hourly")
        lake.unpause("ingest_daily")
        lake.trigger("ingest_hourly", ASKED)
        lake.trigger("untagged", {})
        backfill = lake.services.call("POST", "backfills", BACKFILL)
        assert backfill.ok, backfill.text
        yield lake


def test_the_clock_makes_a_run_of_the_last_hour(lake):
    """A feed that is switched on fetches the hour that has just ended, and it is in time."""
    (run,) = lake.ended("ingest_hourly", "scheduled")
    assert run["state"] == "success", lake.services.log_ends()
    start, end = (datetime.fromisoformat(run[f"data_interval_{edge}"]) for edge in ("start", "end"))
    assert end - start == timedelta(hours=1)
    assert end <= datetime.now(UTC) < end + timedelta(hours=2)
    assert f"{start:%Y%m%dT%H%M%SZ}-{end:%Y%m%dT%H%M%SZ}" in lake.keys("hourly")
    left = (  # in the first hour of a day, the daily feed's run has the same id
        "SELECT 1 FROM deadline JOIN dag_run ON dag_run.id = dagrun_id "
        "WHERE dag_id = 'ingest_hourly' AND run_id = :run"
    )
    assert (
        lake.query(left, run=run["dag_run_id"]) == []
    )  # the scheduler dropped it when the run succeeded


def test_the_form_fetches_the_range_that_was_filled_in(lake):
    """Two windows of one slice."""
    (run,) = lake.ended("ingest_hourly", "manual")
    assert run["state"] == "success", lake.services.log_ends()
    assert {
        "20260102T050000Z-20260102T060000Z",
        "20260102T060000Z-20260102T070000Z",
    } <= set(lake.keys("hourly"))


@pytest.mark.parametrize("conf", [{"start": 17}, {"slices": SLICE}, {"replace": "yes"}])
def test_the_form_refuses_what_its_fields_cannot_hold(lake, conf):
    """Before there is a run."""
    response = lake.services.call(
        "POST", "dags/ingest_hourly/dagRuns", {"logical_date": None, "conf": conf}
    )
    assert response.status_code == 400
    assert next(iter(conf)) in response.text
    assert len(lake.runs("ingest_hourly", "manual")) == 1


def test_a_backfill_makes_a_run_for_each_window(lake):
    """Of a year ago: and nobody is alerted that they come late."""
    runs = lake.ended("ingest_hourly", "backfill", count=2)
    assert [run["state"] for run in runs] == ["success"] * 2, lake.services.log_ends()
    assert {
        "20250102T010000Z-20250102T020000Z",
        "20250102T020000Z-20250102T030000Z",
    } <= set(lake.keys("hourly"))
    outputs = (
        "SELECT DISTINCT output FROM callback JOIN deadline ON callback.id = callback_id "
        "JOIN dag_run ON dag_run.id = dagrun_id "
        "WHERE dag_id = 'ingest_hourly' AND output IS NOT NULL"
    )
    lake.services.wait_for(lambda: lake.query(outputs), limit_s=RUN_LIMIT_S)
    assert lake.query(outputs) == [("no alert: the run is backfill",)]
    assert [text for text in sent(lake.alerts) if text.startswith("hourly")] == []


def test_a_scheduled_run_that_misses_its_deadline_alerts_the_notifier(lake):
    """By Airflow's own deadline alerts: scheduler, triggerer, callback."""
    (text,) = lake.services.wait_for(lambda: sent(lake.alerts), limit_s=RUN_LIMIT_S)
    assert text.startswith("daily: nothing was published for ")
    assert "(fresh_within: 1s); the run scheduled__" in text
    missed = (
        "SELECT missed FROM deadline JOIN dag_run ON dag_run.id = dagrun_id "
        "WHERE dag_id = 'ingest_daily'"
    )
    assert lake.query(missed) == [(True,)]


def test_a_plan_whose_pool_nobody_created_fails_and_says_so(lake):
    """The tasks after it would wait forever; the pools of other feeds are there."""
    (run,) = lake.ended("untagged", "manual")
    assert run["state"] == "failed"
    folder = lake.folder / "logs/dag_id=untagged"
    said = "pool 'unseen.example.com': the scheduler has not loaded ticklake's plugin"
    lake.services.wait_for(
        lambda: any(said in path.read_text() for path in folder.rglob("*.log")), limit_s=30
    )
    variable = lake.services.get("variables/ticklake_pools")
    assert "data-api.binance.vision" in variable["value"]


def links(lake: ScheduledLake, run_id: str, task_id: str, map_index: int) -> dict[str, str]:
    """The buttons of a task instance."""
    path = f"dags/ingest_hourly/dagRuns/{run_id}/taskInstances/{task_id}/links"
    found = lake.services.get(f"{path}?map_index={map_index}")["extra_links"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("task_id", ["extract", "convert"])
def test_a_task_links_to_manifest_object_and_coverage(lake, task_id):
    """Of the first window of its batch."""
    (run,) = lake.ended("ingest_hourly", "manual")
    urls = links(lake, run["dag_run_id"], task_id, 0)
    assert list(urls) == ["Coverage", "Manifest", "Object"]
    coverage, manifest, found_object = (urlsplit(url) for url in urls.values())
    assert coverage.path == "/plugin/lake/ticklake/coverage"
    assert parse_qs(coverage.query) == {"feed": ["hourly"], "slice": [SLICE]}
    assert manifest.path == found_object.path == "/plugin/lake/ticklake/unit"
    assert parse_qs(manifest.query)["start"] == ["2026-01-02T05:00:00Z"]
    assert found_object.fragment == "objects"


def test_publish_links_to_the_coverage(lake):
    """Of the feed's first slice."""
    (run,) = lake.ended("ingest_hourly", "manual")
    assert list(links(lake, run["dag_run_id"], "publish", -1)) == ["Coverage"]


def test_lineage_names_what_each_step_reads_and_writes(lake):
    """From the API to JSON, to Parquet, to what readers look up: by OpenLineage's own transport."""
    (run,) = lake.ended("ingest_hourly", "manual")
    assert run["state"] == "success"
    folder = lake.folder / "lake"
    expected = {
        "extract": (
            ("https://data-api.binance.vision", "/api/v3/klines"),
            ("file", f"{folder}/json/hourly"),
        ),
        "convert": (("file", f"{folder}/json/hourly"), ("file", f"{folder}/parquet/hourly")),
        "publish": (("file", f"{folder}/parquet/hourly"), ("file", f"{folder}/latest/hourly")),
    }
    names = {
        (event["job"]["name"], event["eventType"]): tuple(
            (data["namespace"], data["name"]) for data in (*event["inputs"], *event["outputs"])
        )
        for event in lake.lineage
    }
    for task_id, datasets in expected.items():
        for event_type in ("START", "COMPLETE"):
            assert names[f"ingest_hourly.{task_id}", event_type] == datasets


def test_a_cleared_task_finds_its_batch_in_the_plan(lake):
    """Whenever that is: XComs hold references, and the UI shows what they are."""
    (run,) = lake.ended("ingest_hourly", "manual")
    path = f"dags/ingest_hourly/dagRuns/{run['dag_run_id']}"
    xcom = lake.services.get(f"{path}/taskInstances/plan/xcomEntries/return_value")
    value = xcom["value"]
    first, _ = references = json.loads(value) if isinstance(value, str) else value
    assert len(json.dumps(references)) < 1_000
    shown = lake.services.get(f"{path}/taskInstances/extract/0")
    assert shown["rendered_map_index"] == "1m BTCUSDT, 2026-01-02 05:00"
    assert shown["rendered_fields"]["units"]["first"]["slice"] == "interval=1m/symbol=BTCUSDT"
    plan = lake.folder / "lake" / first["plan"]
    body = plan.read_bytes()
    cleared = lake.services.call(
        "POST", "dags/ingest_hourly/clearTaskInstances",
        {"dry_run": False, "dag_run_id": run["dag_run_id"], "task_ids": [["extract", 0]],
         "only_failed": False, "include_downstream": True},
    )  # fmt: skip
    assert cleared.ok, cleared.text
    tries = "SELECT try_number, state FROM task_instance WHERE run_id = :run AND task_id = :task"
    of_run = {"run": run["dag_run_id"], "task": "publish"}
    lake.services.wait_for(
        lambda: lake.query(tries, **of_run) == [(2, "success")], limit_s=RUN_LIMIT_S
    )
    assert sorted(lake.query(tries, run=run["dag_run_id"], task="extract")) == [
        (1, "success"), (2, "success"),
    ]  # fmt: skip
    assert plan.read_bytes() == body
