"""The runners of a maintenance DAG: nearly always one, so that its tasks have plain names.

A mapped task has one operator, and so one runner. Where feeds use several, each runner has
tasks of its own, which skip the batches of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from include.operators.dag_support import feeds
from include.operators.runners import MappedFeed
from include.ticklake.settings import Runner

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, XComArg


@dataclass(frozen=True, slots=True)
class Branch:
    """The tasks of one runner."""

    runner: Runner
    is_only: bool

    def task_id(self, name: str) -> str:
        """*name*, with the runner's where there are several."""
        return name if self.is_only else f"{name}_{self.runner}"

    def feed(self, name: str) -> MappedFeed:
        """The feed of a mapped task of this branch."""
        return MappedFeed(name, self.runner)

    def batches(self, plan: BaseOperator) -> XComArg:
        """What to map over: what *plan* returns, without the ``runner`` of each batch."""
        return plan.output.map(_of(None if self.is_only else self.runner))


def branches() -> list[Branch]:
    """One for each runner that feeds use."""
    runners = feeds.runners()
    return [Branch(runner, is_only=len(runners) == 1) for runner in runners]


def _of(runner: Runner | None) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def arguments(batch: dict[str, Any]) -> dict[str, Any]:
        if runner and batch["runner"] != runner:
            raise AirflowSkipException(f"this batch is for the runner {batch['runner']}")
        return {name: value for name, value in batch.items() if name != "runner"}

    return arguments
