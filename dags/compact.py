"""One DAG per feed, daily: the hourly Parquet files of each whole day become one.

Reads ``manifests/`` and ``parquet/`` under ``TICKLAKE_ROOT``. Writes one file per slice and
day to ``parquet/``, and deletes those that it stands for. Looks at the last three days; a
range of your own can be given. Days that are not whole are left for a later run. Where
``TICKLAKE_ICEBERG`` is set, the compacted days are then committed to the feed's Iceberg table.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable, task_group

from include.operators.dag_support import feeds, labels, trigger_form
from include.operators.dag_support.retries import DEFAULT_ARGS
from include.operators.iceberg import IcebergOperator
from include.operators.plan_days import PlanDaysOperator
from include.operators.runners import compact_task
from include.ticklake.feed.feed import Feed
from include.ticklake.settings import Settings

AT = "45 0 * * *"
"""A quarter to one: the last hour of the day has had its run by then."""


def compact(feed: Feed) -> None:
    """The DAG of one feed: plan -> compact for each batch of days (-> commit)."""
    with DAG(
        dag_id=f"compact_{feed.name}",
        description=f"One Parquet file a day: {feed.description}",
        schedule=CronDataIntervalTimetable(AT, timezone="UTC"),
        catchup=False,
        # Two that write the same day at once could undo each other.
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        params=trigger_form.rebuild_params(feed),
        user_defined_macros={"labels": labels},
        doc_md=trigger_form.dag_doc(feed, __doc__),
        tags=["ticklake", "compact", feed.host],
    ):
        plan = PlanDaysOperator(task_id="plan", feed=feed.name)

        @task_group(group_id="batch", prefix_group_id=False)
        def batch(days: list[str]) -> None:
            compact_task(
                task_id="compact",
                feed=feed,
                manifests=days,
                map_index_template=labels.MANIFESTS_LABEL,
            )

        compacted = batch.expand(days=plan.output)
        if Settings.from_env(os.environ).iceberg:
            compacted >> IcebergOperator(task_id="commit", feed=feed.name, batches=plan.output)


for each in feeds.valid_feeds():
    if each.window < timedelta(days=1):
        compact(each)
