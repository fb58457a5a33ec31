"""One DAG per feed, daily: is the lake of the last days what its manifests say?

Reads everything under ``TICKLAKE_ROOT`` of the last two whole days: manifests, JSON, Parquet.
Writes ``reports/<feed>/``. Emits one event of the asset ``x-ticklake://audit/<feed>`` per run,
with the report's totals as its extra. Fails where there are findings; triggered with `repair`,
it has ``ingest_<feed>`` fetch again what another fetch can mend.
"""

from __future__ import annotations

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, XComArg, task_group

from include.operators.audit import (
    AuditOperator,
    AuditPlanOperator,
    FailOnFindingsOperator,
    RefetchOperator,
    ReportOperator,
)
from include.operators.dag_support import feeds, trigger_form
from include.operators.dag_support.retries import DEFAULT_ARGS
from include.ticklake.feed.feed import Feed

AT = "15 2 * * *"
"""After the day was compacted."""

REPAIR = Param(
    False,
    type="boolean",
    title="Repair",
    description_md="Have windows fetched again that are missing or have gaps.",
)


def audit(feed: Feed) -> None:
    """The DAG of one feed: plan -> audit for each batch -> report -> refetch, verdict."""
    with DAG(
        dag_id=f"audit_{feed.name}",
        description=f"What is wrong with the lake: {feed.description}",
        schedule=CronDataIntervalTimetable(AT, timezone="UTC"),
        catchup=False,
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        params=trigger_form.rebuild_params(feed, empty="the last two days") | {"repair": REPAIR},
        doc_md=trigger_form.dag_doc(feed, __doc__),
        tags=["ticklake", "audit", feed.host],
    ):
        plan = AuditPlanOperator(task_id="plan", feed=feed.name)

        @task_group(group_id="batch", prefix_group_id=False)
        def batch(slices: list[str]) -> XComArg:
            return AuditOperator(
                task_id="audit", feed=feed.name, slices=slices, scope=XComArg(plan, key="scope")
            ).output

        report = ReportOperator(
            task_id="report",
            feed=feed.name,
            scope=XComArg(plan, key="scope"),
            found=batch.expand(slices=plan.output),
        )
        RefetchOperator.partial(task_id="refetch", feed=feed.name).expand(conf=report.output)
        FailOnFindingsOperator(task_id="verdict", totals=XComArg(report, key="totals"))


for each in feeds.valid_feeds():
    audit(each)
