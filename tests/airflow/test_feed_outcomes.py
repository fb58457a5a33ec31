"""How the feeds of a run fared, as its last tasks read it from the states of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from include.operators.feed_outcomes import (
    FAILED_FEEDS,
    CheckFeedsOperator,
    for_each_feed,
    read_outcomes,
)
from include.operators.feed_plan import INVALID_FEEDS
from include.ticklake.errors import DataError

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

BATCHES = [{"feed": "bars"}, {"feed": "bars"}, {"feed": "ticks"}, {"feed": "books"}]


@dataclass
class TaskInstanceStub:
    """A task instance whose run has these states and XComs."""

    states: dict[str, str] = field(default_factory=dict)
    xcoms: dict[tuple[str, str], Any] = field(
        default_factory=lambda: {("plan", "return_value"): BATCHES, ("plan", INVALID_FEEDS): {}}
    )
    dag_id: str = "rebuild"
    run_id: str = "manual__1"
    task_id: str = "publish"
    try_number: int = 1
    max_tries: int = 4

    def xcom_pull(self, *, task_ids: str, key: str = "return_value", map_indexes: int) -> Any:
        assert map_indexes == -1
        return self.xcoms.get((task_ids, key))

    def xcom_push(self, *, key: str, value: object) -> None:
        self.xcoms[(self.task_id, key)] = value

    def get_task_states(self, *, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        assert (dag_id, run_ids) == (self.dag_id, [self.run_id])
        return {self.run_id: self.states}


STATES = {
    "plan": "success",
    "staged_0": "success", "convert_0": "success",
    "staged_1": "failed", "convert_1": "upstream_failed",
    "staged_2": "success", "convert_2": "success",
    "staged_3": "success", "convert_3": "failed",
}  # fmt: skip


def test_a_feed_failed_if_one_of_its_batches_did():
    """With the places to look at."""
    outcomes = read_outcomes({"ti": TaskInstanceStub(STATES)})
    assert outcomes.succeeded == ["ticks"]
    assert outcomes.indexes("bars") == [0, 1]
    assert outcomes.failures == {
        "bars": "1 of 2 batches failed, see the log of `staged` [1]",
        "books": "1 of 1 batches failed, see the log of `convert` [3]",
    }


def test_a_batch_that_another_runner_took_did_not_fail():
    """It is skipped by all runners but one."""
    states = {f"convert_{runner}_0": state for runner, state in
              (("process", "skipped"), ("docker", "success"))}  # fmt: skip
    assert read_outcomes({"ti": TaskInstanceStub(states)}).failures == {}


def test_without_a_plan_nothing_succeeded():
    """The task that failed is named."""
    with pytest.raises(AirflowFailException, match="see the log of `plan`"):
        read_outcomes({"ti": TaskInstanceStub(xcoms={})})


def test_an_empty_plan_is_a_success():
    """No feed has data yet."""
    CheckFeedsOperator(task_id="check").execute(
        {"ti": TaskInstanceStub(xcoms={("plan", "return_value"): [], ("plan", INVALID_FEEDS): {}})}
    )


def test_the_run_fails_and_names_every_feed_that_did():
    """An invalid file, a failed batch, a failed publication."""
    ti = TaskInstanceStub(STATES)
    ti.xcoms |= {
        ("plan", INVALID_FEEDS): {"misspelt": "misspelt.yaml:2: feilds: unknown name"},
        ("publish", FAILED_FEEDS): {"ticks": "`publish` failed: no such catalog"},
    }
    with pytest.raises(AirflowFailException) as raised:
        CheckFeedsOperator(task_id="check", after=["publish"]).execute({"ti": ti})
    assert str(raised.value).splitlines() == [
        "some feeds failed, all others are done:",
        "bars: 1 of 2 batches failed, see the log of `staged` [1]",
        "books: 1 of 1 batches failed, see the log of `convert` [3]",
        "misspelt: misspelt.yaml:2: feilds: unknown name",
        "ticks: `publish` failed: no such catalog",
    ]


def test_the_run_fails_with_a_task_that_did_not_end_well():
    """It pushed nothing."""
    with pytest.raises(AirflowFailException, match="see the log of `publish`"):
        CheckFeedsOperator(task_id="check", after=["publish"]).execute({"ti": TaskInstanceStub()})


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(DataError("refused"), "refused", id="one of ours"),
        pytest.param(ValueError("a secret"), "ValueError", id="what nobody knows"),
    ],
)
def test_a_feed_that_fails_stops_no_other(error, reason):
    """On the last try; the text of an unknown error goes to the log alone."""

    def action(feed: str) -> int:
        if feed == "bars":
            raise error
        return len(feed)

    ti = TaskInstanceStub(try_number=5)
    assert for_each_feed({"ti": ti}, ["bars", "ticks"], action) == {"ticks": 5}
    assert ti.xcoms[("publish", FAILED_FEEDS)] == {"bars": f"`publish` failed: {reason}"}


def test_what_a_retry_may_cure_is_retried():
    """After the other feeds had their turn."""
    done = []

    def action(feed: str) -> None:
        if feed == "bars":
            raise ConnectionError
        done.append(feed)

    with pytest.raises(ConnectionError):
        for_each_feed({"ti": TaskInstanceStub()}, ["bars", "ticks"], action)
    assert done == ["ticks"]
