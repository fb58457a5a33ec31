"""KuCoin, asked by ranges, gives what the market has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.replay.candles import HOUR_MS, minutes
from tests.replay.conftest import HOUR, NOW

PATH = "/api/v1/market/candles"
ASKED = {"symbol": "BTC-USDT", "type": "1min"}


def test_a_range_comes_newest_first_without_its_end(replay, market):
    """Each candle once, as strings; the one that opens at ``endAt`` is the next range's."""
    found = replay.rows(PATH, **ASKED, startAt=HOUR // 1000, endAt=(HOUR + HOUR_MS) // 1000)
    bars = market.candles("BTCUSDT", minutes(1), HOUR, HOUR + HOUR_MS, until_ms=NOW)
    assert found["code"] == "200000"
    assert [
        (int(row[0]) * 1000, *(int(Decimal(cell).scaleb(8)) for cell in row[1:6]))
        for row in reversed(found["data"])
    ] == [
        (bar.open_ms, bar.open_e8, bar.close_e8, bar.high_e8, bar.low_e8, bar.volume_e8)
        for bar in bars
    ]


def test_of_a_long_range_the_newest_1500_come(replay):
    """What lies before them must be asked for in another range."""
    rows = replay.rows(PATH, **ASKED, startAt=1, endAt=HOUR // 1000)["data"]
    assert len(rows) == 1_500
    assert int(rows[0][0]) - int(rows[-1][0]) == 1_499 * 60
    assert int(rows[0][0]) == HOUR // 1000 - 60


def test_the_open_candle_is_shown(replay):
    """Without a range, the newest comes first."""
    assert int(replay.rows(PATH, **ASKED)["data"][0][0]) * 1000 == NOW - NOW % 60_000


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        pytest.param({"symbol": "BTCUSDT"}, 200, "900001", id="no dash"),
        pytest.param({"symbol": "NOPE-USDT"}, 200, "900001", id="unknown"),
        pytest.param({"type": "1m"}, 400, "400100", id="interval"),
        pytest.param({"startAt": "x"}, 400, "400100", id="time"),
    ],
)
def test_refusals_have_a_code(replay, query, status, code):
    """It is a text, and there is no data."""
    answer = replay.get(PATH, **(ASKED | query))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "data" not in answer.json()
