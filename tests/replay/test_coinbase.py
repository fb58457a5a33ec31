"""Coinbase Exchange, paged by its header cursors, gives what the market has."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from include.replay.candles import HOUR_MS, MINUTE_MS, minutes
from include.replay.digits import fixed8
from tests.replay.conftest import HOUR, NOW, exact, shape

TRADES = "/products/BTC-USD/trades"
CANDLES = "/products/BTC-USD/candles"


def iso(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat()


def test_the_header_cursor_walks_back_through_every_trade(replay, market):
    """``after = CB-AFTER`` until the hour is left behind: each trade once, newest first."""
    stop = market.id_at("BTCUSD", HOUR + HOUR_MS)
    found, after = [], stop
    first = market.id_at("BTCUSD", HOUR)
    while after > first:
        answer = replay.get(TRADES, after=after, limit=1000)
        found += exact(answer.content)
        after = int(answer.headers["CB-AFTER"])
        assert after == found[-1]["trade_id"]
    truth = market.trades("BTCUSD", HOUR, HOUR + HOUR_MS)
    found = [row for row in reversed(found) if row["trade_id"] >= first]
    assert [(row["trade_id"], row["price"], row["size"], row["side"]) for row in found] == [
        (t.id, fixed8(t.price_e8), fixed8(t.quantity_e8), "buy" if t.buyer_is_maker else "sell")
        for t in truth
    ]


def test_times_are_microseconds_without_zeros_at_the_end(replay, market):
    """``2022-01-30T17:50:03.19541Z``: as many digits as needed."""
    rows = replay.rows(TRADES, limit=1000)
    for row, trade in zip(reversed(rows), market.trades_by_id(
        "BTCUSD", rows[-1]["trade_id"], rows[0]["trade_id"] + 1
    ), strict=True):  # fmt: skip
        assert datetime.fromisoformat(row["time"]) == datetime.fromisoformat(
            f"{datetime.fromtimestamp(trade.time_ns // 10**9, UTC):%Y-%m-%dT%H:%M:%S}"
            f".{trade.time_ns // 1000 % 10**6:06d}+00:00"
        )
        assert not row["time"].endswith("0Z") or "." not in row["time"]


def test_before_gives_the_newest_page(replay):
    """``before`` does not give the page next to it: the newest rows come, above that id."""
    newest = replay.rows(TRADES, limit=10)
    ids = [row["trade_id"] for row in newest]
    assert replay.rows(TRADES, limit=10, before=ids[-1] - 500) == newest
    assert [r["trade_id"] for r in replay.rows(TRADES, limit=10, before=ids[3])] == ids[:3]
    empty = replay.get(TRADES, before=ids[0])
    assert (empty.json(), empty.headers.get("CB-AFTER")) == ([], None)


def test_candles_are_the_bars(replay, market):
    """300 bars a call, newest first, numbers without quotes, the open one among them."""
    start = NOW - NOW % MINUTE_MS - 299 * MINUTE_MS
    rows = replay.rows(CANDLES, granularity=60, start=iso(start), end=iso(NOW))
    bars = [
        bar for bar in market.candles("BTCUSD", minutes(1), start, NOW, until_ms=NOW) if bar.trades
    ]
    assert [[row[0] * 1000, *(int(cell.scaleb(8)) for cell in map(Decimal, row[1:]))]
            for row in reversed(rows)] == [
        [bar.open_ms, bar.low_e8, bar.high_e8, bar.open_e8, bar.close_e8, bar.volume_e8]
        for bar in bars
    ]  # fmt: skip


def test_candles_may_open_before_start(replay):
    """The bar that holds *start* comes too."""
    rows = replay.rows(CANDLES, granularity=3600, start=iso(HOUR + 1), end=iso(HOUR + 2))
    assert [row[0] for row in rows] == [HOUR // 1000]


@pytest.mark.parametrize(
    ("path", "query", "status", "message"),
    [
        pytest.param("/products/NOPE-USD/trades", {}, 404, "NotFound", id="unknown product"),
        pytest.param("/products/BTCUSD/trades", {}, 404, "NotFound", id="no dash"),
        pytest.param("/products/btc-usd/candles", {}, 404, "NotFound", id="lower case"),
        pytest.param(TRADES, {"after": "x"}, 400, "invalid after", id="cursor"),
        pytest.param(CANDLES, {"granularity": 61}, 400, "Unsupported granularity", id="grid"),
        pytest.param(CANDLES, {"start": iso(HOUR), "end": iso(HOUR + 6 * HOUR_MS)},
                     400, "granularity too small for the requested time range. "
                     "Count of aggregations requested exceeds 300", id="too many"),
    ],
)  # fmt: skip
def test_refusals(replay, path, query, status, message):
    """Errors are an object with a message."""
    answer = replay.get(path, **query)
    assert (answer.status_code, answer.json()) == (status, {"message": message})


def test_products_are_those_that_trade(replay):
    """Every listed product has trades."""
    rows = replay.rows("/products")
    names = [row["id"] for row in rows]
    assert len(set(names)) == len(names) > 200
    assert {"BTC-USD", "ETH-BTC"} <= set(names)
    assert replay.rows(f"/products/{names[-1]}/trades", limit=1)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param("products_trades/trades_limit_1000.json", TRADES, id="trades"),
        pytest.param("products_candles/example-historical-candles.json", CANDLES, id="candles"),
        pytest.param("products/products_05728f.json", "/products", id="products"),
    ],
)
def test_shapes_are_coinbases(replay, name, path, recorded_body):
    """Keys, their order and JSON types are those that Coinbase sent."""
    ours, theirs = replay.rows(path), recorded_body(f"coinbase/{name}")
    assert shape(ours) == shape(theirs)
    assert list(ours[0]) == list(theirs[0]) or path == CANDLES
