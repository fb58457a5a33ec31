"""How long a task may run: Airflow's own clock, behind those of the feed's limits.

Each wait has a clock of its own; this one is for what none of them foresees, such as a disk that
hangs. It is set far enough behind them that they end first, and say why.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from include.ticklake.feed.feed import Feed

log = logging.getLogger(__name__)

TASK_TIMEOUT = timedelta(days=1)
"""Of a task that works on no batch: a plan, an audit, a list of expired days."""

MARGIN = timedelta(hours=1)
"""For what comes beside the units: a container's start, the lake's lists, a commit to Iceberg."""


def batch_timeout(feed: Feed, units: int) -> timedelta:
    """How long a task may take for *units* of *feed*: ``limits.unit_timeout`` for each.

    The units of a conversion are windows, those of a compaction are days.
    """
    return max(units, 1) * feed.limits.unit_timeout + MARGIN


def limit_task(task: BaseOperator, *, feed_name: str, units: int) -> None:
    """Set the ``execution_timeout`` of *task* once its batch is known, just before it runs."""
    from include.ticklake.feed import loader

    feed = loader.load(feed_name)
    task.execution_timeout = batch_timeout(feed, units)
    log.info(
        "task.timeout execution_timeout=%s units=%d limits.unit_timeout=%s",
        task.execution_timeout, units, feed.limits.unit_timeout,
    )  # fmt: skip
