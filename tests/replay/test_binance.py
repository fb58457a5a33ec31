"""Binance spot, paged by its own rules, gives what the market has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.replay.candles import HOUR_MS, MINUTE_MS, minutes
from include.replay.digits import fixed8
from tests.replay.conftest import HOUR, NOW, shape

END = HOUR + HOUR_MS


def test_agg_trades_by_id_are_the_hour(replay, market):
    """From startTime, then ``fromId = last a + 1``: every aggregate once, in order."""
    page = replay.rows("/api/v3/aggTrades", symbol="BTCUSDT", startTime=HOUR, limit=1000)
    found, pages = [], 0
    while page and page[-1]["T"] < END:
        found, pages = found + page, pages + 1
        page = replay.rows(
            "/api/v3/aggTrades", symbol="BTCUSDT", fromId=page[-1]["a"] + 1, limit=1000
        )
    found += [row for row in page if row["T"] < END]
    assert pages == 7
    assert found == [
        {
            "a": one.id,
            "p": fixed8(one.price_e8),
            "q": fixed8(one.quantity_e8),
            "f": one.first_id,
            "l": one.last_id,
            "T": one.time_ms,
            "m": one.buyer_is_maker,
            "M": True,
        }
        for one in market.agg_trades("BTCUSDT", HOUR, END)
    ]


def test_agg_trades_by_time_lose_some(replay):
    """Paging by ``T + 1`` loses the rest of a burst at each page's edge, as it does at Binance."""
    seen, start = [], HOUR
    while page := replay.rows(
        "/api/v3/aggTrades", symbol="BTCUSDT", startTime=start, endTime=END - 1, limit=1000
    ):
        seen += page
        start = page[-1]["T"] + 1
    assert 0 < len(seen) < 7_032


def test_historical_trades_by_id_are_the_hour(replay, market):
    """``fromId`` is inclusive; ids have no gap."""
    truth = list(market.trades("ETHUSDT", HOUR, END))
    found, from_id = [], truth[0].id
    while from_id <= truth[-1].id:
        page = replay.rows("/api/v3/historicalTrades", symbol="ETHUSDT", fromId=from_id, limit=1000)
        found += page
        from_id = page[-1]["id"] + 1
    found = [row for row in found if row["time"] < END]
    assert [(row["id"], row["price"], row["qty"], row["isBuyerMaker"]) for row in found] == [
        (t.id, fixed8(t.price_e8), fixed8(t.quantity_e8), t.buyer_is_maker) for t in truth
    ]


def test_klines_by_time_are_the_bars(replay, market):
    """``startTime = last open + 1`` walks on; closing times end one below the next opening."""
    found, start, end = [], HOUR - 20 * HOUR_MS, END + 3 * HOUR_MS
    while page := replay.rows(
        "/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=start, endTime=end - 1,
        limit=1000,
    ):  # fmt: skip
        found += page
        start = page[-1][0] + 1
    bars = list(market.candles("BTCUSDT", minutes(1), HOUR - 20 * HOUR_MS, end, until_ms=NOW))
    assert len(found) == len(bars) == 24 * 60
    assert [(row[0], row[6] + 1, row[8]) for row in found] == [
        (bar.open_ms, bar.open_ms + MINUTE_MS, bar.trades) for bar in bars
    ]
    assert [(*row[1:6], row[9]) for row in found] == [
        tuple(map(fixed8, (*bar[2:7], bar.taker_volume_e8))) for bar in bars
    ]
    assert [Decimal(row[7]).scaleb(16) for row in found] == [bar.turnover_e16 for bar in bars]


def test_the_newest_kline_is_open(replay, market):
    """The last bar ends in the future and holds the trades until now."""
    old, new = replay.rows("/api/v3/klines", symbol="BTCUSDT", interval="1h", limit=2)
    hour = NOW - NOW % HOUR_MS
    trades = list(market.trades("BTCUSDT", hour, NOW))
    assert old[6] < NOW < new[6]
    assert (new[0], new[6], new[8]) == (hour, hour + HOUR_MS - 1, len(trades))
    assert new[4] == fixed8(trades[-1].price_e8)


def test_both_bounds_of_time_are_inclusive(replay, market):
    """What lies in the first and in the last millisecond asked for comes."""
    last = [one.id for one in market.agg_trades("BTCUSDT", END - 1, END)]
    query = {"symbol": "BTCUSDT", "startTime": END - 1, "endTime": END - 1}
    assert last
    assert [row["a"] for row in replay.rows("/api/v3/aggTrades", **query)] == last
    query = {"symbol": "BTCUSDT", "startTime": HOUR, "endTime": END, "interval": "1h"}
    assert [row[0] for row in replay.rows("/api/v3/klines", **query)] == [HOUR, END]


def test_microseconds_on_request(replay):
    """A header turns every time into microseconds."""
    asked = {"X-MBX-TIME-UNIT": "MICROSECOND"}
    query = {"symbol": "BTCUSDT", "interval": "1h", "startTime": HOUR * 1000, "limit": 1}
    ((opening, *_, closing, _, _, _, _, _),) = replay.get(
        "/api/v3/klines", headers=asked, **query
    ).json()
    assert (opening, closing) == (HOUR * 1000, END * 1000 - 1)


def test_one_minute_is_not_one_month(replay):
    """Intervals are case sensitive."""
    (minute,) = replay.rows("/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=1)
    (month,) = replay.rows("/api/v3/klines", symbol="BTCUSDT", interval="1M", limit=1)
    assert (minute[0], month[0]) == (NOW - NOW % MINUTE_MS, 1_767_225_600_000)


@pytest.mark.parametrize("path", ["klines", "aggTrades"])
def test_the_future_is_empty(replay, path):
    """Nothing has happened after now."""
    query = {"interval": "1m"} if path == "klines" else {}
    path = f"/api/v3/{path}"
    assert replay.rows(path, symbol="BTCUSDT", startTime=NOW + MINUTE_MS, **query) == []
    assert replay.rows(path, symbol="BTCUSDT", startTime=END, endTime=END - 2, **query) == []


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        pytest.param("klines", {"symbol": "NOPE", "interval": "1h"}, -1121, id="unknown symbol"),
        pytest.param("klines", {"symbol": "btcusdt", "interval": "1h"}, -1100, id="lower case"),
        pytest.param("klines", {"symbol": "BTCUSDT", "interval": "1H"}, -1120, id="interval"),
        pytest.param("klines", {"interval": "1h"}, -1102, id="no symbol"),
        pytest.param("klines", {"symbol": "BTCUSDT"}, -1102, id="no interval"),
        pytest.param("aggTrades", {"symbol": "BTCUSDT", "limit": "x"}, -1100, id="not a number"),
        pytest.param("aggTrades", {"symbol": "BTCUSDT", "limit": "0"}, -1130, id="no rows"),
        pytest.param("aggTrades", {"symbol": "BTCUSDT", "page": "1"}, -1104, id="unread parameter"),
        pytest.param("aggTrades", {"symbol": "BTCUSDT", "fromId": "1", "startTime": "1"}, -1128,
                     id="id and time"),
    ],
)  # fmt: skip
def test_refusals(replay, path, query, code):
    """Errors have status 400, a code and a message."""
    answer = replay.get(f"/api/v3/{path}", **query)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json().keys() == {"code", "msg"}


@pytest.mark.parametrize("name", ["klines", "aggTrades", "historicalTrades", "trades"])
def test_limits_are_cut_silently(replay, name):
    """5,000 rows asked for are 1,000, and no limit is 500."""
    query = {"interval": "1m"} if name == "klines" else {}
    assert len(replay.rows(f"/api/v3/{name}", symbol="BTCUSDT", limit=5000, **query)) == 1000
    assert len(replay.rows(f"/api/v3/{name}", symbol="BTCUSDT", **query)) == 500


def test_answers_carry_the_used_weight(replay):
    """A header says how much of the minute's weight is used."""
    answer = replay.get("/api/v3/aggTrades", symbol="BTCUSDT", limit=1)
    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "4"


def test_bodies_are_compressed_on_request(replay):
    """gzip for clients that ask for it, plain for others."""
    query = {"symbol": "BTCUSDT", "limit": 100}
    packed = replay.get("/api/v3/aggTrades", headers={"Accept-Encoding": "gzip"}, **query)
    plain = replay.get("/api/v3/aggTrades", headers={"Accept-Encoding": "identity"}, **query)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.content == plain.content


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param(
            "binance/klines/gct_klines_interval_5m_limit_24_symbol_BTCUSDT.json",
            "klines", id="klines",
        ),
        pytest.param(
            "binance/aggTrades/gct_aggTrades_fromId_202790190_limit_1000_symbol_BTCUSDT.json",
            "aggTrades", id="aggTrades",
        ),
        pytest.param(
            "binance/historicalTrades/get_historical_trades_ok.json",
            "historicalTrades", id="historicalTrades",
        ),
        pytest.param("binance/trades/trades_symbol_BTCUSDC.json", "trades", id="trades"),
    ],
)  # fmt: skip
def test_shapes_are_binances(replay, name, path, recorded_body):
    """Keys and JSON types are those that Binance sent."""
    query = {"interval": "5m"} if path == "klines" else {}
    ours = replay.rows(f"/api/v3/{path}", symbol="BTCUSDT", limit=5, **query)
    assert shape(ours) == shape(recorded_body(name))
