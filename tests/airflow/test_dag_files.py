"""What every DAG has, whatever its feed."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from include.operators.dag_support.retries import RetryByError
from include.ticklake.feed import loader
from tests.conftest import REPOSITORY

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

FEEDS = loader.load_all()

EDGES = {
    "ingest": {
        "plan": {"extract", "publish"},
        "extract": {"convert"},
        "convert": {"publish"},
        "publish": set(),
    },
    "rebuild": {
        "plan": {"staged", "publish"},
        "staged": {"convert"},
        "convert": {"publish"},
        "publish": set(),
    },
    "compact": {"plan": {"compact"}, "compact": set()},
    "audit": {
        "plan": {"audit", "report"},
        "audit": {"report"},
        "report": {"refetch", "verdict"},
        "refetch": set(),
        "verdict": set(),
    },
}

BY_DAYS = {name for name, feed in FEEDS.items() if feed.window >= timedelta(days=1)}
"""Feeds whose windows are days already: nothing to compact."""

MADE = [
    (verb, feed) for verb in EDGES for feed in FEEDS if verb != "compact" or feed not in BY_DAYS
]

FORBIDDEN = ("pyarrow", "ijson", "boto3", "botocore", "requests", "docker", "kubernetes")

PARSE = """
import json, pathlib, runpy, socket, sys, time
from airflow.sdk import DAG, Asset, BaseOperator, CronDataIntervalTimetable, Param, RetryPolicy
from airflow.sdk import XComArg, task_group  # which Airflow imports only when they are asked for
before = set(sys.modules)
def refuse(*_): raise AssertionError("parsing a DAG reached for the network")
socket.socket.connect = socket.getaddrinfo = refuse
start_s = time.process_time()
for file in sorted(pathlib.Path("dags").glob("*.py")):
    runpy.run_path(str(file))
took_s = time.process_time() - start_s
print(json.dumps({"took_s": took_s, "imported": sorted(set(sys.modules) - before)}))
"""


def test_each_feed_has_its_dags(dags):
    """DAG ids are stable names made of the feed's."""
    assert set(dags) == {f"{verb}_{feed}" for verb, feed in MADE}


@pytest.mark.parametrize(("verb", "feed"), MADE)
def test_tasks_follow_each_other(dags, verb, feed):
    """Task ids and edges are the same for every feed."""
    dag = dags[f"{verb}_{feed}"]
    assert {task.task_id: task.downstream_task_ids for task in dag.tasks} == EDGES[verb]


@pytest.mark.parametrize(("verb", "feed"), MADE)
def test_a_dag_says_what_it_is(dags, verb, feed):
    """Description, page and tags come from the feed."""
    dag = dags[f"{verb}_{feed}"]
    assert FEEDS[feed].description in dag.description
    assert f"`{feed}`" in dag.doc_md
    assert dag.tags == {"ticklake", verb, FEEDS[feed].host}


def test_every_task_retries_as_its_error_says(dags):
    """Retries back off, and the policy is on mapped and plain tasks alike."""
    for dag in dags.values():
        for task in dag.tasks:
            assert isinstance(task.retry_policy, RetryByError), task
            assert task.retries >= 2, task
            assert task.retry_exponential_backoff > 1, task


@pytest.mark.parametrize("feed", FEEDS)
def test_the_interval_of_a_run_is_one_window(dags, feed):
    """A run made at 03:00 for an hourly feed is about [02:00, 03:00): never an empty interval."""
    from airflow.sdk.timezone import coerce_datetime, parse
    from airflow.serialization.encoders import coerce_to_core_timetable

    dag = dags[f"ingest_{feed}"]
    timetable = coerce_to_core_timetable(dag.timetable)
    made = coerce_datetime(parse("2026-01-02T03:00:00Z"))
    interval = timetable.infer_manual_data_interval(run_after=made)
    assert interval.end - interval.start == FEEDS[feed].window
    assert interval.end <= made
    assert dag.catchup is False
    assert dag.max_active_runs == 2


def test_a_day_is_compacted_by_one_run_at_a_time(dags):
    """Daily; two runs that write the same day could undo each other."""
    for verb, feed in MADE:
        if verb == "compact":
            dag = dags[f"compact_{feed}"]
            assert (dag.max_active_runs, dag.catchup, dag.schedule is None) == (1, False, False)


def test_rebuilding_is_only_ever_asked_for(dags):
    """A rebuild has no schedule, and one of them runs at a time."""
    for feed in FEEDS:
        dag = dags[f"rebuild_{feed}"]
        assert dag.schedule is None
        assert dag.max_active_runs == 1


@pytest.mark.parametrize("feed", FEEDS)
def test_only_asking_the_source_takes_a_place_in_its_pool(dags, feed):
    """``extract`` runs in the pool named after the API's host, all else in the default pool."""
    pools = {task.task_id: task.pool for task in dags[f"ingest_{feed}"].tasks}
    assert pools.pop("extract") == FEEDS[feed].host
    assert set(pools.values()) == {"default_pool"}


@pytest.mark.parametrize("feed", FEEDS)
def test_one_unmapped_task_emits_the_one_event(dags, feed):
    """Mapped tasks emit nothing: their events could be folded together or missed."""
    for verb in ("ingest", "rebuild"):
        outlets = {
            task.task_id: [asset.uri for asset in task.outlets]
            for task in dags[f"{verb}_{feed}"].tasks
        }
        assert outlets.pop("publish") == [f"x-ticklake://lake/{feed}"]
        assert not any(outlets.values())


def test_dags_survive_serialization(dags):
    """What the scheduler reads is what was written."""
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in dags.values():
        data = json.loads(json.dumps(DagSerialization.to_dict(dag)))
        assert DagSerialization.from_dict(data).task_dict.keys() == dag.task_dict.keys()


def test_parsing_is_cheap_and_stays_at_home():
    """The core never imports Airflow; parsing the DAGs imports no pyarrow, ijson or boto3, and
    uses no network.

    No pyarrow, ijson, boto3 or network, and under 0.5 s of work beyond importing Airflow.
    """
    done = subprocess.run(
        [sys.executable, "-c", PARSE],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    heavy = [name for name in told["imported"] if name.split(".")[0] in FORBIDDEN]
    assert heavy == []
    assert told["took_s"] < 0.5
