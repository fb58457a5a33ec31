"""What a compaction works on, in batches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.access.lake import open_lake
from include.operators.dag_support.interval import look_back
from include.operators.feed_plan import PlannedUnits, plan_feeds, split_by_feed
from include.ticklake.feed.feed import Feed

if TYPE_CHECKING:
    from airflow.sdk import Context


class PlanDaysOperator(BaseOperator):
    """Split the days to compact, of every selected feed, into batches.

    Without a ``start`` these are the last *look_back_days* complete days: one that was not
    complete yet, or had a window fetched again, is compacted by a later run. Days that are
    done cost one look each. Feeds whose windows are days have nothing to compact.

    :param look_back_days: how many days a scheduled run looks at
    :param feed_batches_max: how many mapped tasks one feed may have at most
    """

    def __init__(
        self, *, look_back_days: int = 3, feed_batches_max: int = 50, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.look_back_days = look_back_days
        self.feed_batches_max = feed_batches_max

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Batches: a feed, its runner, and a reference to days."""
        from include.ticklake.lake import layout
        from include.ticklake.model.window_length import longest

        params, run_after = context["params"], context["dag_run"].run_after
        day = layout.DAY

        def range_of(_: Feed) -> tuple[datetime, datetime] | None:
            default = timedelta(days=self.look_back_days)
            return look_back(params, run_after=run_after, window=day, default=default)

        lake = open_lake()
        plans = plan_feeds(
            context,
            storage=lake.storage,
            range_of=range_of,
            applies_to=lambda feed: longest(feed.window) < day,
        )
        days = [PlannedUnits.of_range(part, window=day) for part in plans]
        return [
            task | {"manifests": reference}
            for task, reference in split_by_feed(
                plans, days, context=context, lake=lake, feed_batches_max=self.feed_batches_max
            )
        ]
