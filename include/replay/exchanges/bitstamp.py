"""Bitstamp: ohlc, strings under ``data.ohlc``, oldest first.

With ``end`` the last ``limit`` bars up to and including it come, whatever ``start`` says: one pages
backwards with ``end = first - step``. With ``start`` alone the first ones from it on.
"""

from __future__ import annotations

from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.candles import Candle, Interval
from include.replay.digits import fixed, fixed8
from include.replay.responses import ReplayRefusalError, World, array, route, whole

QUOTES = ("USD", "EUR", "GBP", "USDT", "USDC", "BTC", "ETH")
STEPS_S = (60, 180, 300, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 259_200)
PAGE_ROWS = 1_000


def routes(world: World) -> list[Route]:
    """The paths of www.bitstamp.net that are answered here."""
    return [route("/api/v2/ohlc/{pair}/", ohlc, world=world)]


def refuse(status: int, code: str, field: str, message: str) -> NoReturn:
    """Say no as Bitstamp does."""
    error = f'{{"field":"{field}","message":"{message}","code":"{code}"}}'
    raise ReplayRefusalError(status, f'{{"code":"{code}","errors":[{error}]}}')


def ohlc(world: World, request: Request) -> Response:
    """Objects of strings, times in seconds; the open bar too, unless it is excluded."""
    symbol = str(request.path_params["pair"]).upper()
    pair = instruments.split(symbol, quotes=QUOTES)
    if pair is None:
        raise ReplayRefusalError(
            404, '{"code":"404.001","reason":"Pair not found.","status":"error"}'
        )
    interval, now_ms = _interval(request), world.now_ms()
    excluded = request.query_params.get("exclude_current_candle", "").lower() in ("true", "1")
    until_ms = interval.opening(now_ms) if excluded else now_ms
    first_ms, stop_ms = _bounds(request, interval, until_ms=until_ms)
    bars = world.market.candles(symbol, interval, max(first_ms, 0), stop_ms, until_ms=until_ms)
    decimals = world.market.instrument(symbol).price_decimals
    return array(
        (_bar(bar, decimals=decimals) for bar in bars),
        before='{"data":{"ohlc":[',
        after=f'],"pair":"{pair[0]}/{pair[1]}"}}}}',
    )


def _interval(request: Request) -> Interval:
    step_s = _number(request, "step")
    if step_s not in STEPS_S:
        refuse(400, "validation_error", "step", "Invalid step.")
    return Interval(length_ms=step_s * 1_000)


def _bounds(request: Request, interval: Interval, *, until_ms: int) -> tuple[int, int]:
    """The first and, exclusive, the last time at which a bar may open."""
    rows = _number(request, "limit")
    if rows is None or not 1 <= rows <= PAGE_ROWS:
        refuse(400, "validation_error", "limit", f"Limit must be between 1 and {PAGE_ROWS}.")
    start, end = _number(request, "start"), _number(request, "end")
    if start is not None and end is None:
        return start * 1_000, interval.step(interval.opening(start * 1_000 - 1), bars=rows + 1)
    stop_ms = until_ms if end is None else min(end * 1_000 + 1, until_ms)
    return interval.step(interval.opening(stop_ms - 1), bars=1 - rows), stop_ms


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value and whole(value) is None:
        refuse(400, "validation_error", name, "A valid integer is required.")
    return whole(value)


def _bar(bar: Candle, *, decimals: int) -> str:
    prices = (bar.open_e8, bar.high_e8, bar.low_e8, bar.close_e8)
    opening, high, low, close = (fixed(price, decimals=decimals) for price in prices)
    return (
        f'{{"timestamp":"{bar.open_ms // 1_000}","open":"{opening}","high":"{high}",'
        f'"low":"{low}","close":"{close}","volume":"{fixed8(bar.volume_e8)}"}}'
    )
