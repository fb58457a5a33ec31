"""Rebuild Parquet from staged JSON, without calling the source. Triggered by hand.

For use after a schema change, or if Parquet was lost. Choose feeds, a range and slices;
windows whose JSON is no longer there are left out. With `quarantined` on, only windows that have
quarantined records: for use after the feed's file was fixed.

Reads ``manifests/`` and ``json/`` under ``TICKLAKE_ROOT``. Writes ``parquet/`` and ``latest/``.
Emits one event of the asset ``x-ticklake://lake/<feed>`` per feed. A feed that fails stops no
other; the run then fails at its end and names it.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param, task_group

from include.operators.dag_support import feeds, labels, trigger_form
from include.operators.dag_support.by_runner import Branch, branches
from include.operators.dag_support.retries import DEFAULT_ARGS
from include.operators.feed_outcomes import CheckFeedsOperator
from include.operators.find_staged import FindStagedOperator
from include.operators.plan_rebuild import QUARANTINED, PlanRebuildOperator
from include.operators.publish_feeds import PublishFeedsOperator
from include.operators.runners import convert_task

ONLY_QUARANTINED = Param(
    False,
    type="boolean",
    title="Only quarantined",
    description_md="Only windows that have quarantined records; without a range, all of them. "
    "Records that fit the feed's fields now are added to the Parquet.",
)

with DAG(
    dag_id="rebuild",
    description="Rebuild Parquet from staged JSON",
    schedule=None,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params=trigger_form.maintenance_params(
        feeds.names(), default_range="each feed's last complete window"
    )
    | {QUARANTINED: ONLY_QUARANTINED},
    user_defined_macros={"labels": labels},
    doc_md=__doc__,
    tags=["ticklake", "rebuild"],
):
    plan = PlanRebuildOperator(task_id="plan")

    def rebuild(branch: Branch) -> None:
        """(staged -> convert) for each batch of the feeds of one runner."""

        @task_group(group_id=branch.task_id("batch"), prefix_group_id=False)
        def batch(feed: str, units: dict[str, Any]) -> None:
            staged = FindStagedOperator(
                task_id=branch.task_id("staged"),
                feed=feed,
                units=units,
                map_index_template=labels.FEED_UNITS_LABEL,
            )
            convert_task(
                task_id=branch.task_id("convert"),
                feed=branch.feed(feed),
                manifests=staged.output,
                map_index_template=labels.FEED_MANIFESTS_LABEL,
            )

        batch.expand_kwargs(branch.batches(plan)) >> publish

    publish = PublishFeedsOperator(
        task_id="publish", converted_by=[branch.task_id("convert") for branch in branches()]
    )
    for branch in branches():
        rebuild(branch)
    publish >> CheckFeedsOperator(task_id="check_feeds", after=["publish"])
