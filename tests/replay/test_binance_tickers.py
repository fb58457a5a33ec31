"""Statistics of 24 hours are those of the trades of 24 hours."""

from __future__ import annotations

import pytest

from include.replay.candles import DAY_MS
from include.replay.digits import fixed8
from tests.replay.conftest import NOW, shape


def test_a_ticker_is_a_day_of_trades(replay, market):
    """The window ends now and starts a day before, to the millisecond."""
    row = replay.rows("/api/v3/ticker/24hr", symbol="BTCUSDT")
    trades = list(market.trades("BTCUSDT", NOW - DAY_MS, NOW))
    assert (row["openTime"], row["closeTime"]) == (NOW - DAY_MS, NOW)
    assert (row["firstId"], row["lastId"], row["count"]) == (
        trades[0].id,
        trades[-1].id,
        len(trades),
    )
    assert row["volume"] == fixed8(sum(trade.quantity_e8 for trade in trades))
    assert row["highPrice"] == fixed8(max(trade.price_e8 for trade in trades))
    assert row["lastPrice"] == fixed8(trades[-1].price_e8)


def test_all_symbols_come_in_one_body(replay):
    """Without a symbol: hundreds of rows, each symbol once, the one asked for among them."""
    rows = replay.rows("/api/v3/ticker/24hr", type="MINI")
    names = [row["symbol"] for row in rows]
    assert len(set(names)) == len(names) > 400
    assert rows[names.index("ETHUSDT")] == replay.rows(
        "/api/v3/ticker/24hr", symbol="ETHUSDT", type="MINI"
    )


def test_several_symbols_are_an_array(replay):
    """``symbols`` is a JSON array in the query."""
    rows = replay.rows("/api/v3/ticker/24hr", symbols='["BTCUSDT","ETHUSDT"]')
    assert [row["symbol"] for row in rows] == ["BTCUSDT", "ETHUSDT"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param({"symbol": "NOPE"}, -1121, id="unknown symbol"),
        pytest.param({"symbols": "BTCUSDT"}, -1100, id="not an array"),
        pytest.param({"symbols": '["BTCUSDT","BTCUSDT"]'}, -1151, id="twice"),
        pytest.param({"symbol": "BTCUSDT", "symbols": "[]"}, -1128, id="both"),
        pytest.param({"symbol": "BTCUSDT", "type": "SMALL"}, -1130, id="type"),
    ],
)
def test_refusals(replay, query, code):
    """Errors have status 400 and a code."""
    answer = replay.get("/api/v3/ticker/24hr", **query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        pytest.param("24hr_symbol_BTCGBP.json", {"symbol": "BTCUSDT"}, id="one"),
        pytest.param("24hr.json", {}, id="all"),
    ],
)
def test_shapes_are_binances(replay, name, query, recorded_body):
    """Keys and JSON types are those that Binance sent."""
    ours = replay.rows("/api/v3/ticker/24hr", **query)
    assert shape(ours) == shape(recorded_body(f"binance/ticker/{name}"))
