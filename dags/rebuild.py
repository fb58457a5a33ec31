"""One DAG per feed, triggered by hand: Parquet again from the staged JSON, without the API.

Reads ``manifests/`` and ``json/`` under ``TICKLAKE_ROOT``. Writes ``parquet/`` and ``latest/``.
Emits one event of the asset ``x-ticklake://lake/<feed>`` per run. For after a change of schema, or
a lake that was lost while its JSON was not.
"""

from __future__ import annotations

from airflow.sdk import DAG, XComArg, task_group

from include.operators.dag_support import feeds, labels, trigger_form
from include.operators.dag_support.retries import DEFAULT_ARGS
from include.operators.find_staged import FindStagedOperator
from include.operators.plan import PlanOperator
from include.operators.publish import PublishOperator
from include.operators.runners import convert_task
from include.ticklake.feed.feed import Feed


def rebuild(feed: Feed) -> None:
    """The DAG of one feed: plan -> (staged -> convert) for each batch -> publish."""
    with DAG(
        dag_id=f"rebuild_{feed.name}",
        description=f"Parquet again from the staged JSON: {feed.description}",
        schedule=None,
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        params=trigger_form.rebuild_params(feed),
        user_defined_macros={"labels": labels},
        doc_md=trigger_form.dag_doc(feed, __doc__),
        tags=["ticklake", "rebuild", feed.host],
    ):
        plan = PlanOperator(task_id="plan", feed=feed.name)

        @task_group(group_id="batch", prefix_group_id=False)
        def batch(works: list[dict[str, str]]) -> XComArg:
            staged = FindStagedOperator(
                task_id="staged",
                feed=feed.name,
                works=works,
                map_index_template=labels.UNITS_LABEL,
            )
            convert = convert_task(
                task_id="convert",
                feed=feed,
                manifests=staged.output,
                map_index_template=labels.MANIFESTS_LABEL,
            )
            return convert.output

        PublishOperator(
            task_id="publish",
            feed=feed.name,
            works=plan.output,
            scope=XComArg(plan, key="scope"),
            converted=batch.expand(works=plan.output),
        )


for each in feeds.valid_feeds():
    rebuild(each)
