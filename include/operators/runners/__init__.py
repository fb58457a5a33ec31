"""The tasks of a DAG that run a step under a memory limit, wherever its runner is.

The feed's ``runner`` decides, else ``TICKLAKE_RUNNER``. The operators of all runners take the
same arguments and return the same, so the rest of a DAG does not depend on which one runs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from include.operators.access.settings import OperatorSettings
from include.ticklake.settings import Runner

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, XComArg

    from include.operators.access.batches import Batch
    from include.ticklake.feed.feed import Feed

RUNNERS: dict[Runner, str] = {
    "process": "include.operators.runners.process.ProcessStepOperator",
    "docker": "include.operators.runners.docker.DockerStepOperator",
    "kubernetes": "include.operators.runners.kubernetes.KubernetesStepOperator",
}
"""Paths rather than classes: parsing a DAG imports the one provider that it uses."""

WORKER = "include.operators.extract.ExtractOperator"


@dataclass(frozen=True, slots=True)
class MappedFeed:
    """The feed of a mapped task: its name is only known when the task runs, its runner before."""

    name: str
    runner: Runner


def convert_task(
    *, task_id: str, feed: Feed | MappedFeed, manifests: XComArg | Batch, **kwargs: Any
) -> BaseOperator:
    """Return the task that converts the windows of a batch, or of *manifests*, to Parquet."""
    operator = _operator(RUNNERS[_runner(feed)])
    return operator(task_id=task_id, feed=feed.name, step="convert", manifests=manifests, **kwargs)


def compact_task(
    *, task_id: str, feed: Feed | MappedFeed, manifests: XComArg | Batch, **kwargs: Any
) -> BaseOperator:
    """Return the task that compacts the days of a batch, or of *manifests*, each to one file."""
    operator = _operator(RUNNERS[_runner(feed)])
    return operator(task_id=task_id, feed=feed.name, step="compact", manifests=manifests, **kwargs)


def extract_task(
    *, task_id: str, feed: Feed, units: XComArg | Batch, **kwargs: Any
) -> BaseOperator:
    """Return the task that fetches *units*: in the worker itself, or under a memory limit too."""
    if (feed.extract or OperatorSettings.from_env(os.environ).extract) == "worker":
        return _operator(WORKER)(task_id=task_id, feed=feed.name, units=units, **kwargs)
    operator = _operator(RUNNERS[_runner(feed)])
    return operator(task_id=task_id, feed=feed.name, step="extract", units=units, **kwargs)


def _runner(feed: Feed | MappedFeed) -> Runner:
    return feed.runner or OperatorSettings.from_env(os.environ).runner


def _operator(path: str) -> type[BaseOperator]:
    module, _, name = path.rpartition(".")
    operator: type[BaseOperator] = getattr(import_module(module), name)
    return operator
