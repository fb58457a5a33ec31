"""One DAG per feed: an API's pages become staged JSON, then Parquet, window by window.

Triggered by hand, choose a range and slices. For a long past use Airflow's backfill, which makes a
run for each window. A task that failed can be cleared: only what is missing is fetched again.

Reads the feed's source. Writes ``plans/``, ``json/``, ``parquet/``, ``manifests/`` and ``latest/``
under ``TICKLAKE_ROOT``. Emits one event of the asset ``x-ticklake://lake/<feed>`` per run.
A feed of files with ``into`` writes, and emits the event of, the feed that it names.
"""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, XComArg, task_group

from include.operators.alerts import freshness
from include.operators.dag_support import active_runs, feeds, labels, trigger_form
from include.operators.dag_support.retries import DEFAULT_ARGS
from include.operators.plan import PlanOperator
from include.operators.publish import PublishOperator
from include.operators.runners import convert_task, extract_task
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.schedule import cron

MAX_TAG_CHARACTERS = 100
"""Airflow refuses longer ones: the error would drop the DAGs of all feeds."""


def ingest(feed: Feed) -> None:
    """The DAG of one feed: plan -> (extract -> convert) for each batch -> publish."""
    with DAG(
        dag_id=f"ingest_{feed.name}",
        description=feed.description,
        # A bare cron string would give every run an empty interval.
        schedule=CronDataIntervalTimetable(cron(feed.window), timezone="UTC"),
        catchup=False,
        max_active_runs=active_runs.ingest_runs(os.environ),
        default_args=DEFAULT_ARGS,
        deadline=freshness.deadline(feed),
        params=trigger_form.ingest_params(feed),
        user_defined_macros={"labels": labels},
        doc_md=trigger_form.dag_doc(feed, __doc__),
        tags=["ticklake", "ingest", feed.host[:MAX_TAG_CHARACTERS]],
    ):
        plan = PlanOperator(task_id="plan", feed=feed.name)

        @task_group(group_id="batch", prefix_group_id=False)
        def batch(units: dict[str, Any]) -> XComArg:
            extract = extract_task(
                task_id="extract",
                feed=feed,
                units=units,
                pool=feed.host,
                map_index_template=labels.UNITS_LABEL,
            )
            convert = convert_task(
                task_id="convert",
                feed=feed.target,
                manifests=extract.output,
                map_index_template=labels.MANIFESTS_LABEL,
            )
            return convert.output

        PublishOperator(
            task_id="publish",
            feed=feed.target.name,
            batches=plan.output,
            scope=XComArg(plan, key="scope"),
            converted=batch.expand(units=plan.output),
        )


for feed in feeds.valid_feeds():
    ingest(feed)
