"""The first page: every feed, how far it is, and what to click where there is nothing yet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from include.ticklake.feed.feed import Feed
from include.ticklake.lake.summary import FeedSummary, LastAudit
from include.ui import lake_access, runs
from include.ui.access import Viewer, ViewerDep, dag_id_of
from include.ui.rendering import render
from include.ui.routes import add_page
from include.ui.run_ranges import FeedRun

_LATE_WINDOWS = 3
"""A feed is late where so many of its windows are over and not fetched."""


class FeedRow(NamedTuple):
    """What the page says of one feed."""

    feed: Feed
    dag_id: str
    is_known: bool
    """Whether Airflow has read the DAG."""
    is_paused: bool
    asset_id: int | None
    run: FeedRun | None
    """The newest of Airflow's."""
    summary: FeedSummary | None
    lag_ms: int

    @property
    def is_late(self) -> bool:
        """Whether several windows are over and not fetched."""
        return self.summary is not None and self.lag_ms > _LATE_WINDOWS * self.summary.window_ms

    @property
    def audit(self) -> LastAudit | None:
        """The last one that there is a report of."""
        return self.summary.audit if self.summary else None

    @property
    def rows_per_hour(self) -> float:
        """Rows of the last run, as many as fall on an hour."""
        totals = self.summary and self.summary.totals
        return round(self.summary.an_hour(totals.rows)) if self.summary and totals else 0

    @property
    def bytes_per_hour(self) -> tuple[int, int]:
        """JSON and Parquet of the last run, as much as falls on an hour."""
        if self.summary is None or self.summary.totals is None:
            return 0, 0
        totals, an_hour = self.summary.totals, self.summary.an_hour
        return round(an_hour(totals.json_bytes)), round(an_hour(totals.parquet_bytes))


def add_routes(app: FastAPI) -> None:
    """Serve the page at the root."""
    add_page(app, "/", feeds)


def feeds(viewer: ViewerDep) -> HTMLResponse:
    """All feeds that the viewer may see."""
    rows = _rows(viewer)
    with_data = [row for row in rows if row.summary and row.summary.last_end_ms is not None]
    return render(
        "feeds.html",
        viewer,
        view="feeds",
        rows=with_data,
        others=[row for row in rows if row not in with_data and row.feed.into is None],
        histories=[row for row in rows if row.feed.into],
        errors=viewer.feed_errors,
    )


def _rows(viewer: Viewer) -> list[FeedRow]:
    names = viewer.feed_names
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    summaries = lake_access.summaries(names)
    facts = viewer.dags(map(dag_id_of, names))
    newest = runs.newest_runs(names, session=viewer.session)
    assets = runs.asset_ids(names, session=viewer.session)
    return [
        FeedRow(
            feed=feed,
            dag_id=dag_id_of(name),
            is_known=dag_id_of(name) in facts,
            is_paused=dag_id_of(name) in facts and facts[dag_id_of(name)].is_paused,
            asset_id=assets.get(name),
            run=newest.get(name),
            summary=(summary := summaries[name]),
            lag_ms=now_ms - summary.last_end_ms if summary and summary.last_end_ms else 0,
        )
        for name, feed in viewer.feeds.items()
    ]
