"""A retry of a limited extraction skips what the lake has from the tries before."""

import pytest

from tests.airflow.runners.test_extract_step import UNITS, Store, source, symbols, task

__all__ = ["source"]

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("begun_ms", "fetched"),
    [
        pytest.param(-MINUTE_MS, ["S3", "S4"], id="since the first try began"),
        pytest.param(MINUTE_MS, ["S0", "S1", "S2", "S3", "S4"], id="before, by another run"),
    ],
)
def test_a_retry_skips_what_was_committed_also_where_the_log_is_lost(source, begun_ms, fetched):
    """A pod that vanished with its node took its log along; what it committed is in the lake."""
    from include.operators.extract import ExtractOperator

    store = Store()
    task().begin_step({"task_state_store": store})
    in_pod = ExtractOperator(task_id="extract", feed="rows", units=UNITS[:3])
    in_pod.execute({"task_state_store": Store()})
    store.kept["progress"]["begun_ms"] += begun_ms
    source.asked.clear()
    assert len(task().execute({"task_state_store": store})) == len(UNITS)
    assert symbols(source) == fetched
    assert store.kept == {}


def test_a_retry_that_replaces_takes_nothing_for_its_own(source):
    """What is there may be from a run at the same time, which did not replace."""
    from include.operators.extract import ExtractOperator
    from include.operators.runners.process import ProcessStepOperator

    store = Store()
    replacing = [unit | {"replace": True} for unit in UNITS]
    options = {"task_id": "extract", "feed": "rows", "step": "extract", "units": replacing}
    ProcessStepOperator(**options).begin_step({"task_state_store": store})
    in_pod = ExtractOperator(task_id="extract", feed="rows", units=UNITS[:3])
    in_pod.execute({"task_state_store": Store()})
    store.kept["progress"]["begun_ms"] -= MINUTE_MS
    source.asked.clear()
    ProcessStepOperator(**options).execute({"task_state_store": store})
    assert symbols(source) == ["S0", "S1", "S2", "S3", "S4"]
