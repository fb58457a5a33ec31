"""Which records a window gets, from the pages of a source to the manifest that counts them."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.ticklake.errors import (
    TimeUnitError,
)
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import manifest
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from tests.support.feed_texts import feed
from tests.support.servers.http import HttpServer, Reply
from tests.support.trades_api import (
    WINDOW,
    TradesApi,
    extract_trades,
    staged_records,
    trade,
    trades,
    trades_feed,
)


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


@settings(max_examples=12)
@given(
    before=st.integers(0, 15), inside=st.integers(0, 25), after=st.integers(0, 15),
    page_rows=st.integers(2, 12), part_bytes=st.integers(1, 1_500),
)  # fmt: skip
def test_every_record_is_accounted_for(
    tmp_path_factory, before, inside, after, page_rows, part_bytes
):
    """Every record received is accounted for: staged, outside the window, filtered, duplicate
    or quarantined.

    Staged and outside of the window are what was received, whatever the sizes.
    """
    storage = Storage.open(f"file://{tmp_path_factory.mktemp('lake')}", {})
    with HttpServer() as server:
        rows = trades(inside, before=before, after=after)
        api = TradesApi(server, rows)
        of = trades_feed(page_rows=page_rows, part_bytes=part_bytes)
        committed = extract_trades(storage, server, of=of)
        staged = committed.json
        assert staged.pages == len(server.asked)
    expected = rows[before : before + inside]
    assert staged_records(storage, committed) == expected
    assert staged.received_rows == staged.rows + staged.out_of_window_rows
    assert staged.rows == inside
    assert staged.duplicate_rows == 0
    assert staged.out_of_window_rows <= rows_after(api, expected)
    for part, bounds in zip(staged.parts, part_bounds(storage, committed), strict=True):
        assert (part.rows, part.first_event_ns, part.last_event_ns) == bounds


def rows_after(api: TradesApi, expected: list[dict]) -> int:
    """How many rows follow the last one that is expected."""
    return len(api.rows) - (api.rows.index(expected[-1]) + 1) if expected else 0


def part_bounds(storage: Storage, committed: Manifest):
    for part in committed.json.parts:
        times = [row["time"] * 10**6 for row in json.loads(gzip.decompress(storage.read(part.key)))]
        yield len(times), min(times), max(times)


def test_a_record_whose_time_cannot_be_read_is_kept(storage, http_server):
    """The converter says why it does not fit; dropping it here would lose it without a word."""
    odd = [{"id": 1, "time": None}, {"id": 2}, {"id": 3, "time": "x"}, [4], "5"]
    TradesApi(http_server, [trade(9, at_ms=WINDOW.start_ms)])
    rows = [*odd, trade(9, at_ms=WINDOW.start_ms)]
    replies = iter([rows, []])
    http_server.answer_by("/trades", lambda _: Reply(body=json.dumps(next(replies)).encode()))
    of = trades_feed().model_copy(update={"source": feed(source={"path": "/trades"}).source})
    committed = extract_trades(storage, http_server, of=of)
    assert staged_records(storage, committed) == rows
    assert (committed.json.rows, committed.json.out_of_window_rows) == (6, 0)


def served(server: HttpServer, rows: list[dict], **changes: object) -> Feed:
    """A feed whose one page has *rows*."""
    server.answer("/rows", json.dumps(rows).encode())
    plain = trades_feed()
    at = plain.fields["trade_time"].model_copy(update=changes)
    fields = plain.fields | {"trade_time": at}
    return plain.model_copy(update={"source": feed().source, "fields": fields})


@pytest.mark.parametrize(
    ("declared", "at", "hint"),
    [
        pytest.param("ms", WINDOW.start_ms * 1_000, "in us it is 2026-11-22T05:00:00.000000Z",
                     id="us for ms"),
        pytest.param("us", WINDOW.start_ms, "in ms it is 2026-11-22T05:00:00.000000Z",
                     id="ms for us"),
        pytest.param("ns", WINDOW.start_ms // 1_000, "in s it is 2026-11-22T05:00:00.000000Z",
                     id="s for ns"),
        pytest.param("ms", "2026-11-22T05:00:00Z", "as iso it is 2026-11-22T05:00:00.000000Z",
                     id="text for ms"),
    ],
)  # fmt: skip
def test_a_source_that_changes_its_unit_is_an_error(storage, http_server, declared, at, hint):
    """Not an empty window: the error says field, value, both units and what to set."""
    of = served(http_server, [{"id": 1, "time": at}], unit=declared)
    with pytest.raises(TimeUnitError) as raised:
        extract_trades(storage, http_server, of=of)
    value = f"feed trades, field trade_time: {at} in {declared}"
    assert str(raised.value).startswith(f"{value} is not between 2009 and 2100; {hint}. ")
    assert "set unit: " in str(raised.value)
    assert list(manifest.read_all("trades", storage=storage)) == []


def test_a_feed_may_declare_two_units(storage, http_server):
    """Each time is read in the one that leads to a plausible year; the window decides."""
    start_ms = WINDOW.start_ms
    times = [start_ms, start_ms * 1_000 + 1, WINDOW.end_ms * 1_000, start_ms - 1]
    rows = [{"id": n, "time": at} for n, at in enumerate(times)]
    committed = extract_trades(
        storage, http_server, of=served(http_server, rows, unit=["ms", "us"])
    )
    assert staged_records(storage, committed) == rows[:2]
    assert committed.json.out_of_window_rows == 2
    [part] = committed.json.parts
    assert (part.first_event_ns, part.last_event_ns) == (start_ms * 10**6, start_ms * 10**6 + 1_000)


@pytest.mark.parametrize("at", [0, "0", -1, 7, "0001-01-01T00:00:00Z"])
def test_a_time_of_no_year_is_kept_for_the_quarantine(storage, http_server, at):
    """It is of no other window, so nobody else would keep it; and no unit makes it a time."""
    rows = [{"id": 1, "time": at}, {"id": 2, "time": WINDOW.start_ms}]
    committed = extract_trades(storage, http_server, of=served(http_server, rows))
    assert staged_records(storage, committed) == rows
    assert committed.json.out_of_window_rows == 0


def test_a_feed_says_which_years_are_plausible(storage, http_server):
    """A record of 1999 is another window's for a feed that goes back so far."""
    rows = [{"id": 1, "time": 915_148_800_000}, {"id": 2, "time": WINDOW.start_ms}]
    of = served(http_server, rows)
    assert extract_trades(storage, http_server, of=of).json.rows == 2
    older = of.model_copy(update={"plausible_years": [1990, 2100]})
    again = extract_trades(storage, http_server, of=older, is_replacing=True)
    assert again.json.out_of_window_rows == 1


@pytest.mark.parametrize("edge", ["start", "end"])
def test_windows_are_half_open(storage, http_server, edge):
    """A record at the start belongs to the window, one at the end to the next."""
    at_ms = WINDOW.start_ms if edge == "start" else WINDOW.end_ms
    rows = [trade(1, at_ms=WINDOW.start_ms + 1), trade(2, at_ms=at_ms)]
    http_server.answer("/rows", json.dumps(rows).encode())
    of = trades_feed().model_copy(update={"source": feed().source})
    committed = extract_trades(storage, http_server, of=of)
    assert (committed.json.rows, committed.json.out_of_window_rows) == (
        (2, 0) if edge == "start" else (1, 1)
    )
