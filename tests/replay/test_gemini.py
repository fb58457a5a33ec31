"""Gemini, paged by ``since_tid``, gives what the market has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.replay.candles import HOUR_MS
from tests.replay.conftest import HOUR, shape

PATH = "/v1/trades/btcusd"


def test_since_tid_walks_through_every_trade(replay, market):
    """``since_tid = largest tid``: each trade once; newest first inside a page."""
    page = replay.rows(PATH, timestamp=HOUR, limit_trades=500)
    found = []
    while page[-1]["timestampms"] < HOUR + HOUR_MS:
        found += reversed(page)
        page = replay.rows(PATH, since_tid=page[0]["tid"], limit_trades=500)
    found += reversed(page)
    found = [row for row in found if row["timestampms"] < HOUR + HOUR_MS]
    assert [
        (row["tid"], row["timestampms"], Decimal(row["price"]), Decimal(row["amount"]), row["type"])
        for row in found
    ] == [
        (t.id, t.time_ms, t.price, t.quantity, "sell" if t.buyer_is_maker else "buy")
        for t in market.trades("BTCUSD", HOUR, HOUR + HOUR_MS)
    ]


def test_seconds_and_milliseconds_are_the_same_moment(replay):
    """``timestamp`` may be given in either."""
    assert replay.rows(PATH, timestamp=HOUR) == replay.rows(PATH, timestamp=HOUR // 1000)


def test_the_newest_come_first(replay):
    """Without bounds 50 rows, newest first; 500 at most."""
    rows = replay.rows(PATH)
    assert len(rows) == 50
    assert rows == sorted(rows, key=lambda row: -row["tid"])
    assert len(replay.rows(PATH, limit_trades=9999)) == 500


def test_zero_is_the_beginning(replay):
    """``since_tid=0`` gives the earliest trades of all."""
    assert replay.rows(PATH, since_tid=0)[-1]["tid"] == 0


@pytest.mark.parametrize(
    ("path", "query", "reason"),
    [
        pytest.param("/v1/trades/nope", {}, "InvalidSymbol", id="symbol"),
        pytest.param('/v1/trades/a"b', {}, "InvalidSymbol", id="quote in the symbol"),
        pytest.param(PATH, {"since_tid": "x"}, "InvalidParameterValue", id="number"),
    ],
)
def test_refusals(replay, path, query, reason):
    """Status 400, a reason and a message."""
    answer = replay.get(path, **query)
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)


def test_the_shape_is_geminis(replay, recorded_body):
    """Keys, their order and JSON types are those that Gemini sent."""
    ours, theirs = replay.rows(PATH), recorded_body("gemini/trades/BTCUSD.json")
    assert shape(ours) == shape(theirs)
    assert list(ours[0]) == list(theirs[0])
