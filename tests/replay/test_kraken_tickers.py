"""Kraken's ticker is a map by pair, of all pairs or of one."""

from __future__ import annotations

from decimal import Decimal

from include.replay.candles import DAY_MS
from include.replay.exchanges.kraken_tickers import every_pair
from tests.replay.conftest import NOW, shape

PATH = "/0/public/Ticker"


def test_a_pair_is_the_market_of_the_last_day(replay, market):
    """Each array has today first, then the last 24 hours."""
    found = replay.rows(PATH, pair="XBTUSD")["result"]
    assert list(found) == ["XXBTZUSD"]
    ticker, day = found["XXBTZUSD"], market.candle("BTCUSD", NOW - DAY_MS, NOW)
    assert ticker["t"][1] == day.trades
    assert Decimal(ticker["v"][1]).scaleb(8) == day.volume_e8
    assert Decimal(ticker["h"][1]).scaleb(8) == day.high_e8
    assert Decimal(ticker["c"][0]).scaleb(8) == day.close_e8
    assert Decimal(ticker["l"][1]) <= Decimal(ticker["p"][1]) <= Decimal(ticker["h"][1])
    assert Decimal(ticker["v"][0]) < Decimal(ticker["v"][1])


def test_without_a_pair_all_come(replay):
    """By Kraken's own names."""
    assert list(replay.rows(PATH)["result"]) == [key for _, key in every_pair()]


def test_an_unknown_pair_is_refused(replay):
    """With status 200, as everywhere at Kraken."""
    assert replay.get(PATH, pair="NOPE").json() == {"error": ["EQuery:Unknown asset pair"]}


def test_the_shape_is_krakens(replay, recorded_body):
    """Keys and JSON types are those that Kraken sent."""
    theirs = recorded_body("kraken/Ticker/Ticker_pair_BCHEUR.json")
    assert shape(replay.rows(PATH, pair="BCHEUR")) == shape(theirs)
