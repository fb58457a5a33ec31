"""What a rebuild works on, in batches."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.access.lake import open_lake
from include.operators.dag_support.interval import look_back
from include.operators.feed_plan import plan_feeds, split_by_feed
from include.operators.plan import MAX_UNITS
from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.model.times import EPOCH
from include.ticklake.model.unit import Unit

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.ticklake.model.window_length import WindowLength

QUARANTINED = "quarantined"
"""The field of the form that selects windows with quarantined records only."""


class PlanRebuildOperator(BaseOperator):
    """Split the windows to rebuild, of every selected feed, into batches.

    Without a ``start`` these are each feed's last complete window; where only quarantined ones are
    selected, all of them.
    """

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Batches: a feed, its runner, and units as JSON."""
        from include.ticklake.feed import plan
        from include.ticklake.maintain.quarantined_units import quarantined_units

        params, run_after = context["params"], context["dag_run"].run_after

        only_quarantined = bool(params.get(QUARANTINED))

        def range_of(feed: Feed) -> tuple[datetime, datetime] | None:
            default: WindowLength = run_after - EPOCH if only_quarantined else feed.window
            return look_back(params, run_after=run_after, window=feed.window, default=default)

        lake = open_lake()
        plans = plan_feeds(context, storage=lake.storage, range_of=range_of)
        units: list[list[Unit]] = []
        left = MAX_UNITS
        for part in plans:
            of_feed = (
                quarantined_units(
                    part.feed,
                    storage=lake.storage,
                    start=part.start,
                    end=part.end,
                    slices=part.slices,
                )
                if only_quarantined
                else plan.plan_units(part.feed, start=part.start, end=part.end, slices=part.slices)
            )
            units.append(list(islice(of_feed, left + 1)))
            left -= len(units[-1])
            if left < 0:
                raise UsageError(
                    f"the range has more than {MAX_UNITS:,} windows of slices, too many for one "
                    "run; choose a shorter range, fewer `feeds` or fewer `slices`"
                )
        return [
            task | {"units": [unit.to_xcom() for unit in batch]}
            for task, batch in split_by_feed(plans, units, settings=lake.settings)
        ]
