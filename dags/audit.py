"""Audit the lake: compare every file of the last two complete days with its manifest. Daily.

Triggered by hand, choose feeds, a range and slices; with `repair` on, windows that are missing
or have gaps are fetched again by ``ingest_<feed>``.

Reads everything under ``TICKLAKE_ROOT`` in the range: manifests, JSON, Parquet. Writes a report
per feed to ``reports/<feed>/``. Emits one event of the asset ``x-ticklake://audit`` per run, with
the totals of each feed as its extra. Fails if there are findings, or if a feed could not be
audited; one feed's failure stops no other.
"""

from __future__ import annotations

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, XComArg

from include.operators.audit.audit import AuditOperator
from include.operators.audit.fail_on_findings import FailOnFindingsOperator
from include.operators.audit.plan import PlanAuditOperator
from include.operators.audit.refetch import RefetchOperator
from include.operators.audit.report import ReportOperator
from include.operators.dag_support import feeds, labels, trigger_form
from include.operators.dag_support.retries import DEFAULT_ARGS

AT = "15 2 * * *"
"""After the day was compacted."""

REPAIR = Param(
    False,
    type="boolean",
    title="Repair",
    description_md="Fetch windows again that are missing or have gaps. When off, only report them.",
)

with DAG(
    dag_id="audit",
    description="Compare the lake's data with its manifests",
    schedule=CronDataIntervalTimetable(AT, timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params=trigger_form.maintenance_params(
        feeds.names(), default_range="the last two complete days"
    )
    | {"repair": REPAIR},
    doc_md=__doc__,
    tags=["ticklake", "audit"],
):
    plan = PlanAuditOperator(task_id="plan")
    audit = AuditOperator.partial(
        task_id="audit", map_index_template=labels.FEED_SLICES_LABEL
    ).expand_kwargs(plan.output)
    report = ReportOperator(task_id="report")
    audit >> report
    RefetchOperator.partial(
        task_id="refetch", map_index_template=labels.FEED_CONF_LABEL
    ).expand_kwargs(report.output)
    FailOnFindingsOperator(task_id="fail_on_findings", totals=XComArg(report, key="totals"))
