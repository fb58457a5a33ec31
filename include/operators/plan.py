"""A run's params and interval in, batches of work out: the only task that decides anything."""

from __future__ import annotations

import logging
import os
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.dag_support import trigger_form
from include.operators.dag_support.interval import interval
from include.operators.settings import OperatorSettings
from include.ticklake.errors import UsageError

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

WORKS_MAX = 100_000
"""A run's plan is one XCom, which every mapped task reads: 10 MB of it at this size."""


class PlanOperator(BaseOperator):
    """Cut a run into batches; the XCom ``scope`` says what they cover together.

    Wrong params fail here, at once and without retries, before anything is fetched.

    :param feed: name of the feed
    """

    def __init__(self, *, feed: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed

    def execute(self, context: Context) -> list[list[dict[str, object]]]:
        """Batches of works, as JSON."""
        from include.ticklake.feed import loader, plan

        feed = loader.load(self.feed)
        params = context["params"]
        start, end = interval(
            params,
            data_interval=_own_interval(context),
            run_after=context["dag_run"].run_after,
            window=feed.window,
        )
        slices = trigger_form.selected_slices(feed, params.get("slices"))
        works = list(
            islice(plan.plan_units(feed, start=start, end=end, slices=slices), WORKS_MAX + 1)
        )
        if len(works) > WORKS_MAX:
            raise UsageError(
                f"from {start.isoformat()} to {end.isoformat()} there are more than {WORKS_MAX:,} "
                "windows of slices, too many for one run: give a shorter range or fewer "
                "`slices`, or use Airflow's backfill, which makes a run for each window"
            )
        if not works:
            raise UsageError(f"{feed.name} has no slices: list some in its file, under `slices`")
        scope = {
            "start": min(work.window.start for work in works).isoformat(),
            "end": max(work.window.end for work in works).isoformat(),
            "windows": len({work.window for work in works}),
            "slices": len({work.slice for work in works}),
        }
        log.info("plan.done feed=%s works=%d scope=%s", feed.name, len(works), scope)
        context["ti"].xcom_push(key="scope", value=scope)
        batches_max = OperatorSettings.from_env(os.environ).batches_max
        batches = plan.batches(works, batches_max=batches_max)
        return [[work.as_dict() for work in batch] for batch in batches]


def _own_interval(context: Context) -> tuple[Any, Any] | None:
    # None without a logical date or a schedule: there the interval is missing or empty.
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    return (start, end) if start and end and start < end else None
