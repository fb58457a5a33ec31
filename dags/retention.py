"""Delete expired data of the feeds whose files say ``retention``, and what nobody reads. Daily.

A scheduled run deletes JSON and Parquet where the feed says ``delete: true``; elsewhere it only
lists them. JSON that a newer fetch took the place of a week ago (``superseded``), and what killed
runs left two days ago (``incomplete``), it deletes of every feed, and the plans of runs that ended
a month ago. Triggered by hand, it is a dry run unless `delete` is on; choose feeds, a range and
slices.

Reads ``manifests/`` and ``superseded/`` under ``TICKLAKE_ROOT`` and lists ``json/``,
``quarantine/``, ``parquet/``, ``late/``, ``plans/`` and ``_incomplete/``. Deletes whole days of
data there. Manifests stay, and record what was deleted. A feed that fails stops no other; the run
then fails at its end and names it.
"""

from __future__ import annotations

from airflow.sdk import DAG, CronDataIntervalTimetable, Param

from include.operators.dag_support import feeds, labels, trigger_form
from include.operators.dag_support.retries import DEFAULT_ARGS
from include.operators.feed_outcomes import CheckFeedsOperator
from include.operators.retention import PlanRetentionOperator, RetentionOperator

AT = "45 3 * * *"
"""After the day was compacted and audited."""

DELETE = Param(
    False,
    type="boolean",
    title="Delete",
    description_md="When off, only list what would be deleted (dry run).",
)

with DAG(
    dag_id="retention",
    description="Delete expired data",
    schedule=CronDataIntervalTimetable(AT, timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params=trigger_form.maintenance_params(
        feeds.names(), default_range="the oldest data; only whole days of a range are deleted"
    )
    | {"delete": DELETE},
    doc_md=__doc__,
    tags=["ticklake", "retention"],
):
    plan = PlanRetentionOperator(task_id="plan")
    expire = RetentionOperator.partial(
        task_id="expire", map_index_template=labels.FEED_LABEL
    ).expand_kwargs(plan.output)
    expire >> CheckFeedsOperator(task_id="check_feeds")
