"""Every task has an ``execution_timeout``; that of a batch follows from its feed's limits."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from include.operators.access.timeouts import MARGIN, TASK_TIMEOUT
from include.operators.extract import ExtractOperator
from include.operators.runners import RUNNERS, compact_task, convert_task, extract_task
from include.ticklake.feed import loader

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

UNIT = {"slice": {"symbol": "A"}, "window": "20260102T020000Z-20260102T030000Z"}

FEED = """
source:
  kind: http
  base_url: https://api.example.com
  path: "/{symbol}"
slices: {symbol: [A, B, C]}
fields: {t: {type: timestamp, unit: ms, event_time: true}}
limits: {unit_timeout: 2s}
"""


@pytest.fixture
def feed(monkeypatch, tmp_path):
    """A feed whose units may take two seconds each."""
    folder = tmp_path / "feeds"
    folder.mkdir()
    (folder / "stuck.yaml").write_text(FEED)
    monkeypatch.setenv("TICKLAKE_FEEDS", str(folder))
    return loader.load("stuck")


def test_every_task_has_one(dags):
    """Plain and mapped ones, of every DAG."""
    without = [
        (dag.dag_id, task.task_id)
        for dag in dags.values()
        for task in dag.tasks
        if task.execution_timeout != TASK_TIMEOUT
    ]
    assert without == []


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("make", [convert_task, compact_task])
def test_a_step_may_take_what_its_windows_may(monkeypatch, feed, runner, make):
    """Whatever runs it; its batch is known when it runs."""
    monkeypatch.setenv("TICKLAKE_RUNNER", runner)
    task = make(task_id="it", feed=feed, manifests=["one", "two", "three"])
    task.pre_execute({})
    assert task.execution_timeout == timedelta(seconds=6) + MARGIN


@pytest.mark.parametrize("where", ["worker", "capped"])
def test_an_extraction_may_take_what_its_units_may(monkeypatch, feed, where):
    """In the worker itself, and under a memory limit."""
    monkeypatch.setenv("TICKLAKE_EXTRACT", where)
    task = extract_task(task_id="it", feed=feed, units=[UNIT, UNIT])
    assert isinstance(task, ExtractOperator) == (where == "worker")
    task.pre_execute({})
    assert task.execution_timeout == timedelta(seconds=4) + MARGIN


def test_a_deferred_pod_has_the_time_of_its_task(monkeypatch, feed):
    """Counted from the task's start, wherever it waits."""
    from airflow.sdk.exceptions import TaskDeferred
    from kubernetes.client import models as k8s

    monkeypatch.setenv("TICKLAKE_RUNNER", "kubernetes")
    task: Any = convert_task(task_id="it", feed=feed, manifests=["one"])
    task.pod = k8s.V1Pod(metadata=k8s.V1ObjectMeta(name="pod", namespace="default"))
    began = datetime.now(UTC)
    task.pre_execute({})
    with pytest.raises(TaskDeferred) as deferred:
        task.invoke_defer_method(context={"ti": SimpleNamespace(start_date=began)})
    _, arguments = deferred.value.trigger.serialize()
    longest_s = (timedelta(seconds=2) + MARGIN).total_seconds()
    deadline_s = arguments["trigger_kwargs"]["_execution_deadline"]
    assert deadline_s == int(began.timestamp() + longest_s)
    assert longest_s < deferred.value.timeout.total_seconds() < longest_s + 300


STUCK = f"""
import threading
from datetime import timedelta
from airflow.sdk import DAG
from include.operators.access import timeouts
from include.operators.dag_support.retries import DEFAULT_ARGS
from include.operators.extract import ExtractOperator

timeouts.MARGIN = timedelta(0)
UNIT = {json.dumps(UNIT)}

class StuckOperator(ExtractOperator):
    def execute(self, context):
        threading.Event().wait()

with DAG("stuck", default_args=DEFAULT_ARGS | {{"retries": 0}}):
    StuckOperator.partial(task_id="stuck", feed="stuck").expand(units=[[UNIT], [UNIT, UNIT]])
"""


@pytest.mark.usefixtures("feed")
def test_a_task_that_hangs_is_ended_by_it(airflow, recall, tmp_path):
    """Each mapped one after the time of its own batch."""
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "stuck.py").write_text(STUCK)
    run = airflow(
        "dags", "test", "stuck", "2026-01-02T03:00:00+00:00",
        TICKLAKE_FEEDS=str(tmp_path / "feeds"),
        AIRFLOW__CORE__DAGS_FOLDER=str(tmp_path / "dags"),
    )  # fmt: skip
    assert run.returncode != 0
    assert "AirflowTaskTimeout" in run.stdout + run.stderr
    tries = recall(
        "SELECT map_index, state, duration FROM task_instance WHERE dag_id = 'stuck' "
        "ORDER BY map_index"
    )
    assert [(number, state) for number, state, _ in tries] == [(0, "failed"), (1, "failed")]
    assert [2 * units <= took_s < 60 for units, (_, _, took_s) in enumerate(tries, 1)] == [True] * 2
