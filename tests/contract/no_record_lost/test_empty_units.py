"""A unit whose every record lies outside the window is an error; an empty run is a warning."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from include.ticklake.convert.convert import convert
from include.ticklake.errors import OutsideWindowError
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.maintain import audit
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from tests.support import sql_feeds
from tests.support.cli_process import environment, run
from tests.support.feed_texts import feed
from tests.support.lake_factory import BUDGET, DAY, stage
from tests.support.paging import END, START
from tests.support.rows_feed import rows_feed
from tests.support.servers.http import HttpServer, Reply
from tests.support.small_source import KEYED, Row, rows_of

HOUR_MS = 3_600_000
FORWARD = {"kind": "time_forward", "start_param": "from", "page_rows": 500}
BACKWARD = {"kind": "time_backward", "end_param": "to", "page_rows": 500}
SEARCH = {"kind": "id_search", "param": "from_id", "field": "id", "direction": "forward",
          "page_rows": 5}  # fmt: skip
NEWEST = {"kind": "newest_only", "page_rows": 500}
EARLIER, LATER = START - 9 * HOUR_MS, END + 9 * HOUR_MS


def records(first_ms: int, *, rows: int = 200) -> list[Row]:
    """One a second."""
    return [{"id": n + 1, "t": first_ms + n * 1_000} for n in range(rows)]


def described(paging: dict[str, Any], **changes: Any) -> Feed:
    return feed(source={"paging": paging}, fields=KEYED, **changes)


def serve(server: HttpServer, rows: list[Row], *, newest_first: bool = False) -> None:
    """Records by id and by time, as they are asked for; other parameters are ignored."""

    def answer(request) -> Reply:
        asked = {name: int(value) for name, value in request.params.items()}
        first_id = asked.get("from_id", rows[-1]["id"] if "limit" in asked else 0)
        found = [
            row
            for row in rows
            if asked.get("from", 0) <= row["t"] <= asked.get("to", 10**15) and row["id"] >= first_id
        ][: asked.get("limit", 500)]
        return Reply(body=json.dumps(found[::-1] if newest_first else found).encode())

    server.answer_by("/rows", answer)


def serve_always(server: HttpServer, rows: list[Row]) -> None:
    """Whatever is asked for, but a second page."""
    empty = Reply(body=b"[]")
    page = Reply(body=json.dumps(rows).encode())
    server.answer_by("/rows", lambda request: empty if request.params.get("page") == "2" else page)


@pytest.mark.parametrize(
    "paging", [{"kind": "single"}, {"kind": "page", "page_rows": 500}, FORWARD, BACKWARD],
    ids=lambda paging: paging["kind"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("first_ms", "times"),
    [
        pytest.param(EARLIER, "2026-11-21T20:00:00Z to 2026-11-21T20:03:19Z", id="frozen"),
        pytest.param(LATER, "2026-11-22T15:00:00Z to 2026-11-22T15:03:19Z", id="the newest"),
    ],
)
def test_a_unit_whose_every_record_lies_outside_the_window_is_an_error(
    http_server, storage, paging, first_ms, times
):
    """It shows the first and the last time received and what was asked for."""
    serve_always(http_server, records(first_ms))
    with pytest.raises(OutsideWindowError) as raised:
        rows_of(described(paging), http_server, storage)
    assert str(raised.value) == (
        "feed small, slice all: all 200 records lie outside the window: they are of "
        f"{times}, and 2026-11-22T05:00:00Z to 2026-11-22T06:00:00Z was requested; check the "
        "parameters of source.params and source.paging that hold the window, or set "
        "may_be_outside: true if the source returns other records where a window has none"
    )
    assert list(storage.list("")) == []


def test_a_feed_may_declare_it_normal(http_server, storage):
    """A source that answers an hour without records with those after it."""
    serve(http_server, records(LATER))
    with pytest.raises(OutsideWindowError):
        rows_of(described(FORWARD), http_server, storage)
    assert rows_of(described(FORWARD, may_be_outside=True), http_server, storage) == []


EMPTY = [
    pytest.param({"kind": "single"}, [EARLIER, LATER], False, id="records on both sides"),
    pytest.param({"kind": "single"}, [END], False, id="a range that includes its end"),
    pytest.param({"kind": "single"}, [], False, id="no records"),
    pytest.param(BACKWARD, [EARLIER], True, id="backward from the window's end"),
    pytest.param(NEWEST, [EARLIER], False, id="the newest are older"),
    pytest.param(SEARCH, [EARLIER, LATER], False, id="a search between both sides"),
    pytest.param(SEARCH, [EARLIER], False, id="a search after all records"),
    pytest.param(SEARCH, [LATER], False, id="a search before all records"),
]


@pytest.mark.parametrize(("paging", "firsts_ms", "newest_first"), EMPTY)
def test_a_window_that_is_proven_empty_is_normal(
    http_server, storage, paging, firsts_ms, newest_first
):
    """By what the source returned, or by how it was paged."""
    rows = [row for first_ms in firsts_ms for row in records(first_ms, rows=7)]
    rows = [row | {"id": n + 1} for n, row in enumerate(rows)]
    if firsts_ms == [END]:
        rows = rows[:1]
    serve(http_server, rows, newest_first=newest_first)
    assert rows_of(described(paging), http_server, storage) == []
    assert len(list(storage.list("manifests"))) == 1


def test_records_before_the_window_oldest_first_prove_nothing(http_server, storage):
    """A source that ignores the end may begin with its first records of all."""
    serve_always(http_server, records(EARLIER))
    with pytest.raises(OutsideWindowError):
        rows_of(described(BACKWARD), http_server, storage)


def test_a_query_whose_every_row_lies_outside_the_window_is_an_error(tmp_path):
    """Whatever the source is: this one forgets to ask for the window."""
    url = f"sqlite:///{tmp_path}/shop.db"
    described = sql_feeds.feed("SELECT id, at FROM events WHERE :start < :end ORDER BY at, id")
    columns, row = "id INTEGER, at TEXT", (1, "2026-11-21T05:00:00Z")
    with (
        sql_feeds.events_table(url, columns, [row]),
        pytest.raises(OutsideWindowError, match="all 1 records lie outside the window"),
    ):
        sql_feeds.run(described, url, tmp_path / "lake")


def test_a_run_whose_every_unit_is_empty_is_a_warning_in_the_log(http_server, tmp_path):
    """Of the command line; it says where to look. Its exit code is 0."""
    http_server.answer("/rows", b"[]")
    command = ["extract", "rows", "--start", "2026-11-22T04:00", "--end", "2026-11-22T06:00"]
    ended = run(*command, "--root", f"file://{tmp_path}/lake", "--base-url", http_server.url,
                env=environment(**rows_feed(tmp_path)))  # fmt: skip
    assert ended.exit_code == 0
    assert (
        "extract.empty feed rows: every unit is empty, 2 in all; if the source has records from "
        "2026-11-22T04:00:00+00:00 to 2026-11-22T06:00:00+00:00, check the feed's source"
    ) in ended.err


def test_a_run_with_one_record_is_no_warning(http_server, tmp_path):
    """One of its units is enough."""
    http_server.answer("/rows", json.dumps([{"id": 1, "t": START}]).encode())
    command = ["extract", "rows", "--start", "2026-11-22T05:00", "--end", "2026-11-22T06:00"]
    ended = run(*command, "--root", f"file://{tmp_path}/lake", "--base-url", http_server.url,
                env=environment(**rows_feed(tmp_path)))  # fmt: skip
    assert ended.exit_code == 0
    assert "extract.empty" not in ended.err


@pytest.mark.parametrize("full", [None, ("A", 5), ("B", 7)], ids=str)
def test_a_day_of_which_every_unit_is_empty_is_a_warning_of_audit(storage, full):
    """Of all slices of the feed."""
    described = feed(slices={"symbol": ["A", "B"]}, fields=KEYED)
    units = list(plan.plan_units(described, start=DAY.start, end=DAY.end))
    for unit in units:
        where = unit.slice.as_dict()["symbol"], unit.window.start.hour
        lines = [f'{{"id":1,"t":{unit.window.start_ms}}}'] if where == full else []
        made = stage(storage, lines, window=unit.window, slice_=unit.slice, feed=described)
        convert(made.key, feed=described, storage=storage, budget=BUDGET)
    found = list(audit.audit(described, units, storage=storage, budget=BUDGET))
    expected = [("empty_day", "all", DAY.name)] if full is None else []
    assert [(each.kind, each.slice, each.window) for each in found] == expected
    assert {each.kind for each in found} <= audit.WARNINGS


@pytest.mark.parametrize(
    ("changes", "is_expected"),
    [
        pytest.param({}, True, id="events"),
        pytest.param({"candle": "1d", "candle_opens": "00:00"}, True, id="a candle"),
        pytest.param({"candle": "1w", "candle_opens": "monday"}, False, id="none opens on Sunday"),
        pytest.param({"candle": "1d", "candle_opens": "16:00"}, False, id="it is not over yet"),
        pytest.param({"candle": "1d"}, False, id="it may not be over yet"),
    ],
)
def test_an_empty_run_is_normal_where_no_record_was_to_be_expected(changes, is_expected):
    """Of Sunday, 22 November, at five past midnight."""
    described = feed(window="1d", **changes)
    now = DAY.end + timedelta(minutes=5)
    message = plan.empty_run_message(described, [Unit(Slice(), DAY)], now=now)
    assert (message is not None) is is_expected
