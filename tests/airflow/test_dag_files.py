"""What every DAG has, whatever its feed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from include.operators.dag_support.retries import RetryByError
from include.ticklake.feed import loader
from tests.conftest import REPOSITORY
from tests.support.shipped_feeds import FEEDS

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

INGEST_EDGES = {
    "plan": {"extract", "publish"},
    "extract": {"convert"},
    "convert": {"publish"},
    "publish": set(),
}

EDGES = {f"ingest_{feed}": INGEST_EDGES for feed in FEEDS} | {
    "rebuild": {
        "plan": {"staged", "convert"},
        "staged": {"convert"},
        "convert": {"publish"},
        "publish": {"check_feeds"},
        "check_feeds": set(),
    },
    "compact": {
        "plan": {"compact"},
        "compact": {"check_feeds", "note_memory"},
        "check_feeds": set(),
        "note_memory": set(),
    },
    "audit": {
        "plan": {"audit"},
        "audit": {"report"},
        "report": {"refetch", "fail_on_findings"},
        "refetch": set(),
        "fail_on_findings": set(),
    },
    "retention": {"plan": {"expire"}, "expire": {"check_feeds"}, "check_feeds": set()},
}

MAINTENANCE = ("rebuild", "compact", "audit", "retention")

FORBIDDEN = ("pyarrow", "ijson", "boto3", "botocore", "obstore", "requests", "docker", "kubernetes")

PARSE = """
import json, pathlib, runpy, socket, sys, time
begin_s = time.process_time()
from airflow.sdk import DAG, Asset, BaseOperator, CronDataIntervalTimetable, Param, RetryPolicy
from airflow.sdk import XComArg, task_group  # which Airflow imports only when they are asked for
before = set(sys.modules)
def refuse(*_): raise AssertionError("parsing a DAG reached for the network")
socket.socket.connect = socket.getaddrinfo = refuse
start_s = time.process_time()
for file in sorted(pathlib.Path("dags").glob("*.py")):
    runpy.run_path(str(file))
share = (time.process_time() - start_s) / (start_s - begin_s)
print(json.dumps({"share": share, "imported": sorted(set(sys.modules) - before)}))
"""


def test_there_is_a_dag_for_each_feed_and_four_for_maintenance(dags):
    """DAG ids are stable names made of the feed's."""
    assert set(dags) == {f"ingest_{feed}" for feed in FEEDS} | set(MAINTENANCE)


def test_a_team_sees_its_own_feeds_only(airflow, tmp_path):
    """With the shipped feeds left out there are the four, and one for each own feed."""
    (tmp_path / "own_trades.yaml").write_text((loader.SHIPPED / "okx_trades.yaml").read_text())
    env = {"TICKLAKE_FEEDS": str(tmp_path), "TICKLAKE_SHIPPED_FEEDS": "none"}
    listed = airflow("dags", "list", "-o", "json", "--local", **env)
    assert listed.returncode == 0, listed.stderr
    found = {dag["dag_id"] for dag in json.loads(listed.stdout[listed.stdout.index("[{") :])}
    assert found == {"ingest_own_trades", *MAINTENANCE}


@pytest.mark.parametrize("dag_id", EDGES)
def test_tasks_follow_each_other(dags, dag_id):
    """Task ids and edges are the same for every feed."""
    edges = {task.task_id: task.downstream_task_ids for task in dags[dag_id].tasks}
    assert edges == EDGES[dag_id]


@pytest.mark.parametrize("feed", FEEDS)
def test_a_dag_says_what_it_is(dags, feed):
    """Description, page and tags come from the feed."""
    dag = dags[f"ingest_{feed}"]
    assert FEEDS[feed].description in dag.description
    assert f"`{feed}`" in dag.doc_md
    assert dag.tags == {"ticklake", "ingest", FEEDS[feed].host}


@pytest.mark.parametrize("dag_id", MAINTENANCE)
def test_a_maintenance_dag_is_about_the_feeds_of_its_form(dags, dag_id):
    """All of them where none is chosen; and a range and slices."""
    dag = dags[dag_id]
    assert {"feeds", "start", "end", "slices"} <= set(dag.params)
    assert dag.params.get_param("feeds").schema["examples"] == list(FEEDS)
    assert dag.params["feeds"] is None
    assert dag.tags == {"ticklake", dag_id}


def test_every_field_of_every_form_explains_itself(dags):
    """By a title and a sentence: what to enter, or what happens where nothing is entered."""
    for dag in dags.values():
        for name in dag.params:
            schema = dag.params.get_param(name).schema
            assert schema["title"], f"{dag.dag_id}: {name}"
            assert schema["description_md"][0].isupper(), f"{dag.dag_id}: {name}"
            assert schema["description_md"].endswith("."), f"{dag.dag_id}: {name}"


def test_every_dag_says_what_it_reads_and_writes(dags):
    """On its own page in the UI."""
    for dag in dags.values():
        assert dag.description, dag.dag_id
        assert "Reads " in dag.doc_md, dag.dag_id
        assert "triggered by hand" in dag.doc_md.lower(), dag.dag_id
        assert "Writes " in dag.doc_md or "Deletes " in dag.doc_md, dag.dag_id


def test_every_mapped_task_is_labelled(dags):
    """The grid shows what a task works on, not only its number."""
    for dag in dags.values():
        for task in dag.tasks:
            if task.is_mapped or task.get_closest_mapped_task_group():
                assert task.map_index_template, f"{dag.dag_id}: {task.task_id}"


@pytest.mark.parametrize("dag_id", MAINTENANCE)
def test_a_maintenance_dag_has_one_run_at_a_time(dags, dag_id):
    """Two that write the same day could undo each other; only a rebuild has no schedule."""
    dag = dags[dag_id]
    assert (dag.max_active_runs, dag.catchup) == (1, False)
    assert (dag.schedule is None) == (dag_id == "rebuild")


def test_feeds_of_several_runners_have_tasks_of_their_own(tmp_path, monkeypatch):
    """Each runner skips the batches of the others."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk.exceptions import AirflowSkipException

    from include.operators.dag_support.by_runner import branches

    text = (loader.SHIPPED / "okx_trades.yaml").read_text()
    (tmp_path / "own_trades.yaml").write_text(f"{text}\nrunner: docker\n")
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path))
    bag = DagBag(REPOSITORY / "dags" / "compact.py")
    assert bag.import_errors == {}
    assert set(bag.dags["compact"].task_dict) == {
        "plan", "compact_process", "compact_docker", "check_feeds", "note_memory",
    }  # fmt: skip
    assert [branch.runner for branch in branches()] == ["process", "docker"]
    arguments = branches()[1].batches(bag.dags["compact"].task_dict["plan"]).callables[0]
    batch = {"feed": "own_trades", "runner": "docker", "manifests": []}
    assert arguments(batch) == {"feed": "own_trades", "manifests": []}
    with pytest.raises(AirflowSkipException):
        arguments(batch | {"runner": "process"})


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


@pytest.mark.parametrize("feed", FEEDS)
def test_only_asking_the_source_takes_a_place_in_its_pool(dags, feed):
    """``extract`` runs in the pool named after the API's host, all else in the default pool."""
    pools = {task.task_id: task.pool for task in dags[f"ingest_{feed}"].tasks}
    assert pools.pop("extract") == FEEDS[feed].host
    assert set(pools.values()) == {"default_pool"}


@pytest.mark.parametrize("dag_id", EDGES)
def test_one_unmapped_task_emits_the_events(dags, dag_id):
    """Mapped tasks emit nothing: their events could be folded together or missed."""
    outlets = {
        task.task_id: [getattr(asset, "uri", asset.name) for asset in task.outlets]
        for task in dags[dag_id].tasks
        if task.outlets
    }
    expected = {
        "rebuild": {"publish": ["ticklake_rebuilt"]},
        "audit": {"report": ["x-ticklake://audit"]},
        "compact": {},
        "retention": {},
    }
    feed = dag_id.removeprefix("ingest_")
    assert outlets == expected.get(dag_id, {"publish": [f"x-ticklake://lake/{feed}"]})


def test_dags_survive_serialization(dags):
    """What the scheduler reads is what was written."""
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in dags.values():
        data = json.loads(json.dumps(DagSerialization.to_dict(dag)))
        assert DagSerialization.from_dict(data).task_dict.keys() == dag.task_dict.keys()


def test_parsing_is_cheap_and_stays_at_home():
    """The core never imports Airflow; parsing the DAGs imports no pyarrow, ijson or boto3, and
    uses no network.

    Nor Docker, Kubernetes or requests; and costs less than a third of what importing Airflow does.
    """
    first = parse_dags()  # which compiles the modules
    assert [name for name in first["imported"] if name.split(".")[0] in FORBIDDEN] == []
    assert min(parse_dags()["share"] for _ in range(4)) < 1 / 3


def parse_dags() -> dict[str, Any]:
    """What a process that parses all DAG files imported for them, and its processor time.

    The latter as a share of that of importing Airflow.
    """
    env = {name: os.environ[name] for name in os.environ if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", PARSE],
        cwd=REPOSITORY,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
