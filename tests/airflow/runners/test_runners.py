"""The feed and the settings choose what runs a task; the DAG stays the same."""

from __future__ import annotations

import pytest

from include.operators.runners import MappedFeed, compact_task, convert_task, extract_task
from include.ticklake.feed import loader

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

UNITS = [{"slice": {"symbol": "BTCUSDT"}, "window": "20261122T050000Z-20261122T060000Z"}]
OPERATORS = {
    "process": "ProcessStepOperator",
    "docker": "DockerStepOperator",
    "kubernetes": "KubernetesStepOperator",
}


@pytest.fixture
def feed(monkeypatch):
    """A shipped feed, which leaves the choice to the settings."""
    for name in ("TICKLAKE_EXTRACT", "TICKLAKE_RUNNER"):
        monkeypatch.delenv(name, raising=False)
    return loader.load("binance_klines")


@pytest.mark.parametrize("runner", OPERATORS)
@pytest.mark.parametrize(
    ("make", "step"),
    [(convert_task, "convert"), (compact_task, "compact")],
    ids=["convert", "compact"],
)
def test_the_setting_chooses_the_runner(monkeypatch, feed, runner, make, step):
    """A task converts or compacts what it is given, with each of them."""
    monkeypatch.setenv("TICKLAKE_RUNNER", runner)
    task = make(task_id="it", feed=feed, manifests=["file:///lake/manifests/x.json"])
    assert type(task).__name__ == OPERATORS[runner]
    assert (task.feed, task.step, task.units) == (feed.name, step, None)
    assert task.manifests == ["file:///lake/manifests/x.json"]


def test_the_feed_wins_over_the_setting(monkeypatch, feed):
    """Also where its name is only known when the task runs."""
    monkeypatch.setenv("TICKLAKE_RUNNER", "docker")
    mine = feed.model_copy(update={"runner": "process"})
    assert (
        type(convert_task(task_id="it", feed=mine, manifests=[])).__name__ == OPERATORS["process"]
    )
    mapped = MappedFeed("binance_klines", "kubernetes")
    task = compact_task(task_id="it", feed=mapped, manifests=[])
    assert type(task).__name__ == OPERATORS["kubernetes"]


@pytest.mark.parametrize("runner", OPERATORS)
def test_airflow_renders_what_a_step_works_on(monkeypatch, feed, runner):
    """Feed, manifests and units may come from another task, whatever runs the step."""
    monkeypatch.setenv("TICKLAKE_RUNNER", runner)
    task = convert_task(task_id="it", feed=feed, manifests=[])
    assert {"feed", "manifests", "units"} <= set(task.template_fields)
    assert all(hasattr(task, name) for name in task.template_fields)


@pytest.mark.parametrize(
    ("feed_setting", "setting", "limited"),
    [
        pytest.param(None, None, False, id="by default in the worker"),
        pytest.param(None, "capped", True, id="by the setting"),
        pytest.param("capped", None, True, id="by the feed"),
        pytest.param("worker", "capped", False, id="the feed wins"),
    ],
)
def test_feed_and_setting_choose_where_pages_are_fetched(
    monkeypatch, feed, feed_setting, setting, limited
):
    """The DAG is the same: one task that takes units and returns manifests."""
    from include.operators.extract import ExtractOperator
    from include.operators.runners.process import ProcessStepOperator

    if setting:
        monkeypatch.setenv("TICKLAKE_EXTRACT", setting)
    mine = feed.model_copy(update={"extract": feed_setting})
    task = extract_task(task_id="extract", feed=mine, units=UNITS)
    assert type(task) is (ProcessStepOperator if limited else ExtractOperator)
    assert task.units == UNITS
