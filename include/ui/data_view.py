"""A slice's newest records as a table, its prices as a chart, and the lines that read the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import FastAPI, Query
from fastapi.responses import HTMLResponse

from include.ticklake.model import json_path
from include.ticklake.model.times import EPOCH
from include.ticklake.model.window_length import longest
from include.ticklake.publish.snippets import LANGUAGES, RowRange, snippets
from include.ui import lake_access
from include.ui.access import ViewerDep, find_slice, slices_by_text
from include.ui.chosen_feed import choose_feed
from include.ui.data_range import LENGTHS, DataRange, parse_range
from include.ui.newest_records import NewestRecords, UnreadableRecordsError, newest_records
from include.ui.price_columns import price_columns
from include.ui.price_series import read_prices
from include.ui.rendering import render
from include.ui.routes import add_page

if TYPE_CHECKING:
    from include.ticklake.feed.feed import Feed
    from include.ticklake.model.slice import Slice

MAX_SUBJECTS = 500
_CANDLES_SHOWN = 240
_TICKS_SHOWN = timedelta(hours=6)
_SNAPSHOTS_SHOWN = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeLink:
    """A link to another range."""

    text: str
    href: str
    is_current: bool


def add_routes(app: FastAPI) -> None:
    """Serve the page at ``/data``."""
    add_page(app, "/data", data)


def data(
    viewer: ViewerDep,
    feed: str = "",
    slice: str = "",
    start: Annotated[str, Query(alias="from")] = "",
    end: Annotated[str, Query(alias="to")] = "",
    of: str = "",
) -> HTMLResponse:
    """The data of one slice; *of* is the subject of a snapshot's chart: ``bitcoin``."""
    selected, summary = choose_feed(viewer, feed, has_content=lambda stored: stored.last_end_ms)
    if selected is None:
        return render("data.html", viewer, view="data", state="no feed")
    slice_ = find_slice(selected, slice, summary)
    texts = list(slices_by_text(selected, summary))
    if summary is None or summary.last_end_ms is None:
        return render("data.html", viewer, view="data", state="no data", feed=selected,
                      slice_=slice_, slices=texts)  # fmt: skip
    first, newest_end = _instant(summary.first_start_ms), _instant(summary.last_end_ms)
    default = min(_default(selected, slice_), max(newest_end - first, longest(selected.window)))
    shown = parse_range(start, end, newest=newest_end, default=default)
    newest, problem = _newest_records(selected, slice_)
    subjects = _subjects(selected, newest)
    subject = of or next(iter(subjects), None)
    query = {"feed": selected.name, "slice": str(slice_)} | ({"of": of} if of else {})
    storage = lake_access.storage()
    return render(
        "data.html",
        viewer,
        view="data",
        state="data",
        feed=selected,
        slice_=slice_,
        slices=texts,
        shown=shown,
        links=[
            RangeLink(text=text, href=f"data?{urlencode(query | to.query)}", is_current=is_current)
            for text, to, is_current in shown.links()
        ],
        prices=read_prices(selected, slice_, shown, storage=storage, subject=subject),
        subject=subject,
        subjects=subjects,
        newest=newest,
        newest_problem=problem,
        languages=LANGUAGES,
        snippets=_snippets(selected, slice_, shown),
    )


def _instant(at_ms: int | None) -> datetime:
    """The instant *at_ms*; 1970 for one that no calendar has."""
    try:
        return EPOCH + timedelta(milliseconds=at_ms or 0)
    except OverflowError:
        return EPOCH


def _default(feed: Feed, slice_: Slice) -> timedelta:
    """How much is shown at first: some hundred candles, or some hours of ticks."""
    columns = price_columns(feed)
    candles = feed.candles(slice_) if columns and columns.are_candles else None
    if candles:
        least = timedelta(seconds=candles.length_s * _CANDLES_SHOWN)
        return next((length for length in LENGTHS.values() if length >= least), least)
    return _SNAPSHOTS_SHOWN if feed.snapshot else _TICKS_SHOWN


def _newest_records(feed: Feed, slice_: Slice) -> tuple[NewestRecords | None, str | None]:
    """The records, and why there are none that can be shown."""
    try:
        return newest_records(feed, slice_, storage=lake_access.storage()), None
    except UnreadableRecordsError as error:
        return None, str(error)


def _subjects(feed: Feed, newest: NewestRecords | None) -> list[str]:
    """What a snapshot's records are about, such as coins: those of the newest records."""
    columns = price_columns(feed)
    if newest is None or columns is None or columns.subject is None:
        return []
    path = feed.fields[columns.subject].source.split(".")
    values = (_at(record, path) for record in reversed(newest.records))
    return list(dict.fromkeys(value for value in values if isinstance(value, str)))[:MAX_SUBJECTS]


def _at(record: Any, path: list[str]) -> Any:  # noqa: ANN401 - what a source may send
    for name in path:
        record = json_path.step(record, name)
    return record


def _snippets(feed: Feed, slice_: Slice, shown: DataRange) -> dict[str, str]:
    rows = RowRange(feed, slice_, shown.start, shown.end)
    return snippets(rows, root_uri=lake_access.storage().root_uri)
