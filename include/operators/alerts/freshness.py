"""``fresh_within`` of a feed: a deadline alert on the scheduled runs of its DAG."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from include.ticklake.model.durations import format_duration
from include.ticklake.model.window_length import longest

if TYPE_CHECKING:
    from airflow.sdk import DeadlineAlert  # type: ignore[attr-defined]

    from include.ticklake.feed.feed import Feed


def deadline(feed: Feed) -> DeadlineAlert | None:
    """The deadline of each run: the end of its window, and ``fresh_within`` more.

    A scheduled run's logical date is the start of its window. The scheduler looks for deadlines
    that have passed while their run has not succeeded, and the triggerer runs the callback. Of
    months, which differ, it is the longest that counts: that of February comes three days later.
    """
    if feed.fresh_within is None:
        return None
    from airflow.sdk import (  # type: ignore[attr-defined]  # Airflow's own stub leaves them out
        AsyncCallback,
        DeadlineAlert,
        DeadlineReference,
    )

    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=longest(feed.window) + feed.fresh_within,
        callback=AsyncCallback(
            notify_stale,
            kwargs={"feed": feed.name, "fresh_within_s": feed.fresh_within.total_seconds()},
        ),
        name=f"fresh_within: {format_duration(feed.fresh_within)}",
    )


async def notify_stale(*, feed: str, fresh_within_s: float, context: dict[str, Any]) -> str:
    """Called in the triggerer for a deadline that a run has missed; returns what it did.

    A backfill and a run by hand fetch a past for which nobody waits: their deadline has passed
    before they begin, and means nothing.
    """
    from include.operators.alerts import alert, notifier

    run = context["dag_run"]
    if run["run_type"] != "scheduled":
        return f"no alert: the run is {run['run_type']}"
    stale = alert.stale(feed, run, fresh_within=timedelta(seconds=fresh_within_s))
    was_sent = await asyncio.to_thread(notifier.send, stale, context)
    return "sent" if was_sent else "no alert: TICKLAKE_NOTIFIER is not set"
