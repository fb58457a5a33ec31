"""Hyperliquid: candles and funding rates, asked for by POST with a JSON body.

Oldest first, times in milliseconds, both ends inclusive. Of the candles there are the last 5,000
only, the open one among them; of a longer range of funding rates the first 500 come. What is not
understood has status 422, an unknown coin status 500 and ``null``.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, NoReturn

from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.candles import DAY_MS, HOUR_MS, MONDAY_MS, WEEK_MS, Candle, Interval, minutes
from include.replay.digits import trimmed
from include.replay.funding import Funding, payments
from include.replay.responses import ReplayRefusalError, World, array, post_route

CANDLES = 5_000
FUNDING_ROWS = 500
_INTERVALS = {
    **{f"{count}m": minutes(count) for count in (1, 3, 5, 15, 30)},
    **{f"{count}h": Interval(length_ms=count * HOUR_MS) for count in (1, 2, 4, 8, 12)},
    **{f"{count}d": Interval(length_ms=count * DAY_MS) for count in (1, 3)},
    "1w": Interval(length_ms=WEEK_MS, offset_ms=MONDAY_MS), "1M": Interval(months=1),
}  # fmt: skip


def routes(world: World) -> list[Route]:
    """The path of api.hyperliquid.xyz that is answered here."""
    return [post_route("/info", info, world=world)]


def info(world: World, body: object) -> Response:
    """What ``type`` names."""
    asked = body if isinstance(body, dict) else {}
    if asked.get("type") == "fundingHistory":
        return funding_history(world, asked)
    if asked.get("type") != "candleSnapshot" or not isinstance(asked.get("req"), dict):
        _misunderstood()
    return candles(world, asked["req"])


def candles(world: World, asked: Mapping[str, Any]) -> Response:
    """Objects with names of one letter; numbers are texts, but for the times and the count."""
    symbol, interval = _symbol(asked), _INTERVALS.get(asked.get("interval", ""))
    if interval is None:
        _misunderstood()
    now_ms = world.now_ms()
    oldest_ms = interval.step(interval.opening(now_ms), bars=1 - CANDLES)
    start_ms = max(_moment_ms(asked, "startTime", default=None), oldest_ms)
    stop_ms = _moment_ms(asked, "endTime", default=now_ms) + 1
    bars = world.market.candles(symbol, interval, start_ms, stop_ms, until_ms=now_ms)
    return array(_candle(bar, asked) for bar in bars)


def funding_history(world: World, asked: Mapping[str, Any]) -> Response:
    """Rates and premiums as texts, some milliseconds after the full hour."""
    symbol, now_ms = _symbol(asked), world.now_ms()
    start_ms = _moment_ms(asked, "startTime", default=None)
    stop_ms = min(_moment_ms(asked, "endTime", default=now_ms) + 1, now_ms)
    made = payments(world.market, symbol, start_ms, stop_ms, period_ms=HOUR_MS)
    return array(_funding(each, asked["coin"]) for each in islice(made, FUNDING_ROWS))


def premium_e8(funding: Funding) -> int:
    """What the rate comes from."""
    return funding.rate_e8 * 8 - 50_000


def _misunderstood() -> NoReturn:
    raise ReplayRefusalError(422, '"Failed to deserialize the JSON body into the target type"')


def _symbol(asked: Mapping[str, Any]) -> str:
    symbol = f"{asked.get('coin', '')}USD"
    if instruments.split(symbol, quotes=("USD",)) is None:
        raise ReplayRefusalError(500, "null")
    return symbol


def _moment_ms(asked: Mapping[str, Any], name: str, *, default: int | None) -> int:
    moment = asked.get(name, default)
    if not isinstance(moment, int) or isinstance(moment, bool):
        _misunderstood()
    return moment


def _candle(bar: Candle, asked: Mapping[str, Any]) -> str:
    opening, high, low, close, volume = map(trimmed, bar[2:7])
    return (
        f'{{"t":{bar.open_ms},"T":{bar.end_ms - 1},"s":"{asked["coin"]}",'
        f'"i":"{asked["interval"]}","o":"{opening}","c":"{close}","h":"{high}","l":"{low}",'
        f'"v":"{volume}","n":{bar.trades}}}'
    )


def _funding(made: Funding, coin: str) -> str:
    return (
        f'{{"coin":"{coin}","fundingRate":"{trimmed(made.rate_e8)}",'
        f'"premium":"{trimmed(premium_e8(made))}","time":{made.paid_ms}}}'
    )
