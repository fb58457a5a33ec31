"""A plan that runs without the plugin says so, instead of leaving tasks to wait forever."""

from __future__ import annotations

import pytest

from include.ticklake.errors import UsageError

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

NAMES = "AIRFLOW_VAR_TICKLAKE_POOLS"
"""Airflow reads a variable from the environment, too: whoever creates pools by hand sets it."""


@pytest.fixture
def scheduled(monkeypatch):
    """The process of a task that a scheduler started."""
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import CommsDecoder

    comms = CommsDecoder.__new__(CommsDecoder)  # whose supervisor is never asked here
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", comms, raising=False)
    monkeypatch.delenv(NAMES, raising=False)
    return monkeypatch


def check() -> None:
    from include.operators.dag_support import pools

    pools.check_exists("api.example.com")


@pytest.mark.parametrize(
    "names", ["api.example.com", "other, api.example.com", "a,api.example.com,b"]
)
def test_a_pool_that_is_named_exists(scheduled, names):
    """By the plugin, or by hand."""
    scheduled.setenv(NAMES, names)
    check()


@pytest.mark.parametrize("names", ["", "example.com", "other"])
def test_a_pool_that_nobody_named_fails_the_plan(scheduled, names):
    """With what to do, in the log of a task and not only of the scheduler."""
    scheduled.setenv(NAMES, names)
    with pytest.raises(UsageError, match="the scheduler has not loaded ticklake's plugin"):
        check()


def test_dags_test_needs_no_pool(monkeypatch):
    """It runs every task in its own process, whatever its pool."""
    monkeypatch.delenv(NAMES, raising=False)
    check()
