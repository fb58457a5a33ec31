"""Deribit, paged by the number of a trade, gives what the market has of the last day."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.replay.candles import DAY_MS, HOUR_MS, minutes
from tests.replay.conftest import HOUR, NOW

PATH = "/api/v2/public/get_last_trades_by_instrument"
CHART = "/api/v2/public/get_tradingview_chart_data"
BTC = {"instrument_name": "BTC-PERPETUAL"}


def test_the_last_number_walks_back(replay, market):
    """``end_seq`` belongs to the page: the next one ends before the smallest."""
    first, stop = market.id_at("BTCUSD", HOUR), market.id_at("BTCUSD", HOUR + HOUR_MS)
    found, end = [], stop - 1
    while end >= first:
        result = replay.rows(PATH, **BTC, sorting="desc", count=1000, end_seq=end)["result"]
        assert result["has_more"] is True
        found += result["trades"]
        end = found[-1]["trade_seq"] - 1
    inside = [row for row in reversed(found) if row["trade_seq"] >= first]
    assert [
        (row["trade_seq"], row["timestamp"], Decimal(row["price"]), Decimal(row["amount"]))
        for row in inside
    ] == [
        (t.id, t.time_ms, t.price, t.quantity)
        for t in market.trades("BTCUSD", HOUR, HOUR + HOUR_MS)
    ]


def test_the_first_number_walks_forward(replay, market):
    """``start_seq`` belongs to the page, too, and ``asc`` starts with it."""
    first = market.id_at("BTCUSD", HOUR)
    rows = replay.rows(PATH, **BTC, sorting="asc", count=3, start_seq=first)["result"]["trades"]
    assert [row["trade_seq"] for row in rows] == [first, first + 1, first + 2]


def test_without_a_range_the_newest_come(replay, market):
    """Ten of them."""
    rows = replay.rows(PATH, **BTC)["result"]["trades"]
    stop = market.id_at("BTCUSD", NOW)
    assert [row["trade_seq"] for row in rows] == list(range(stop - 1, stop - 11, -1))


def test_a_day_ago_there_is_nothing_more(replay, market):
    """No error: an empty answer, and no more."""
    oldest = market.id_at("BTCUSD", NOW - DAY_MS)
    last = replay.rows(PATH, **BTC, count=5, end_seq=oldest)["result"]
    assert ([row["trade_seq"] for row in last["trades"]], last["has_more"]) == ([oldest], False)
    gone = replay.rows(PATH, **BTC, count=5, end_seq=oldest - 1)["result"]
    assert gone == {"trades": [], "has_more": False}


@pytest.mark.parametrize(
    "query",
    [{"instrument_name": "NOPE-PERPETUAL"}, {"instrument_name": "BTC"}, {"count": 1001},
     {"end_seq": "x"}],
    ids=str,
)  # fmt: skip
def test_refusals_are_those_of_json_rpc(replay, query):
    """A code, a message, and which parameter."""
    answer = replay.get(PATH, **(BTC | query))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, -32602)
    assert error["data"]["param"] == next(iter(query))


def test_the_chart_is_parallel_arrays(replay, market):
    """Of the bars that open in the range, both ends inclusive."""
    query = BTC | {"resolution": 1, "start_timestamp": HOUR, "end_timestamp": HOUR + HOUR_MS}
    result = replay.rows(CHART, **query)["result"]
    bars = list(market.candles("BTCUSD", minutes(1), HOUR, HOUR + HOUR_MS + 1, until_ms=NOW))
    assert result.pop("status") == "ok"
    assert {len(column) for column in result.values()} == {61}
    assert result["ticks"] == [bar.open_ms for bar in bars]
    assert [Decimal(high).scaleb(8) for high in result["high"]] == [bar.high_e8 for bar in bars]


def test_a_chart_without_bars_says_so(replay):
    """Nothing has happened after now."""
    query = BTC | {"resolution": 1, "start_timestamp": NOW + 1, "end_timestamp": NOW + 2}
    result = replay.rows(CHART, **query)["result"]
    assert (result["status"], result["ticks"]) == ("no_data", [])
