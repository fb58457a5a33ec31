"""What an audit reads, in batches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.access.lake import open_lake
from include.operators.dag_support.interval import look_back
from include.operators.feed_plan import plan_feeds, share_batches
from include.ticklake.feed.feed import Feed
from include.ticklake.model.window_length import longest

if TYPE_CHECKING:
    from airflow.sdk import Context

_DAY = timedelta(days=1)


class PlanAuditOperator(BaseOperator):
    """Split the slices to audit, of every selected feed, into batches.

    :param look_back_days: how many complete days a run without a ``start`` reads
    :param feed_batches_max: how many mapped tasks one feed may have at most
    """

    def __init__(
        self, *, look_back_days: int = 2, feed_batches_max: int = 20, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.look_back_days = look_back_days
        self.feed_batches_max = feed_batches_max

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Batches: a feed, slices as the form writes them, and the range of time."""
        params, run_after = context["params"], context["dag_run"].run_after

        def range_of(feed: Feed) -> tuple[datetime, datetime] | None:
            length = longest(feed.window)
            return look_back(
                params,
                run_after=run_after,
                window=_DAY if not params.get("start") and length < _DAY else feed.window,
                default=max(length, self.look_back_days * _DAY),
            )

        lake = open_lake()
        plans = plan_feeds(context, storage=lake.storage, range_of=range_of)
        shares = share_batches(
            {part.feed.name: len(part.slices) for part in plans},
            batches_max=lake.settings.batches_max,
            feed_batches_max=self.feed_batches_max,
        )
        return [
            {
                "feed": part.feed.name,
                "slices": [str(slice_) for slice_ in part.slices[number::count]],
                "scope": {
                    "start": part.start.isoformat(),
                    "end": part.end.isoformat(),
                    # Windows before a slice's first one were never meant to be fetched.
                    "since_first": not params.get("start"),
                },
            }
            for part in plans
            for count in (shares[part.feed.name],)
            for number in range(count)
        ]
