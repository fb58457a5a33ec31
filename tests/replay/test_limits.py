"""Rate limits strike by the market's clock, and headers tell of them before."""

from __future__ import annotations

import pytest
import requests

from include.replay.limits import REAL, Limit
from include.replay.server import app, running
from tests.replay.conftest import NOW, ReplayClient

MINUTE = 60_000
KLINE = {"symbol": "BTCUSDT", "interval": "1m", "limit": 1}


class MarketClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_ms = NOW - NOW % MINUTE

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock():
    return MarketClock()


@pytest.fixture
def limited(market, clock):
    """A server with small limits, by *clock*."""
    limits = {
        "binance": Limit(budget=6, window_ms=MINUTE),
        "kraken": Limit(budget=2, window_ms=1_000),
        "bybit": Limit(budget=2, window_ms=5_000),
        "gemini": Limit(budget=2, window_ms=MINUTE),
        "kucoin": Limit(budget=6, window_ms=30_000),
        "gate": Limit(budget=2, window_ms=10_000),
        "bitmex": Limit(budget=2, window_ms=MINUTE),
    }
    application = app(market=market, now_ms=clock, limits=limits)
    with running(application) as url, requests.Session() as session:
        yield ReplayClient(url, session)


def test_binance_tells_the_weight_and_then_how_long_to_wait(limited, clock):
    """Weights add up over a minute; over the budget 429 says when the minute ends."""
    clock.now_ms += 18_000
    answers = [limited.get("/api/v3/klines", **KLINE) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["X-MBX-USED-WEIGHT-1M"] for answer in answers] == ["2", "4", "6", "8"]
    assert answers[3].headers["Retry-After"] == "42"
    clock.now_ms += 42_000
    assert limited.get("/api/v3/klines", **KLINE).status_code == 200


def test_binance_bans_those_who_go_on(limited, clock):
    """418 with the rest of the ban in Retry-After, also in the next minute, until it ends."""
    answers = [limited.get("/api/v3/klines", **KLINE) for _ in range(14)]
    assert [answer.status_code for answer in answers][-2:] == [429, 418]
    clock.now_ms += MINUTE
    banned = limited.get("/api/v3/klines", **KLINE)
    assert (banned.status_code, banned.headers["Retry-After"]) == (418, "60")
    assert str(clock.now_ms + MINUTE) in banned.json()["msg"]
    clock.now_ms += MINUTE
    assert limited.get("/api/v3/klines", **KLINE).status_code == 200


def test_kraken_says_it_with_status_200(limited):
    """An error in the envelope, no header."""
    answers = [limited.get("/0/public/Trades", pair="XBTUSD", count=1) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[2].json() == {"error": ["EAPI:Rate limit exceeded"]}


def test_bybit_counts_down_and_blocks(limited, clock):
    """Headers count down to 403."""
    answers = [limited.get("/v5/market/kline", symbol="BTCUSDT", interval=1) for _ in range(3)]
    assert [answer.headers["X-Bapi-Limit-Status"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].status_code == 403
    assert int(answers[2].headers["X-Bapi-Limit-Reset-Timestamp"]) == clock.now_ms + 5_000


def test_kucoin_says_how_much_is_left_and_for_how_long(limited, clock):
    """A request for candles weighs 3; the quota is renewed in so many milliseconds."""
    clock.now_ms += 18_000
    query = {"symbol": "BTC-USDT", "type": "1min"}
    answers = [limited.get("/api/v1/market/candles", **query) for _ in range(3)]
    assert [answer.headers["gw-ratelimit-remaining"] for answer in answers] == ["3", "0", "0"]
    assert answers[2].headers["gw-ratelimit-reset"] == "12000"
    assert (answers[2].status_code, answers[2].json()["code"]) == (429, "429000")


@pytest.mark.parametrize(
    ("path", "query", "left", "reset", "ends_in_ms"),
    [
        pytest.param(
            "/api/v4/spot/trades", {"currency_pair": "BTC_USDT"},
            "X-Gate-RateLimit-Requests-Remain", "X-Gate-RateLimit-Reset-Timestamp", 10_000,
            id="gate",
        ),
        pytest.param(
            "/api/v1/trade", {"symbol": "XBTUSD"}, "x-ratelimit-remaining", "x-ratelimit-reset",
            MINUTE, id="bitmex",
        ),
    ],
)  # fmt: skip
def test_some_say_when_the_quota_is_renewed(limited, clock, path, query, left, reset, ends_in_ms):
    """In seconds since 1970, in headers of their own."""
    answers = [limited.get(path, **query) for _ in range(3)]
    assert [answer.headers[left] for answer in answers] == ["1", "0", "0"]
    assert int(answers[2].headers[reset]) * 1_000 == clock.now_ms + ends_in_ms
    assert answers[2].status_code == 429


def test_others_have_the_drafts_headers(limited):
    """``ratelimit-remaining`` counts down to 429."""
    answers = [limited.get("/v1/trades/btcusd") for _ in range(3)]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].status_code == 429


def test_what_has_no_limit_is_not_limited(limited):
    """Families that are not named, and the replay's own paths."""
    assert all(limited.get("/products").status_code == 200 for _ in range(4))
    assert all(limited.get("/_replay/health").status_code == 200 for _ in range(4))
    assert {limit.budget > 0 for limit in REAL.values()} == {True}
