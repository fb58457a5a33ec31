"""Compact each complete day: merge its windows' Parquet files into one per slice. Daily.

Looks at the last three days of every feed; triggered by hand, choose feeds, a range and slices.
Days that are not complete yet are left for a later run.

Reads ``manifests/`` and ``parquet/`` under ``TICKLAKE_ROOT``. Writes one file per slice and day
to ``parquet/``, and deletes those that it replaces. Where ``TICKLAKE_ICEBERG`` is set, the
compacted days are then committed to the feeds' Iceberg tables. What memory it took is noted in
``summary/``. A feed that fails stops no other; the run then fails at its end and names it.
"""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, task_group

from include.operators.dag_support import feeds, labels, trigger_form
from include.operators.dag_support.by_runner import Branch, branches
from include.operators.dag_support.retries import DEFAULT_ARGS
from include.operators.feed_outcomes import CheckFeedsOperator
from include.operators.iceberg import IcebergOperator
from include.operators.note_memory import NoteMemoryOperator
from include.operators.plan_days import PlanDaysOperator
from include.operators.runners import compact_task
from include.ticklake.settings import Settings

AT = "45 0 * * *"
"""A quarter to one: the last hour of the day has been ingested by then."""

with DAG(
    dag_id="compact",
    description="Merge the Parquet files of each complete day",
    schedule=CronDataIntervalTimetable(AT, timezone="UTC"),
    catchup=False,
    # Two runs of one day undo nothing of each other's, and one of them works in vain.
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params=trigger_form.maintenance_params(feeds.names(), default_range="the last three days"),
    user_defined_macros={"labels": labels},
    doc_md=__doc__,
    tags=["ticklake", "compact"],
):
    plan = PlanDaysOperator(task_id="plan")
    check = CheckFeedsOperator(task_id="check_feeds")
    compacted = check
    if Settings.from_env(os.environ).iceberg:
        compacted = IcebergOperator(task_id="commit")
        check.after = ["commit"]
        compacted >> check

    note = NoteMemoryOperator(
        task_id="note_memory",
        step="compact",
        task_ids=[branch.task_id("compact") for branch in branches()],
    )

    def compact(branch: Branch) -> None:
        """The batches of the feeds of one runner."""

        @task_group(group_id=branch.task_id("batch"), prefix_group_id=False)
        def batch(feed: str, manifests: dict[str, Any]) -> None:
            compact_task(
                task_id=branch.task_id("compact"),
                feed=branch.feed(feed),
                manifests=manifests,
                map_index_template=labels.FEED_MANIFESTS_LABEL,
            )

        batch.expand_kwargs(branch.batches(plan)) >> [compacted, note]

    for branch in branches():
        compact(branch)
