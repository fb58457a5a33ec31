"""How each feed of a maintenance run fared: one feed's failure stops no other, and is named."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from include.operators.dag_support.retries import NOT_RETRYABLE
from include.operators.feed_plan import INVALID_FEEDS
from include.ticklake.errors import TicklakeError

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

PLAN = "plan"
"""Task id of every plan; the mapped tasks after it have its batches' indexes."""

FAILED_FEEDS = "failed_feeds"
"""XCom of a task that works on feed after feed: by name, why one of them failed."""

_FAILURES = ("failed", "upstream_failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOutcomes:
    """The batches of a run, once all of them have ended."""

    batches: list[dict[str, Any]]
    """As planned, each with its ``feed``."""
    failures: dict[str, str]
    """By the name of a feed, what failed of it."""

    @property
    def succeeded(self) -> list[str]:
        """The feeds of which every batch succeeded."""
        feeds = dict.fromkeys(batch["feed"] for batch in self.batches)
        return [feed for feed in feeds if feed not in self.failures]

    def indexes(self, feed: str) -> list[int]:
        """The map indexes of *feed*."""
        return [n for n, batch in enumerate(self.batches) if batch["feed"] == feed]


def read_outcomes(context: Context) -> FeedOutcomes:
    """What became of the batches of this run; fails where there is no plan."""
    ti = context["ti"]
    batches = ti.xcom_pull(task_ids=PLAN, map_indexes=-1)
    if batches is None:
        raise AirflowFailException(f"nothing was planned: see the log of `{PLAN}`")
    failures = dict(ti.xcom_pull(task_ids=PLAN, key=INVALID_FEEDS, map_indexes=-1) or {})
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
    failed: dict[int, list[str]] = {}
    for key, state in states.items():
        task_id, _, index = key.rpartition("_")
        if state in _FAILURES and index.isdigit() and int(index) < len(batches):
            logs = failed.setdefault(int(index), [])
            logs += [f"`{task_id}` [{index}]"] if state == "failed" else []
    totals = Counter(batch["feed"] for batch in batches)
    for feed in {batches[index]["feed"]: None for index in sorted(failed)}:
        of_feed = [logs for index, logs in failed.items() if batches[index]["feed"] == feed]
        names = ", ".join(sorted(log for logs in of_feed for log in logs))
        failures[feed] = f"{len(of_feed)} of {totals[feed]} batches failed, see the log of {names}"
    return FeedOutcomes(batches=batches, failures=failures)


def for_each_feed(
    context: Context, feeds: Iterable[str], action: Callable[[str], Any]
) -> dict[str, Any]:
    """What *action* returned for each feed; those that failed go to the XCom ``FAILED_FEEDS``.

    While the task has tries left, an error that a retry may cure is raised instead.
    """
    results: dict[str, Any] = {}
    failures: dict[str, str] = {}
    retryable: Exception | None = None
    for feed in feeds:
        try:
            results[feed] = action(feed)
        except Exception as error:
            log.exception("feed.failed feed=%s", feed)
            # Of other errors nobody knows what their texts hold.
            text = str(error) if isinstance(error, TicklakeError) else type(error).__name__
            failures[feed] = f"`{context['ti'].task_id}` failed: {text}"
            if not isinstance(error, NOT_RETRYABLE):
                retryable = error
    if retryable and context["ti"].try_number <= context["ti"].max_tries:
        raise retryable
    context["ti"].xcom_push(key=FAILED_FEEDS, value=failures)
    return results


class CheckFeedsOperator(BaseOperator):
    """Fail the run if a feed failed, naming every one.

    :param after: task ids that worked on feed after feed
    """

    def __init__(self, *, after: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(trigger_rule="all_done", **kwargs)
        self.after = tuple(after)

    def execute(self, context: Context) -> None:
        """Fails with one line for each feed that failed."""
        outcomes = read_outcomes(context)
        failures = dict(outcomes.failures)
        for task_id in self.after:
            failed = context["ti"].xcom_pull(task_ids=task_id, key=FAILED_FEEDS, map_indexes=-1)
            failures |= {task_id: f"see the log of `{task_id}`"} if failed is None else failed
        if failures:
            lines = (f"{feed}: {reason}" for feed, reason in sorted(failures.items()))
            raise AirflowFailException(
                "some feeds failed, all others are done:\n" + "\n".join(lines)
            )
        log.info("feeds.done feeds=%s", ",".join(outcomes.succeeded) or "none")
