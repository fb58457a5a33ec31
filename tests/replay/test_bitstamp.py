"""Bitstamp, paged backwards, gives what the market has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.replay.candles import HOUR_MS, minutes
from tests.replay.conftest import HOUR, NOW, shape

PATH = "/api/v2/ohlc/btcusd/"


def test_end_walks_back(replay, market):
    """``end = first - step``: each bar once; ``end`` itself comes."""
    end, found = (HOUR + 4 * HOUR_MS) // 1000 - 60, []
    while end * 1000 >= HOUR - 40 * HOUR_MS:
        page = replay.rows(PATH, step=60, limit=1000, end=end)["data"]["ohlc"]
        assert int(page[-1]["timestamp"]) == end
        found = page + found
        end = int(page[0]["timestamp"]) - 60
    bars = market.candles(
        "BTCUSD", minutes(1), int(found[0]["timestamp"]) * 1000, HOUR + 4 * HOUR_MS, until_ms=NOW
    )
    assert [
        (int(row["timestamp"]) * 1000, Decimal(row["close"]), Decimal(row["volume"]))
        for row in found
    ] == [
        (bar.open_ms, Decimal(bar.close_e8).scaleb(-8), Decimal(bar.volume_e8).scaleb(-8))
        for bar in bars
    ]


def test_end_wins_over_start(replay):
    """With both, bars before start come too."""
    both = replay.rows(PATH, step=60, limit=10, end=HOUR // 1000, start=HOUR // 1000)
    assert both == replay.rows(PATH, step=60, limit=10, end=HOUR // 1000)
    assert len(both["data"]["ohlc"]) == 10


def test_start_alone_goes_forward(replay):
    """The first ``limit`` bars from start on."""
    rows = replay.rows(PATH, step=60, limit=2, start=HOUR // 1000)["data"]["ohlc"]
    assert [int(row["timestamp"]) * 1000 - HOUR for row in rows] == [0, 60_000]


def test_the_current_candle_can_be_left_out(replay):
    """It is there unless it is excluded."""
    query = {"step": 3600, "limit": 5}
    with_it = replay.rows(PATH, **query)["data"]["ohlc"]
    without = replay.rows(PATH, exclude_current_candle="true", **query)["data"]["ohlc"]
    assert int(with_it[-1]["timestamp"]) * 1000 == NOW - NOW % HOUR_MS
    assert without[1:] == with_it[:-1]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        pytest.param("/api/v2/ohlc/nope/", {"step": 60, "limit": 1}, 404, id="pair"),
        pytest.param(PATH, {"limit": 1}, 400, id="no step"),
        pytest.param(PATH, {"step": 61, "limit": 1}, 400, id="step"),
        pytest.param(PATH, {"step": 60, "limit": 1001}, 400, id="limit"),
        pytest.param(PATH, {"step": 60, "limit": 1, "end": "x"}, 400, id="end"),
    ],
)
def test_refusals(replay, path, query, status):
    """A status and a code."""
    answer = replay.get(path, **query)
    assert answer.status_code == status
    assert "code" in answer.json()


def test_the_shape_is_bitstamps(replay, recorded_body):
    """Keys and JSON types are those that Bitstamp sent."""
    name = "gct_btcusd_end_1577836799_limit_10_start_1546300800_step_60.json"
    theirs = recorded_body(f"bitstamp/ohlc_btcusd/{name}")
    assert shape(replay.rows(PATH, step=60, limit=10)) == shape(theirs)
