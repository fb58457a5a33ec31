"""Upbit, paged backwards, gives what the market has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.replay.candles import HOUR_MS, minutes
from include.replay.time_formats import iso_s
from tests.replay.conftest import HOUR, NOW

PATH = "/v1/candles/minutes/1"
TRADES = "/v1/trades/ticks"


def test_to_walks_back(replay, market):
    """``to`` = the oldest opening, which is not part of the next page."""
    found, to = [], iso_s(HOUR + HOUR_MS)
    for _ in range(2):
        page = replay.rows(PATH, market="KRW-BTC", count=200, to=to)
        found += page
        to = page[-1]["candle_date_time_utc"] + "Z"
    start = HOUR + HOUR_MS - 400 * 60_000
    bars = market.candles("BTCKRW", minutes(1), start, HOUR + HOUR_MS, until_ms=NOW)
    assert [
        (row["candle_date_time_utc"] + "Z", Decimal(row["trade_price"]).scaleb(8))
        for row in reversed(found)
    ] == [(iso_s(bar.open_ms), bar.close_e8) for bar in bars]


def test_times_in_seoul_are_understood(replay):
    """The same instant, however it is written."""
    query = {"market": "KRW-BTC", "count": 1}
    utc = replay.rows(PATH, **query, to="2026-01-02T03:00:00Z")
    assert utc == replay.rows(PATH, **query, to="2026-01-02T12:00:00+09:00")
    assert utc[0]["candle_date_time_utc"] == "2026-01-02T02:59:00"
    assert utc[0]["candle_date_time_kst"] == "2026-01-02T11:59:00"


def test_trades_are_the_newest(replay, market):
    """Newest first, each under an id of its own, as many as ``count`` says."""
    found = replay.rows(TRADES, market="KRW-BTC", count=500)
    stop = market.id_at("BTCKRW", NOW)
    trades = list(market.trades_by_id("BTCKRW", stop - 500, stop))
    assert [(row["timestamp"], row["trade_price"].scaleb(8)) for row in reversed(found)] == [
        (trade.time_ms, trade.price_e8) for trade in trades
    ]
    assert len({row["sequential_id"] for row in found}) == 500
    assert replay.rows(TRADES, market="KRW-BTC") == found[:1]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        pytest.param(PATH, {"market": "KRW-NOPE"}, 404, id="market"),
        pytest.param(PATH, {"count": 201}, 400, id="count"),
        pytest.param(PATH, {"to": "x"}, 400, id="time"),
        pytest.param("/v1/candles/minutes/2", {}, 400, id="unit"),
        pytest.param(TRADES, {"count": 501}, 400, id="trades"),
        pytest.param(TRADES, {"market": "KRW-NOPE"}, 404, id="market of trades"),
    ],
)
def test_refusals_have_a_name(replay, path, query, status):
    """It is the status again."""
    answer = replay.get(path, **({"market": "KRW-BTC"} | query))
    assert (answer.status_code, answer.json()["error"]["name"]) == (status, status)
