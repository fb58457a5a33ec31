"""Deletes expired data, or lists it: a dry run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators import run_plans
from include.operators.access.lake import open_lake
from include.operators.dag_support.interval import look_back
from include.operators.feed_plan import FeedPlan, plan_feeds
from include.ticklake.feed.feed import Feed

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.ticklake.lake.storage import Storage
    from include.ticklake.maintain.expired import Expired, ExpiredTotal

log = logging.getLogger(__name__)

_DAY = timedelta(days=1)


class PlanRetentionOperator(BaseOperator):
    """Name the selected feeds, each with its range and slices."""

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """One mapped task for each feed."""
        params, run_after = context["params"], context["dag_run"].run_after

        def range_of(_: Feed) -> tuple[datetime, datetime] | None:
            return look_back(params, run_after=run_after, window=_DAY, default=_DAY)

        plans = plan_feeds(context, storage=open_lake().storage, range_of=range_of)
        return [
            {
                "feed": part.feed.name,
                "days": _whole_days(part) if params.get("start") else None,
                "slices": [slice_.path for slice_ in part.slices] if params.get("slices") else None,
            }
            for part in plans
        ]


class RetentionOperator(BaseOperator):
    """Delete what has expired at the time of the run, in whole UTC days, or only list it.

    A scheduled run deletes JSON and Parquet if the feed's file says so, and what readers never see
    in any case: also the plans of runs that have ended, a month after they were written. Any other
    run deletes if the param ``delete`` is on.

    :param feed: name of the feed
    :param days: start and end (exclusive) of the range; None for all, however old
    :param slices: paths of the slices; None for all, also those that the feed no longer lists
    """

    template_fields = ("feed", "days", "slices")

    def __init__(
        self, *, feed: str, days: list[str] | None, slices: list[str] | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.days = days
        self.slices = slices

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Windows, objects and bytes, for JSON, Parquet and the rest apart."""
        from include.ticklake.cli.table import format_table
        from include.ticklake.feed import loader
        from include.ticklake.maintain import expire
        from include.ticklake.maintain.expired import HEADINGS, NUMBER_COLUMNS
        from include.ticklake.publish import summary

        storage, feed = open_lake().storage, loader.load(self.feed)
        run = context["dag_run"]
        is_scheduled = run.run_type == "scheduled"
        by_file = feed.retention is not None and feed.retention.delete
        delete = by_file if is_scheduled else bool(context["params"]["delete"])
        now = run.run_after
        expired = self._selected(expire.find_expired(feed, now=now, storage=storage))
        if delete or is_scheduled:
            areas = None if delete else expire.HOUSEKEEPING
            expired = expire.delete(feed, expired, now=now, storage=storage, areas=areas)
            expired = summary.follow(feed, expired, storage=storage)
        totals = expire.totals(feed, expired, now=now)
        totals += self._plans(context, is_dry_run=not (delete or is_scheduled), storage=storage)
        rows = [HEADINGS, *(total.cells() for total in totals)]
        log.info("%s", "\n".join(format_table(rows, numbers=NUMBER_COLUMNS)))
        log.info("retention.%s feed=%s", "deleted" if delete else "dry_run", feed.name)
        return [asdict(total) | {"before": total.before.isoformat()} for total in totals]

    def _plans(self, context: Context, *, is_dry_run: bool, storage: Storage) -> list[ExpiredTotal]:
        """Delete the plans of old runs, unless a range or slices are chosen; their sum, if any."""
        from include.ticklake.lake import run_plan
        from include.ticklake.maintain.expired import ExpiredTotal

        if self.days is not None or self.slices is not None:
            return []
        now = context["dag_run"].run_after
        found = run_plans.find_old(self.feed, now=now, context=context, storage=storage)
        if not is_dry_run:
            for key in found:
                storage.delete(key)
        total = ExpiredTotal(
            feed=self.feed,
            area="plans",
            before=(now - run_plan.KEPT).date(),
            windows=0,
            objects=len(found),
            bytes=sum(found.values()),
        )
        return [total] if found else []

    def _selected(self, expired: Iterable[Expired]) -> Iterator[Expired]:
        first, last = self.days or ("", "9999")
        is_limited = self.days is not None or self.slices is not None
        for item in expired:
            slice_day = item.slice_day
            if slice_day is None:
                if not is_limited:
                    yield item
                continue
            in_range = first <= slice_day.date.isoformat() < last
            if in_range and (self.slices is None or slice_day.slice.path in self.slices):
                yield item


def _whole_days(plan: FeedPlan) -> list[str]:
    """The first day that the range has from its midnight on, and the one after its last."""
    first = plan.start + _DAY - timedelta.resolution
    return [first.date().isoformat(), plan.end.date().isoformat()]
