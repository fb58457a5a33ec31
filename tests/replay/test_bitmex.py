"""BitMEX, paged by offset within a range, gives what the market has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.replay.candles import HOUR_MS
from include.replay.exchanges.bitmex import match_id, size
from include.replay.time_formats import iso_ms
from tests.replay.conftest import HOUR, shape

PATH = "/api/v1/trade"
RANGE = {"symbol": "XBTUSD", "startTime": iso_ms(HOUR), "endTime": iso_ms(HOUR + HOUR_MS - 1)}


def test_offsets_hold_every_trade_of_the_range(replay, market):
    """Oldest first, whatever shares a millisecond at the edge of two pages."""
    found, page = [], [{}]
    while page:
        page = replay.rows(PATH, **RANGE, count=1000, start=len(found))
        found += page
    assert [(row["trdMatchID"], row["timestamp"], row["size"]) for row in found] == [
        (match_id(t.id), iso_ms(t.time_ms), size(t))
        for t in market.trades("BTCUSD", HOUR, HOUR + HOUR_MS)
    ]
    assert all(Decimal(row["homeNotional"]).scaleb(8) == row["grossValue"] for row in found)


def test_both_ends_belong_to_the_range(replay, market):
    """A trade at ``startTime`` and at ``endTime`` comes."""
    trade = market.trade("BTCUSD", market.id_at("BTCUSD", HOUR))
    at = iso_ms(trade.time_ms)
    rows = replay.rows(PATH, symbol="XBTUSD", startTime=at, endTime=at)
    assert match_id(trade.id) in [row["trdMatchID"] for row in rows]


def test_reverse_gives_the_newest_first(replay, market):
    """And ``start`` skips the newest."""
    stop = market.id_at("BTCUSD", HOUR + HOUR_MS)
    rows = replay.rows(PATH, **RANGE, reverse="true", count=2, start=1)
    assert [row["trdMatchID"] for row in rows] == [match_id(stop - 2), match_id(stop - 3)]


@pytest.mark.parametrize("query", [{"count": 1001}, {"startTime": "x"}, {"start": "x"}], ids=str)
def test_refusals_have_a_name_and_a_message(replay, query):
    """And status 400; a symbol that nobody knows is no refusal."""
    answer = replay.get(PATH, **(RANGE | query))
    assert (answer.status_code, answer.json()["error"]["name"]) == (400, "ValidationError")
    assert replay.rows(PATH, symbol="NOPEUSD") == []


def test_the_shape_is_bitmexs(replay, recorded_body):
    """Keys and JSON types are those that BitMEX sent."""
    theirs = recorded_body("../recorded_more/bitmex/trade/trade_reverse_true_symbol_XBTUSD.json")
    ours = replay.rows(PATH, symbol="XBTUSD", reverse="true")
    assert shape(ours) == shape(theirs)
    assert list(ours[0]) == list(theirs[0])
    assert len(ours) == len(theirs) == 100
