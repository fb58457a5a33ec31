"""Bitfinex, paged by time, gives what the market has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.replay.candles import HOUR_MS, minutes
from tests.replay.conftest import HOUR, NOW

TRADES = "/v2/trades/tBTCUSD/hist"
CANDLES = "/v2/candles/trade:1m:tBTCUSD/hist"
RANGE = {"start": HOUR, "end": HOUR + HOUR_MS - 1}


def test_trades_walk_forward_by_start(replay, market):
    """``start`` = the last time, which comes again: trades that share it are not lost."""
    found, start = {}, HOUR
    while page := replay.rows(TRADES, sort=1, limit=500, start=start, end=HOUR + HOUR_MS - 1):
        found |= {row[0]: row for row in page}
        if len(page) < 500:
            break
        assert page[-1][1] > start
        start = page[-1][1]
    assert [(row[0], row[1], Decimal(row[2]), Decimal(row[3])) for row in found.values()] == [
        (t.id, t.time_ms, -t.quantity if t.buyer_is_maker else t.quantity, t.price)
        for t in market.trades("BTCUSD", HOUR, HOUR + HOUR_MS)
    ]


def test_without_sort_the_newest_come(replay, market):
    """Of a range with more than ``limit`` rows, the last ones, newest first."""
    ids = [row[0] for row in replay.rows(TRADES, limit=3, **RANGE)]
    stop = market.id_at("BTCUSD", HOUR + HOUR_MS)
    assert ids == [stop - 1, stop - 2, stop - 3]
    assert len(replay.rows(TRADES)) == 125


def test_both_ends_belong_to_the_range(replay, market):
    """A trade at ``start`` and at ``end`` comes."""
    trade = market.trade("BTCUSD", market.id_at("BTCUSD", HOUR))
    rows = replay.rows(TRADES, start=trade.time_ms, end=trade.time_ms)
    assert trade.id in [row[0] for row in rows]


def test_candles_come_in_both_orders(replay, market):
    """Open, close, high, low, volume; the open one is the newest."""
    rows = replay.rows(CANDLES, sort=1, limit=60, start=HOUR)
    bars = market.candles("BTCUSD", minutes(1), HOUR, HOUR + HOUR_MS, until_ms=NOW)
    assert [(row[0], *(int(Decimal(cell).scaleb(8)) for cell in row[1:])) for row in rows] == [
        (bar.open_ms, bar.open_e8, bar.close_e8, bar.high_e8, bar.low_e8, bar.volume_e8)
        for bar in bars
    ]
    newest = replay.rows(CANDLES, limit=60, end=HOUR + HOUR_MS - 1)
    assert newest == rows[::-1]
    assert replay.rows(CANDLES)[0][0] == NOW - NOW % 60_000


@pytest.mark.parametrize(
    ("path", "query"),
    [
        pytest.param("/v2/trades/BTCUSD/hist", {}, id="no t"),
        pytest.param("/v2/trades/tNOPEUSD/hist", {}, id="symbol"),
        pytest.param("/v2/candles/trade:1x:tBTCUSD/hist", {}, id="interval"),
        pytest.param(TRADES, {"limit": 10_001}, id="limit"),
        pytest.param(TRADES, {"start": "x"}, id="time"),
    ],
)
def test_refusals_are_arrays_with_status_500(replay, path, query):
    """``["error", 10020, ...]``."""
    answer = replay.get(path, **query)
    assert (answer.status_code, answer.json()[:2]) == (500, ["error", 10020])
