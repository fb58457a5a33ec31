"""Funding rates: every eight hours, once."""

from __future__ import annotations

from include.replay.candles import DAY_MS
from include.replay.funding import payments
from tests.replay.conftest import HOUR, NOW, shape

PATH = "/fapi/v1/fundingRate"


def test_a_walk_by_time_gives_every_payment(replay, market):
    """``startTime = last fundingTime + 1`` walks on without losing or repeating one."""
    start, found = HOUR - 300 * DAY_MS, []
    while page := replay.rows(PATH, symbol="BTCUSDT", startTime=start, endTime=HOUR, limit=100):
        found += page
        start = page[-1]["fundingTime"] + 1
    truth = list(payments(market, "BTCUSDT", HOUR - 300 * DAY_MS, HOUR + 1))
    assert [row["fundingTime"] for row in found] == [made.paid_ms for made in truth]
    assert len(found) == 900
    assert any(made.paid_ms != made.due_ms for made in truth), "payments are made late"


def test_the_newest_come_without_bounds(replay):
    """200 payments, the last of them less than eight hours ago."""
    rows = replay.rows(PATH, symbol="BTCUSDT")
    assert len(rows) == 200
    assert NOW - DAY_MS // 3 <= rows[-1]["fundingTime"] < NOW
    assert len(replay.rows(PATH, symbol="BTCUSDT", limit=3)) == 3
    assert len(replay.rows(PATH, symbol="BTCUSDT", endTime=HOUR)) == 100


def test_all_perpetuals_come_without_a_symbol(replay):
    """Ordered by time, then one row of each symbol."""
    rows = replay.rows(PATH, startTime=HOUR - DAY_MS, endTime=HOUR, limit=1000)
    times = [row["fundingTime"] for row in rows]
    assert times == sorted(times)
    assert len({row["symbol"] for row in rows}) * 3 == len(rows)


def test_unknown_symbols_are_refused(replay):
    """As on spot."""
    answer = replay.get(PATH, symbol="NOPE")
    assert (answer.status_code, answer.json()["code"]) == (400, -1121)


def test_the_shape_is_binances(replay, recorded_body):
    """Every key that Binance sent has the same type; ``markPrice`` is newer than the recording."""
    (ours,) = shape(replay.rows(PATH, symbol="BTCUSDT", limit=1))
    assert ours.pop("markPrice") == "string"
    name = "binance/fapi_fundingRate/gct_fundingRate_limit_1_symbol_BTCUSDT.json"
    assert [ours] == shape(recorded_body(name))
