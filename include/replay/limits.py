"""Rate limits: refuse a client that sends more than its exchange allows.

Off by default, as a minute of a market with a stopped clock never ends. Each family of
paths has a budget per window of time, counted in the exchange's own unit (Binance: weights), by
the market's clock, so that a test moves both at once. The used quota is reported in the exchange's
own headers; if it has none, in the ``ratelimit-*`` headers of the IETF's draft. Over the quota the
exchange refuses in its own way, and Binance bans clients that continue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from include.replay.error_responses import Family, family
from include.replay.request_log import is_own
from include.replay.responses import JSON

_BAN_MS = 120_000
_PATIENCE = 10  # requests over the budget before Binance bans
_WEIGHTS = {
    "/api/v3/klines": 2, "/api/v3/aggTrades": 4, "/api/v3/trades": 25,
    "/api/v3/historicalTrades": 25, "/api/v3/ticker/24hr": 80, "/api/v1/market/candles": 3,
    "/info": 20,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So much per window of time."""

    budget: int
    window_ms: int


REAL: Mapping[str, Limit] = {
    "binance": Limit(budget=6_000, window_ms=60_000),
    "coinbase": Limit(budget=10, window_ms=1_000),
    "kraken": Limit(budget=1, window_ms=1_000),
    "okx": Limit(budget=20, window_ms=2_000),
    "bybit": Limit(budget=600, window_ms=5_000),
    "coingecko": Limit(budget=30, window_ms=60_000),
    "bitstamp": Limit(budget=400, window_ms=1_000),
    "gemini": Limit(budget=120, window_ms=60_000),
    "kucoin": Limit(budget=2_000, window_ms=30_000),
    "bitfinex": Limit(budget=15, window_ms=60_000),
    "gate": Limit(budget=200, window_ms=10_000),
    "bitmex": Limit(budget=30, window_ms=60_000),
    "deribit": Limit(budget=20, window_ms=1_000),
    "hyperliquid": Limit(budget=1_200, window_ms=60_000),
    "upbit": Limit(budget=10, window_ms=1_000),
    "htx": Limit(budget=10, window_ms=1_000),
}


@dataclass(slots=True, kw_only=True)
class _Use:
    window: int = -1
    used: int = 0
    refused: int = 0
    banned_until_ms: int = 0


class Limited:
    """Refuses what goes over *limits*, which are per family and for all clients together."""

    def __init__(
        self, app: ASGIApp, *, limits: Mapping[str, Limit], now_ms: Callable[[], int]
    ) -> None:
        self._app = app
        self._limits = limits
        self._now_ms = now_ms
        self._uses: dict[str, _Use] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        words = family(scope.get("path", ""))
        limit = self._limits.get(words.name)
        if scope["type"] != "http" or is_own(scope["path"]) or limit is None:
            await self._app(scope, receive, send)
            return
        now_ms = self._now_ms()
        use = self._use(words, limit, weight=_WEIGHTS.get(scope["path"], 1), now_ms=now_ms)
        ends_ms = (use.window + 1) * limit.window_ms

        async def with_quota(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                _tell(headers, words, limit, use, ends_ms=ends_ms, now_ms=now_ms)
            await send(message)

        app = self._app
        if use.banned_until_ms > now_ms:
            app = _banned(words, use, now_ms=now_ms)
        elif use.used > limit.budget:
            app = _refused(words, wait_s=-(-(ends_ms - now_ms) // 1_000))
        await app(scope, receive, with_quota)

    def _use(self, words: Family, limit: Limit, *, weight: int, now_ms: int) -> _Use:
        """Count this request."""
        use = self._uses.setdefault(words.name, _Use())
        if use.window != now_ms // limit.window_ms:
            use.window, use.used, use.refused = now_ms // limit.window_ms, 0, 0
        use.used += weight
        use.refused += use.used > limit.budget
        if words.name == "binance" and use.refused > _PATIENCE and use.banned_until_ms <= now_ms:
            use.banned_until_ms = now_ms + _BAN_MS
        return use


def _tell(
    headers: MutableHeaders, words: Family, limit: Limit, use: _Use, *, ends_ms: int, now_ms: int
) -> None:
    left = max(limit.budget - use.used, 0)
    if words.name == "binance":
        headers["X-MBX-USED-WEIGHT"] = headers["X-MBX-USED-WEIGHT-1M"] = str(use.used)
    elif words.name == "bybit":
        headers["X-Bapi-Limit"] = str(limit.budget)
        headers["X-Bapi-Limit-Status"] = str(left)
        headers["X-Bapi-Limit-Reset-Timestamp"] = str(ends_ms)
    elif words.name == "kucoin":
        headers["gw-ratelimit-limit"] = str(limit.budget)
        headers["gw-ratelimit-remaining"] = str(left)
        headers["gw-ratelimit-reset"] = str(ends_ms - now_ms)
    elif words.name == "gate":
        headers["X-Gate-RateLimit-Limit"] = str(limit.budget)
        headers["X-Gate-RateLimit-Requests-Remain"] = str(left)
        headers["X-Gate-RateLimit-Reset-Timestamp"] = str(ends_ms // 1_000)
    elif words.name == "bitmex":
        headers["x-ratelimit-limit"] = str(limit.budget)
        headers["x-ratelimit-remaining"] = str(left)
        headers["x-ratelimit-reset"] = str(ends_ms // 1_000)
    else:
        headers["ratelimit-limit"] = str(limit.budget)
        headers["ratelimit-remaining"] = str(left)
        headers["ratelimit-reset"] = str(-(-limit.window_ms // 1_000))


def _refused(words: Family, *, wait_s: int) -> Response:
    """Kraken says it with status 200, Bybit with 403; Binance and CoinGecko say how long."""
    status = {"kraken": 200, "bybit": 403}.get(words.name, 429)
    later = {"Retry-After": str(wait_s)} if words.name in ("binance", "coingecko") else {}
    return Response(words.limited, status, later, JSON)


def _banned(words: Family, use: _Use, *, now_ms: int) -> Response:
    body = words.banned.replace("{until_ms}", str(use.banned_until_ms))
    wait_s = -(-(use.banned_until_ms - now_ms) // 1_000)
    return Response(body, 418, {"Retry-After": str(wait_s)}, JSON)
