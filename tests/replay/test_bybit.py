"""Bybit v5, paged by windows, gives what the market has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.replay.candles import DAY_MS, HOUR_MS, MINUTE_MS, minutes
from include.replay.exchanges.bybit import execution_id
from include.replay.funding import payments
from tests.replay.conftest import HOUR, NOW, shape

KLINE = "/v5/market/kline"
FUNDING = "/v5/market/funding/history"
RECENT = "/v5/market/recent-trade"


def test_klines_walk_back_by_end(replay, market):
    """``end = oldest start - 1``: a window larger than a page gives its newest rows."""
    start, end, found = HOUR - 20 * HOUR_MS, HOUR + 4 * HOUR_MS - 1, []
    while page := replay.rows(
        KLINE, category="spot", symbol="BTCUSDT", interval=1, start=start, end=end, limit=1000
    )["result"]["list"]:
        found += page
        end = int(page[-1][0]) - 1
    bars = market.candles("BTCUSDT", minutes(1), start, HOUR + 4 * HOUR_MS, until_ms=NOW)
    assert len(found) == 24 * 60
    assert [(int(row[0]), Decimal(row[1]), Decimal(row[5])) for row in reversed(found)] == [
        (bar.open_ms, Decimal(bar.open_e8).scaleb(-8), Decimal(bar.volume_e8).scaleb(-8))
        for bar in bars
    ]


def test_start_alone_goes_forward(replay):
    """The first ``limit`` bars from start on, newest of them first."""
    rows = replay.rows(KLINE, symbol="BTCUSDT", interval=1, start=HOUR, limit=3)["result"]["list"]
    assert [int(row[0]) - HOUR for row in rows] == [2 * MINUTE_MS, MINUTE_MS, 0]


def test_recent_trades_are_the_newest(replay, market):
    """60 on spot, up to 1,000 elsewhere, and no way further back."""
    stop = market.id_at("BTCUSDT", NOW)
    for category, limit, rows in (("spot", 500, 60), ("linear", 5000, 1000)):
        found = replay.rows(RECENT, category=category, symbol="BTCUSDT", limit=limit)
        ids = [row["execId"] for row in found["result"]["list"]]
        truth = range(stop - 1, stop - rows - 1, -1)
        assert ids == [execution_id(number, spot=category == "spot") for number in truth]


def test_funding_walks_back_by_end(replay, market):
    """``endTime = oldest - 1``: every payment once, at the time it was due."""
    start, end, found = HOUR - 100 * DAY_MS, HOUR, []
    while page := replay.rows(
        FUNDING, category="linear", symbol="BTCUSDT", startTime=start, endTime=end
    )["result"]["list"]:
        found += page
        end = int(page[-1]["fundingRateTimestamp"]) - 1
    assert [int(row["fundingRateTimestamp"]) for row in reversed(found)] == [
        made.due_ms for made in payments(market, "BTCUSDT", start, HOUR + 9)
    ]
    assert len(found) == 300


def test_funding_is_known_when_it_is_due(replay, market):
    """A payment made some milliseconds late has the time it was due at, and comes by it."""
    made = payments(market, "BTCUSDT", HOUR - 100 * DAY_MS, HOUR)
    late = next(one for one in made if one.paid_ms > one.due_ms)
    query = {"category": "linear", "symbol": "BTCUSDT", "endTime": late.due_ms, "limit": 1}
    (row,) = replay.rows(FUNDING, **query)["result"]["list"]
    assert int(row["fundingRateTimestamp"]) == late.due_ms


@pytest.mark.parametrize(
    ("path", "query"),
    [
        pytest.param(KLINE, {"symbol": "NOPE", "interval": 1}, id="symbol"),
        pytest.param(KLINE, {"symbol": "BTCUSDT", "interval": "1m"}, id="interval"),
        pytest.param(KLINE, {"symbol": "BTCUSDT", "interval": 1, "category": "x"}, id="category"),
        pytest.param(KLINE, {"symbol": "BTCUSDT", "interval": 1, "start": "x"}, id="number"),
        pytest.param(RECENT, {"symbol": "BTCUSDT"}, id="no category"),
        pytest.param(
            FUNDING, {"category": "linear", "symbol": "BTCUSDT", "startTime": HOUR},
            id="start alone",
        ),
        pytest.param(FUNDING, {"category": "spot", "symbol": "BTCUSDT"}, id="funding on spot"),
    ],
)  # fmt: skip
def test_refusals_have_status_200(replay, path, query):
    """The error is a retCode."""
    answer = replay.get(path, **query)
    assert (answer.status_code, answer.json()["retCode"]) == (200, 10001)


def test_answers_carry_the_limits(replay):
    """Headers say how many requests are left, and until when."""
    headers = replay.get(KLINE, symbol="BTCUSDT", interval=1).headers
    assert (headers["X-Bapi-Limit"], headers["X-Bapi-Limit-Status"]) == ("600", "599")
    assert headers["X-Bapi-Limit-Reset-Timestamp"] == str(NOW)


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        pytest.param(
            KLINE, {"symbol": "BTCUSD", "category": "inverse", "interval": 60},
            "v5_market_kline/docs_example_GetKlines.json", id="kline",
        ),
        pytest.param(
            FUNDING, {"symbol": "ETHUSDT", "category": "linear"},
            "v5_market_funding_history/docs_example_GetFundingRateHistory.json", id="funding",
        ),
        pytest.param(
            RECENT, {"symbol": "BTCUSDT", "category": "spot"},
            "v5_recent_trade/docs_example_0.json", id="trades",
        ),
        pytest.param(
            KLINE, {"symbol": "NOPE", "interval": 1}, "errors_bad_symbol/HTTP200_10001.json",
            id="refusal",
        ),
    ],
)  # fmt: skip
def test_shapes_are_bybits(replay, path, query, name, recorded_body):
    """Keys and JSON types are those of Bybit's own examples."""
    ours, theirs = replay.rows(path, **query), recorded_body(f"bybit/{name}")
    assert shape(ours) == shape(theirs)
    assert list(ours) == list(theirs)
