"""What people are alerted of, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from include.operators.task_info import page_links
from include.ticklake.model.durations import format_duration

AlertKind = Literal["stale", "quarantine", "findings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What a notifier's arguments may show: ``{{ alert.message }}``, ``{{ alert.url }}``."""

    kind: AlertKind
    feed: str
    """The name of the feed; of an audit, the names of all feeds with findings."""
    message: str
    url: str
    """Where to look."""

    @property
    def subject(self) -> str:
        """A line for a title: ``ticklake: binance_trades is stale``."""
        what = {"stale": "is stale", "quarantine": "has records in quarantine"}
        return f"ticklake: {self.feed} {what.get(self.kind, 'has findings')}"


def stale(feed: str, dag_run: Mapping[str, Any], *, fresh_within: timedelta) -> Alert:
    """The data of a scheduled run were not published in time; *dag_run* as the REST API has it."""
    start, end = dag_run["data_interval_start"], dag_run["data_interval_end"]
    due = datetime.fromisoformat(end) + fresh_within
    return Alert(
        kind="stale",
        feed=feed,
        message=f"{feed}: nothing was published for {_range(start, end)} by "
        f"{due:%Y-%m-%d %H:%M} UTC (fresh_within: {format_duration(fresh_within)}); "
        f"the run {dag_run['dag_run_id']} is {dag_run['state']}",
        url=page_links.dag_url(dag_run["dag_id"], dag_run["dag_run_id"]),
    )


def quarantine(extra: Mapping[str, Any]) -> Alert | None:
    """The records of a run that could not be converted, by its event; None if there are none."""
    feed, rows = extra["feed"], extra["quarantined_rows"]
    if not rows:
        return None
    return Alert(
        kind="quarantine",
        feed=feed,
        message=f"{feed}: {rows:,} of {rows + extra['rows']:,} records of "
        f"{_range(extra['start'], extra['end'])} do not fit the feed's fields and are in "
        "quarantine",
        url=page_links.quarantine_url(feed),
    )


def findings(feeds: Iterable[str], lines: Iterable[str]) -> Alert:
    """What an audit found: *lines*, one for each of *feeds*."""
    names = list(feeds)
    return Alert(
        kind="findings",
        feed=", ".join(names),
        message="\n".join(["the audit found problems:", *lines]),
        url=page_links.coverage_url(names[0]) if len(names) == 1 else page_links.dag_url("audit"),
    )


def _range(start: str, end: str) -> str:
    first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
