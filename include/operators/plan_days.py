"""A run's params in, batches of the days to compact out."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.dag_support import trigger_form
from include.operators.dag_support.interval import interval
from include.operators.settings import OperatorSettings

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


class PlanDaysOperator(BaseOperator):
    """Name the days of a run by the manifests that compacting them writes, in batches.

    Without a ``start`` these are the last *look_back_days* whole days: one that was not
    whole yet, or had a window fetched again, has its turn in a later run. Days that are
    done cost one look each.

    :param feed: name of the feed
    :param look_back_days: how many days a scheduled run looks at
    :param batches_max: how many mapped tasks a run may have at most
    """

    def __init__(
        self, *, feed: str, look_back_days: int = 3, batches_max: int = 50, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.look_back_days = look_back_days
        self.batches_max = batches_max

    def execute(self, context: Context) -> list[list[str]]:
        """Batches of URIs."""
        from include.ticklake.feed import loader, plan
        from include.ticklake.lake import layout

        feed = loader.load(self.feed)
        params = context["params"]
        run_after = context["dag_run"].run_after
        start, end = interval(params, data_interval=None, run_after=run_after, window=layout.DAY)
        if not params.get("start"):
            start = end - timedelta(days=self.look_back_days)
        slices = trigger_form.selected_slices(feed, params.get("slices"))
        whole_days = feed.model_copy(update={"window": layout.DAY})
        works = plan.plan_units(whole_days, start=start, end=end, slices=slices)
        root_uri = OperatorSettings.from_env(os.environ).root_uri
        batches = [
            [
                layout.uri(root_uri, layout.day_manifest_key(feed.name, one.slice, one.window))
                for one in some
            ]
            for some in plan.batches(works, batches_max=self.batches_max)
        ]
        log.info("days.planned feed=%s days=%d", feed.name, sum(map(len, batches)))
        return batches
