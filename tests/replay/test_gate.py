"""Gate.io, paged within a range, gives what the market has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.replay.candles import HOUR_MS
from tests.replay.conftest import HOUR, shape

SPOT = "/api/v4/spot/trades"
FUTURES = "/api/v4/futures/usdt/trades"
RANGE = {"from": HOUR // 1000, "to": (HOUR + HOUR_MS) // 1000 - 1, "limit": 1000}


def walk(replay, path, pages, **query):
    """Every page, as they come."""
    found = []
    for page in pages:
        rows = replay.rows(path, **RANGE, **query, **page)
        found += rows
        if len(rows) < 1000:
            return found
    raise AssertionError("a walk that should have ended goes on")


def test_spot_pages_hold_every_trade_of_the_range(replay, market):
    """Newest first, the pages from 1; what happens within the second ``to`` is not in it."""
    found = walk(
        replay, SPOT, ({"page": number} for number in range(1, 20)), currency_pair="BTC_USDT"
    )
    trades = market.trades("BTCUSDT", HOUR, RANGE["to"] * 1000 + 1)
    assert [
        (row["id"], Decimal(row["create_time_ms"]), row["side"], Decimal(row["price"]))
        for row in reversed(found)
    ] == [
        (
            str(t.id),
            Decimal(t.time_ns // 1000).scaleb(-3),
            "sell" if t.buyer_is_maker else "buy",
            t.price,
        )
        for t in trades
    ]


def test_futures_offsets_hold_every_trade_of_the_range(replay, market):
    """Sizes are whole contracts, with a sign; times are seconds with three decimals."""
    offsets = ({"offset": offset} for offset in range(0, 20_000, 1_000))
    found = walk(replay, FUTURES, offsets, contract="BTC_USDT")
    lot = market.instrument("BTCUSDT").lot_e8
    trades = market.trades("BTCUSDT", HOUR, RANGE["to"] * 1000 + 1)
    assert [(row["id"], row["create_time_ms"] * 1000, row["size"]) for row in reversed(found)] == [
        (t.id, t.time_ms, t.quantity_e8 // lot * (-1 if t.buyer_is_maker else 1)) for t in trades
    ]


def test_spot_skips_100_000_rows_at_most(replay):
    """Page 101 is the last one of 1,000 rows."""
    query = {"currency_pair": "BTC_USDT", "limit": 1000}
    assert len(replay.rows(SPOT, **query, page=101)) == 1000
    answer = replay.get(SPOT, **query, page=102)
    assert (answer.status_code, answer.json()["label"]) == (400, "INVALID_PARAM_VALUE")


@pytest.mark.parametrize(
    ("path", "query", "label"),
    [
        pytest.param(SPOT, {"currency_pair": "NOPE_USDT"}, "INVALID_CURRENCY_PAIR", id="pair"),
        pytest.param(SPOT, {"currency_pair": "BTCUSDT"}, "INVALID_CURRENCY_PAIR", id="no dash"),
        pytest.param(FUTURES, {"contract": "NOPE_USDT"}, "CONTRACT_NOT_FOUND", id="contract"),
        pytest.param(
            FUTURES, {"contract": "BTC_USDT", "limit": 1001}, "INVALID_PARAM_VALUE", id="limit"
        ),
        pytest.param(
            FUTURES, {"contract": "BTC_USDT", "from": "x"}, "INVALID_PARAM_VALUE", id="time"
        ),
    ],
)
def test_refusals_have_a_label(replay, path, query, label):
    """And status 400."""
    answer = replay.get(path, **query)
    assert (answer.status_code, answer.json()["label"]) == (400, label)


def test_the_shape_is_gates(replay, recorded_body):
    """Keys and JSON types are those that Gate.io sent, but for the milliseconds, added later."""
    ours = shape(replay.rows(FUTURES, contract="BTC_USDT"))
    assert ours[0].pop("create_time_ms") == "number"
    theirs = recorded_body("../recorded_more/gate/futures_trades/trades_contract_ETH_USD.json")
    assert ours == shape(theirs)
