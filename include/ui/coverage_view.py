"""A slice's windows as a calendar: a year by days, a month by hours, a day window by window."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import HTMLResponse

from include.ticklake.feed.feed import Feed
from include.ticklake.lake.summary import FeedSummary
from include.ticklake.model.slice import Slice
from include.ui import lake_access, runs
from include.ui.access import Viewer, ViewerDep, find_slice, slices_by_text
from include.ui.cell_states import BY_CODE, STATES, counts
from include.ui.coverage import (
    DAY_MS,
    HOUR_MS,
    CoverageYear,
    coverage_year,
    day_ms,
    month_range,
)
from include.ui.coverage_charts import Addresses, day_chart, month_chart, year_chart
from include.ui.rendering import render
from include.ui.routes import add_page
from include.ui.run_ranges import running_ranges

MAX_RANGES = 100
"""Rows of the table of windows that are not complete."""
_NOT_COMPLETE = "rmgqsux"


def add_routes(app: FastAPI) -> None:
    """Serve the view."""
    add_page(app, "/coverage", coverage)


def coverage(
    viewer: ViewerDep,
    feed: str = "",
    slice: str = "",
    year: Annotated[int | None, Query(ge=1971, le=9998)] = None,
    month: Annotated[int | None, Query(ge=1, le=12)] = None,
    day: Annotated[int | None, Query(ge=1, le=31)] = None,
) -> HTMLResponse:
    """The view of one slice; without *feed*, of the first feed that the viewer may see."""
    if not feed and not viewer.feeds:
        return render("coverage.html", viewer, view="coverage", summary=None)
    selected = viewer.feed(feed or viewer.feed_names[0])
    summary = lake_access.summary(selected.name)
    slice_ = find_slice(selected, slice, summary)
    values: dict[str, Any] = {}
    if summary is not None:
        at = _shown_date(summary, year, month, day)
        windows = _windows(viewer, selected, slice_, summary, at.year)
        is_day = day is not None and windows.window_ms < HOUR_MS
        values = _shown(windows, at, Addresses(selected, slice_), is_day=is_day)
    return render(
        "coverage.html",
        viewer,
        view="coverage",
        feed=selected,
        slice_=slice_,
        slices=sorted(slices_by_text(selected, summary)),
        summary=summary,
        **values,
    )


def _shown_date(summary: FeedSummary, year: int | None, month: int | None, day: int | None) -> date:
    """What was asked for; else the newest of the feed's windows."""
    newest_ms = (summary.last_end_ms or summary.updated_at_ms or 1) - 1
    newest = datetime.fromtimestamp(newest_ms / 1000, UTC).date()
    if year is None:
        return newest if month is None else newest.replace(day=1, month=month)
    newest_month = newest.month if year == newest.year else 12
    first = date(year, month or newest_month, 1)
    try:
        return first.replace(day=day or 1)
    except ValueError:  # no such day in the month
        return first


def _windows(
    viewer: Viewer, feed: Feed, slice_: Slice, summary: FeedSummary, year: int
) -> CoverageYear:
    now = datetime.now(UTC)
    active = runs.active_runs(feed.name, session=viewer.session)
    return coverage_year(
        year,
        lake_access.slice_year(feed.name, slice_, year),
        summary,
        running=running_ranges(active, slice_, window=feed.window),
        now_ms=int(now.timestamp() * 1000),
    )


def _shown(windows: CoverageYear, at: date, address: Addresses, *, is_day: bool) -> dict[str, Any]:
    start_ms, end_ms = month_range(at.year, at.month)
    if is_day:
        start_ms, end_ms = day_ms(at), day_ms(at) + DAY_MS
    ranges = list(windows.ranges(start_ms, end_ms, codes=_NOT_COMPLETE))
    shown = ranges[:MAX_RANGES]
    return {
        "at": at,
        "is_day": is_day,
        "address": address,
        "states": STATES,
        "year_counts": dict(counts(windows.codes)),
        "year_chart": year_chart(windows, address),
        "chart": day_chart(windows, address, start_ms)
        if is_day
        else month_chart(windows, address, start_ms, end_ms),
        "ranges": [(each, BY_CODE[each.code], address.unit(each.start_ms)) for each in shown],
        "more_ranges": len(ranges) - len(shown),
    }
