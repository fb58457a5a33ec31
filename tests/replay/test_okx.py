"""OKX, paged by trade id or time, gives what the market has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.replay.candles import HOUR_MS, MINUTE_MS, minutes
from include.replay.exchanges.okx import bar_interval
from include.replay.server import app, running
from tests.replay.conftest import HOUR, NOW, shape

TRADES = "/api/v5/market/history-trades"
CANDLES = "/api/v5/market/history-candles"


def test_after_walks_back_through_every_trade(replay, market):
    """``after = last tradeId``, 100 a page: each trade once, newest first."""
    first, stop = (market.id_at("BTCUSDT", moment) for moment in (HOUR, HOUR + HOUR_MS))
    found, after, pages = [], stop, 0
    while after > first:
        page = replay.rows(TRADES, instId="BTC-USDT", after=after)["data"]
        found, after, pages = found + page, int(page[-1]["tradeId"]), pages + 1
    assert pages == 75
    assert [
        (int(row["tradeId"]), Decimal(row["px"]), Decimal(row["sz"]), int(row["ts"]), row["side"])
        for row in reversed(found)
    ] == [
        (t.id, t.price, t.quantity, t.time_ms, "sell" if t.buyer_is_maker else "buy")
        for t in market.trades("BTCUSDT", HOUR, HOUR + HOUR_MS)
    ]


def test_paging_by_time_loses_trades(replay):
    """``type=2`` cuts bursts at the edge of a page, as it does at OKX."""
    ids, after = set(), HOUR + HOUR_MS
    while after > HOUR:
        page = replay.rows(TRADES, instId="BTC-USDT", type=2, after=after)["data"]
        ids |= {row["tradeId"] for row in page if int(row["ts"]) >= HOUR}
        after = int(page[-1]["ts"])
    assert 0 < len(ids) < 7_500


def test_before_gives_the_newest_page(replay):
    """Newer than an id, starting from the newest of all."""
    newest = replay.rows(TRADES, instId="BTC-USDT", limit=5)["data"]
    ids = [int(row["tradeId"]) for row in newest]
    assert replay.rows(TRADES, instId="BTC-USDT", limit=5, before=ids[-1] - 900)["data"] == newest
    some = replay.rows(TRADES, instId="BTC-USDT", limit=5, before=ids[2])["data"]
    assert some == newest[:2]


def test_candles_walk_back(replay, market):
    """``after = oldest ts``: each bar once, newest first, the open one marked."""
    found, after = [], None
    while not found or int(found[-1][0]) > HOUR:
        bound = {} if after is None else {"after": after}
        page = replay.rows(CANDLES, instId="BTC-USDT", bar="1m", **bound)["data"]
        found, after = found + page, page[-1][0]
    bars = market.candles("BTCUSDT", minutes(1), int(found[-1][0]), NOW, until_ms=NOW)
    assert [(int(row[0]), Decimal(row[5])) for row in reversed(found)] == [
        (bar.open_ms, Decimal(bar.volume_e8).scaleb(-8)) for bar in bars
    ]
    assert [row[8] for row in found] == ["0"] + ["1"] * (len(found) - 1)


def test_both_bounds_are_exclusive(replay):
    """Neither ``after`` nor ``before`` comes itself."""
    bounds = {"before": HOUR, "after": HOUR + 3 * MINUTE_MS}
    rows = replay.rows(CANDLES, instId="BTC-USDT", bar="1m", **bounds)["data"]
    assert [int(row[0]) - HOUR for row in rows] == [2 * MINUTE_MS, MINUTE_MS]


def test_days_open_in_hong_kong():
    """``1D`` opens at 16:00 UTC, ``1Dutc`` at midnight; hours are the same everywhere."""
    midnight = 1_767_312_000_000
    assert bar_interval("1Dutc").opening(HOUR) == midnight
    assert bar_interval("1D").opening(HOUR) == midnight - 8 * HOUR_MS
    assert bar_interval("1H").opening(HOUR + 1) == HOUR
    assert bar_interval("1M").opening(HOUR) == 1_767_225_600_000 - 8 * HOUR_MS
    assert bar_interval("1Hutc") is bar_interval("1h") is None


def test_the_page_size_is_a_setting(replay, market):
    """Papers disagree about the most rows of a page: more than the setting is cut."""
    assert len(replay.rows(TRADES, instId="BTC-USDT", limit=5000)["data"]) == 100
    larger = app(market=market, now_ms=lambda: NOW, okx_trades_rows=1000, okx_candles_rows=300)
    with running(larger) as url:
        answer = replay.session.get(
            url + TRADES, params={"instId": "BTC-USDT", "limit": 5000}, timeout=30
        )
        assert len(answer.json()["data"]) == 1000


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        pytest.param({"instId": "NOPE-USDT"}, 200, "51001", id="unknown"),
        pytest.param({"instId": "BTCUSDT"}, 200, "51001", id="no dash"),
        pytest.param({}, 400, "50014", id="nothing"),
        pytest.param({"instId": "BTC-USDT", "type": "3"}, 200, "51000", id="type"),
        pytest.param({"instId": "BTC-USDT", "after": "x"}, 200, "51000", id="cursor"),
    ],
)
def test_refusals(replay, query, status, code):
    """A code that is not 0, mostly with status 200, and no data."""
    answer = replay.get(TRADES, **query)
    assert (answer.status_code, answer.json()["code"], answer.json()["data"]) == (status, code, [])


@pytest.mark.parametrize("kind", ["SPOT", "SWAP"])
def test_instruments_are_those_that_trade(replay, kind, recorded_body):
    """In the form that OKX sent: the keys in their order, and every value a text."""
    rows = replay.rows("/api/v5/public/instruments", instType=kind)["data"]
    names = [row["instId"] for row in rows]
    assert len(set(names)) == len(names) > 200
    assert replay.rows(TRADES, instId=names[-1], limit=1)["data"]
    theirs = recorded_body(f"okx/instruments/instruments_instType_{kind}.json")["data"][0]
    assert list(rows[0]) == list(theirs)
    assert shape(rows[0]) == shape(theirs)


@pytest.mark.parametrize(("query", "code"), [({}, "50014"), ({"instType": "SPOTS"}, "51000")])
def test_instruments_of_no_kind_are_refused(replay, query, code):
    """With the code of a parameter that is not there, or is wrong."""
    answer = replay.get("/api/v5/public/instruments", **query)
    assert (answer.json()["code"], answer.json()["data"]) == (code, [])


@pytest.mark.parametrize("name", ["history-trades", "history-candles", "candles"])
def test_shapes_are_okxs(replay, name, recorded_body):
    """Keys and JSON types are those of OKX's own examples."""
    example = {
        "history-trades": "docs_example_GetTradeHistory",
        "history-candles": "docs_example_GetKlineHistory",
        "candles": "docs_example_GetKlines",
    }[name]
    ours = replay.rows(f"/api/v5/market/{name}", instId="BTC-USDT")
    assert shape(ours) == shape(recorded_body(f"okx/market_{name}/{example}.json"))
