"""One DAG per feed that says ``retention`` in its file, daily: what is older than that goes.

Reads ``manifests/`` under ``TICKLAKE_ROOT`` and lists ``json/``, ``quarantine/``, ``parquet/``
and ``late/``. Deletes whole days there where the feed says ``delete: true``; else, and where
the form says so, it only logs what it would delete. Manifests stay, and say what was removed.
"""

from __future__ import annotations

from airflow.sdk import DAG, CronDataIntervalTimetable, Param

from include.operators.dag_support import feeds, trigger_form
from include.operators.dag_support.retries import DEFAULT_ARGS
from include.operators.retention import RetentionOperator
from include.ticklake.feed.feed import Feed

AT = "45 3 * * *"
"""After the day was compacted and audited."""


def retention(feed: Feed, *, delete: bool) -> None:
    """The DAG of one feed: one task."""
    with DAG(
        dag_id=f"retention_{feed.name}",
        description=f"What is older than it is to be kept: {feed.description}",
        schedule=CronDataIntervalTimetable(AT, timezone="UTC"),
        catchup=False,
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        params={
            "delete": Param(
                delete, type="boolean", title="Delete", description_md="Off: only say what would go"
            )
        },
        doc_md=trigger_form.dag_doc(feed, __doc__),
        tags=["ticklake", "retention", feed.host],
    ):
        RetentionOperator(task_id="retire", feed=feed.name)


for each in feeds.valid_feeds():
    if each.retention:
        retention(each, delete=each.retention.delete)
