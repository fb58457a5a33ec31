"""Commits compacted days to the feeds' Iceberg tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.access import batches
from include.operators.access.lake import open_lake
from include.operators.feed_outcomes import for_each_feed, read_outcomes

if TYPE_CHECKING:
    from airflow.sdk import Context


class IcebergOperator(BaseOperator):
    """Bring the tables to what the folders hold of the run's days, for feeds without a failure."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trigger_rule="all_done", **kwargs)

    def execute(self, context: Context) -> dict[str, dict[str, int | str]]:
        """What was committed, as counts by feed."""
        from include.ticklake.feed import loader
        from include.ticklake.lake.layout import SliceDay
        from include.ticklake.publish import publish

        outcomes, lake = read_outcomes(context), open_lake()

        def commit(feed: str) -> dict[str, int | str]:
            references = [outcomes.batches[n]["manifests"] for n in outcomes.indexes(feed)]
            days = batches.read_run(references, storage=lake.storage)
            return publish.commit(
                loader.load(feed),
                {SliceDay(day.slice, day.window.start.date()) for day in days},
                storage=lake.storage,
                settings=lake.settings,
                env=lake.env,
            )

        return for_each_feed(context, outcomes.succeeded, commit)
