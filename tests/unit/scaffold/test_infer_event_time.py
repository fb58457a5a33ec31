"""The time of the event is chosen, or the page is a snapshot of a state."""

from __future__ import annotations

import pytest

from include.ticklake.scaffold.infer_event_time import (
    candle_length,
    event_times_ns,
    infer_order,
    is_snapshot,
    step_between,
    with_event_time,
)
from include.ticklake.scaffold.infer_fields import InferredField, infer_fields
from tests.support.drafts import draft_feed

MS = 1_795_323_600_000


@pytest.mark.parametrize(
    ("rows", "event_time"),
    [
        pytest.param([{"T": MS}, {"T": MS}], "t", id="in order"),
        pytest.param([{"time": MS + 1}, {"time": MS}], "time", id="down"),
        pytest.param(
            [{"ath_date": f"2026-01-0{day}T00:00:00Z"} for day in (1, 3, 2)],
            "fetched_at",
            id="in no order, and not called so",
        ),
        pytest.param(
            [{"close_time": MS + 1, "open_time": MS}], "open_time", id="not the closing one"
        ),
        pytest.param([{"last_updated": "2026-01-01T00:00:00Z"}], "fetched_at", id="a state"),
        pytest.param([{"ts": MS}, {"ts": None}], "fetched_at", id="not in each"),
        pytest.param(
            [{"time": "2026-11-22T14:00:00", "timestamp": MS}], "timestamp",
            id="epoch beats a text without a zone",
        ),
        pytest.param(
            [{"time": "2026-11-22T05:00:00Z", "timestamp": MS}], "time", id="a zone is as good"
        ),
        pytest.param(
            [{"start": "2026-11-22T00:00:00Z", "day": f"2026-11-2{day}T00Z"} for day in (1, 2)],
            "day", id="the same time in all records is not the event's",
        ),
        pytest.param(
            [{"date_time_utc": "2026-11-22T05:00:00", "timestamp": MS}], "date_time_utc",
            id="a name is, too",
        ),
    ],
)  # fmt: skip
def test_the_event_time_is_inferred_or_the_feed_is_a_snapshot(rows, event_time):
    """Without a time of its own a record is of the moment of fetching."""
    feed = draft_feed([{"id": f"a{number}"} | row for number, row in enumerate(rows)])
    assert feed.event_time[0] == event_time
    assert feed.snapshot == (event_time == "fetched_at")


TICKER = {"symbol": "BTC", "last": "1", "bid": "1", "ask": "2", "volume": "3", "ts": MS}


@pytest.mark.parametrize(
    ("rows", "path", "expected"),
    [
        pytest.param([TICKER, TICKER | {"symbol": "ETH"}], "/v1/all", True, id="by its records"),
        pytest.param([{"price": 1, "ts": MS}], "/v1/ticker", True, id="by its path"),
        pytest.param([{"price": 1, "ts": MS}], "/ticker/24hr", True, id="by the last two parts"),
        pytest.param([{"ts": MS}], "/v5/instruments", True, id="a list of instruments"),
        pytest.param([{"ts": MS}], "/fapi/v1/premiumIndex", True, id="by a word inside a part"),
        pytest.param([{"ts": MS}], "/v1/premiumIndexKlines", False, id="candles of an index"),
        pytest.param([{"ts": MS}], "/v4/candles/perpetualMarkets/BTC", False, id="candles of one"),
        pytest.param([{"bids": [], "ts": MS}], "/v5/market/books", True, id="an order book"),
        pytest.param([TICKER, TICKER], "/v1/all", False, id="one symbol twice"),
        pytest.param([{"id": 1, "ts": MS}], "/v1/trades", False, id="trades"),
        pytest.param([{"ts": MS}], "/tickers/btc/history", False, id="a history of tickers"),
    ],
)
def test_a_ticker_is_a_snapshot(rows, path, expected):
    """One current record of each symbol: its times are of the last change."""
    fields = with_event_time(infer_fields(rows).fields)
    assert any(field.event_time for field in fields)
    assert is_snapshot(fields, url_path=path) is expected


def timed(*values: object, unit: str = "s") -> InferredField:
    return InferredField(
        name="t", source="t", type="timestamp", unit=unit, values=values, event_time=True
    )


@pytest.mark.parametrize(
    ("times", "order"),
    [
        pytest.param([1, 2, 2], "ascending", id="up"),
        pytest.param([2, 1, 1], "descending", id="down"),
        pytest.param([2, 1, 3], "none", id="neither"),
    ],
)
def test_the_order_is_that_of_the_times(times, order):
    """Times that are equal do not matter."""
    assert infer_order(timed(*times)) == order
    assert event_times_ns(timed(*times)) == [at * 10**9 for at in times]


def test_candles_are_whole_minutes_a_fixed_step_apart():
    """Gaps are whole steps; a minute that has two records is not a candle's."""
    minute_ns = 60 * 10**9
    assert step_between([timed(60, 120, 300)]) == minute_ns
    assert step_between([timed(60, 60)]) is None
    assert step_between([timed(60, 61)]) is None
    assert step_between([timed(60)]) is None


@pytest.mark.parametrize(
    ("rows", "path", "length"),
    [
        ([{"t": "x", "open": 1, "high": 1, "low": 1, "close": 1}], "/x", "1m"),
        ([{"t": "x"}], "/v1/klines", "1m"),
        ([{"t": "x"}], "/v1/funding", None),
    ],
)
def test_the_length_of_candles(rows, path, length):
    """By their columns, or by the path."""
    fields = infer_fields(rows).fields
    assert candle_length(fields, url_path=path, step_ns=60 * 10**9) == length


def test_the_draft_of_candles_leaves_out_those_that_are_open():
    """Their length is the step between them."""
    rows = [[MS + step * 3_600_000, "1", "2", "0.5", "1.5"] for step in range(4)]
    assert draft_feed(rows, "https://api.example.com/v1/klines").candle == "1h"
