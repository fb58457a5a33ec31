"""Hyperliquid, asked by POST, gives what the market has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.replay.candles import DAY_MS, HOUR_MS, minutes
from include.replay.funding import payments
from tests.replay.conftest import HOUR, NOW, exact


@pytest.fixture
def post(replay):
    """A function: the JSON of a body -> status and JSON of the answer."""

    def ask(body: object) -> tuple[int, object]:
        answer = replay.session.post(f"{replay.url}/info", json=body, timeout=30)
        return answer.status_code, exact(answer.content)

    return ask


def candles(**req: object) -> dict[str, object]:
    return {"type": "candleSnapshot", "req": {"coin": "BTC", "interval": "1m"} | req}


def test_candles_come_oldest_first_with_both_ends(post, market):
    """Numbers are texts; ``T`` is the last millisecond."""
    status, rows = post(candles(startTime=HOUR, endTime=HOUR + HOUR_MS))
    bars = market.candles("BTCUSD", minutes(1), HOUR, HOUR + HOUR_MS + 1, until_ms=NOW)
    assert status == 200
    assert [
        (row["t"], row["T"], int(Decimal(row["o"]).scaleb(8)), int(Decimal(row["v"]).scaleb(8)))
        for row in rows
    ] == [(bar.open_ms, bar.end_ms - 1, bar.open_e8, bar.volume_e8) for bar in bars]


def test_there_are_the_last_5000_candles_only(post):
    """The open one among them; before that there is nothing, and no error."""
    _, rows = post(candles(startTime=1))
    assert len(rows) == 5_000
    assert rows[-1]["t"] == NOW - NOW % 60_000
    assert post(candles(startTime=1, endTime=rows[0]["t"] - 1)) == (200, [])


def test_of_a_long_range_the_first_500_rates_come(post, market):
    """The next range starts with the last time, which comes again."""
    found, start = {}, HOUR - 40 * DAY_MS
    while True:
        _, rows = post(
            {"type": "fundingHistory", "coin": "BTC", "startTime": start, "endTime": HOUR}
        )
        found |= {row["time"]: row for row in rows}
        if len(rows) < 500:
            break
        start = rows[-1]["time"]
    made = payments(market, "BTCUSD", HOUR - 40 * DAY_MS, HOUR + 1, period_ms=HOUR_MS)
    assert [(row["time"], Decimal(row["fundingRate"]).scaleb(8)) for row in found.values()] == [
        (each.paid_ms, each.rate_e8) for each in made
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(candles(startTime=1, coin="NOPE"), 500, id="coin"),
        pytest.param(candles(startTime="1"), 422, id="a text"),
        pytest.param(candles(), 422, id="no start"),
        pytest.param(candles(startTime=1, interval="2m"), 422, id="interval"),
        pytest.param({"type": "fundingHistory", "coin": "BTC"}, 422, id="no start of rates"),
        pytest.param({"type": "nothing"}, 422, id="type"),
        pytest.param([], 422, id="no object"),
    ],
)
def test_refusals_have_a_status(post, body, status):
    """And hardly a word."""
    assert post(body)[0] == status
