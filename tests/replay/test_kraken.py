"""Kraken, paged by ``last``, gives what the market has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.replay.candles import HOUR_MS, minutes
from include.replay.exchanges.kraken import pair_key
from tests.replay.conftest import HOUR, NOW, shape

TRADES = "/0/public/Trades"
END_NS = (HOUR + HOUR_MS) * 10**6


def walk(replay, cursor_of) -> list:
    found, since = [], str(HOUR * 10**6)
    while True:
        result = replay.rows(TRADES, pair="XBTUSD", since=since)["result"]
        rows = result["XXBTZUSD"]
        found += rows
        if not rows or int(result["last"]) >= END_NS:
            return [row for row in found if row[2] * 10**9 < END_NS]
        since = cursor_of(result)


def test_last_walks_through_every_trade(replay, market):
    """``since = last`` gives each trade once, in order."""
    found = walk(replay, lambda result: result["last"])
    assert [(row[6], Decimal(row[0]), Decimal(row[1]), row[3]) for row in found] == [
        (t.id, t.price, t.quantity, "s" if t.buyer_is_maker else "b")
        for t in market.trades("BTCUSD", HOUR, HOUR + HOUR_MS)
    ]


def test_a_cursor_in_milliseconds_repeats_trades(replay):
    """A cursor cut to milliseconds repeats what shares them, as it does at Kraken."""
    found = walk(replay, lambda result: str(int(result["last"]) // 10**6 * 10**6))
    assert len({row[6] for row in found}) == 7_500 < len(found)


def test_times_have_seven_decimals_at_most(replay, market):
    """The row shows less than ``last`` holds."""
    result = replay.rows(TRADES, pair="XBTUSD", since=HOUR // 1000, count=1)["result"]
    trade = next(market.trades("BTCUSD", HOUR, HOUR + HOUR_MS))
    assert int(result["last"]) == trade.time_ns
    assert result["XXBTZUSD"][0][2] == Decimal(trade.time_ns // 100).scaleb(-7)


def test_no_new_trades_keep_the_cursor(replay):
    """At the end the page is empty and ``last`` is what was asked."""
    result = replay.rows(TRADES, pair="XBTUSD", since=str(NOW * 10**6))["result"]
    assert result == {"XXBTZUSD": [], "last": str(NOW * 10**6)}


@pytest.mark.parametrize(
    ("pair", "key"),
    [
        pytest.param("XBTUSD", "XXBTZUSD", id="short"),
        pytest.param("XXBTZUSD", "XXBTZUSD", id="long"),
        pytest.param("XBT/USD", "XXBTZUSD", id="slash"),
        pytest.param("ETHXBT", "XETHXXBT", id="coin for coin"),
        pytest.param("XBTUSDT", "XBTUSDT", id="new quote"),
        pytest.param("BCHEUR", "BCHEUR", id="new coin"),
        pytest.param("XDGUSD", "XDGUSD", id="dog"),
        pytest.param("XETHZEUR", "XETHZEUR", id="long euro"),
        pytest.param("XTZUSD", "XTZUSD", id="not an old coin"),
    ],
)
def test_the_key_is_krakens_own(replay, pair, key):
    """Records lie under the exchange's name for the pair."""
    assert list(replay.rows(TRADES, pair=pair, count=1)["result"]) == [key, "last"]
    assert pair_key("BTC", "USD") == "XXBTZUSD"


def test_ohlc_is_the_last_720_bars(replay, market):
    """Oldest first, the running bar last; ``last`` is the one before it."""
    result = replay.rows("/0/public/OHLC", pair="XBTUSD", interval=60)["result"]
    rows = result["XXBTZUSD"]
    bars = list(market.candles("BTCUSD", minutes(60), NOW - 720 * HOUR_MS, NOW, until_ms=NOW))
    assert [(row[0] * 1000, row[7], int(Decimal(row[6]).scaleb(8))) for row in rows] == [
        (bar.open_ms, bar.trades, bar.volume_e8) for bar in bars
    ]
    assert len(rows) == 720
    assert result["last"] == rows[-2][0]
    assert all(Decimal(row[3]) <= Decimal(row[5]) <= Decimal(row[2]) for row in rows)


def test_ohlc_since_is_exclusive_and_the_running_bar_stays(replay):
    """Polling with ``last`` gives the running bar only."""
    result = replay.rows("/0/public/OHLC", pair="XBTUSD", interval=60)["result"]
    again = replay.rows("/0/public/OHLC", pair="XBTUSD", interval=60, since=result["last"])
    assert again["result"]["XXBTZUSD"] == result["XXBTZUSD"][-1:]
    ancient = replay.rows("/0/public/OHLC", pair="XBTUSD", interval=60, since=1)["result"]
    assert ancient == result


@pytest.mark.parametrize(
    ("query", "error"),
    [
        pytest.param({"pair": "NOPE"}, "EQuery:Unknown asset pair", id="pair"),
        pytest.param({}, "EGeneral:Invalid arguments", id="no pair"),
        pytest.param({"pair": "XBTUSD", "since": "x"}, "EGeneral:Invalid arguments", id="since"),
        pytest.param(
            {"pair": "XBTUSD", "count": 1001}, "EGeneral:Invalid arguments:count", id="count"
        ),
    ],
)
def test_refusals_have_status_200(replay, query, error):
    """The error is in the envelope."""
    answer = replay.get(TRADES, **query)
    assert (answer.status_code, answer.json()) == (200, {"error": [error]})


def test_shapes_are_krakens(replay, recorded_body):
    """Envelope, rows and JSON types are those that Kraken sent."""
    ours = shape(replay.rows(TRADES, pair="BCHEUR"))
    trade_id = ours["result"]["BCHEUR"][0].pop()
    assert trade_id == "number", "newer than the recording"
    assert ours == shape(recorded_body("kraken/Trades/Trades_pair_BCHEUR.json"))
    bars = shape(replay.rows("/0/public/OHLC", pair="XXBTZUSD"))
    assert bars == shape(recorded_body("kraken/OHLC/medallion_kraken_ohlc.json"))
