"""What a rebuild works on, in batches."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.access.lake import open_lake
from include.operators.dag_support.interval import look_back
from include.operators.feed_plan import FeedPlan, PlannedUnits, plan_feeds, split_by_feed
from include.ticklake.feed.feed import Feed
from include.ticklake.model.times import EPOCH

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.ticklake.lake.storage import Storage
    from include.ticklake.model.window_length import WindowLength

QUARANTINED = "quarantined"
"""The field of the form that selects windows with quarantined records only."""


class PlanRebuildOperator(BaseOperator):
    """Split the windows to rebuild, of every selected feed, into batches.

    Without a ``start`` these are each feed's last complete window; where only quarantined ones are
    selected, all of them.
    """

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Batches: a feed, its runner, and a reference to units."""
        params, run_after = context["params"], context["dag_run"].run_after

        only_quarantined = bool(params.get(QUARANTINED))

        def range_of(feed: Feed) -> tuple[datetime, datetime] | None:
            default: WindowLength = run_after - EPOCH if only_quarantined else feed.window
            return look_back(params, run_after=run_after, window=feed.window, default=default)

        lake = open_lake()
        plans = plan_feeds(context, storage=lake.storage, range_of=range_of)
        return [
            task | {"units": reference}
            for task, reference in split_by_feed(
                plans,
                [self._units(part, lake.storage, only_quarantined) for part in plans],
                context=context,
                lake=lake,
            )
        ]

    def _units(self, part: FeedPlan, storage: Storage, only_quarantined: bool) -> PlannedUnits:
        from include.ticklake.maintain.quarantined_units import quarantined_units

        if not only_quarantined:
            return PlannedUnits.of_range(part)
        found = list(
            quarantined_units(
                part.feed, storage=storage, start=part.start, end=part.end, slices=part.slices
            )
        )
        return PlannedUnits(found, len(found))
