"""KuCoin: candles by time.

Strings in ``data`` after ``code``, newest first. ``startAt`` and ``endAt`` are seconds, the end
exclusive; of a range with more than 1,500 candles the newest come. A minute without trades has no
candle, the open one is shown. A refusal is a code in the body; codes are texts.
"""

from __future__ import annotations

from itertools import islice
from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.candles import DAY_MS, MONDAY_MS, WEEK_MS, Candle, Interval, minutes
from include.replay.digits import E8, trimmed
from include.replay.responses import ReplayRefusalError, World, array, route, whole
from include.replay.traded_bars import newest_first

QUOTES = ("USDT", "USDC", "EUR", "BTC", "ETH")
CANDLES = 1_500
_MINUTES = {
    "1min": 1, "3min": 3, "5min": 5, "15min": 15, "30min": 30, "1hour": 60, "2hour": 120,
    "4hour": 240, "6hour": 360, "8hour": 480, "12hour": 720,
}  # fmt: skip
_INTERVALS = {
    **{name: minutes(count) for name, count in _MINUTES.items()},
    "1day": Interval(length_ms=DAY_MS),
    "1week": Interval(length_ms=WEEK_MS, offset_ms=MONDAY_MS),
    "1month": Interval(months=1),
}


def routes(world: World) -> list[Route]:
    """The paths of api.kucoin.com that are answered here."""
    return [route("/api/v1/market/candles", candles, world=world)]


def refuse(status: int, code: str, message: str) -> NoReturn:
    """Say no as KuCoin does."""
    raise ReplayRefusalError(status, f'{{"code":"{code}","msg":"{message}"}}')


def candles(world: World, request: Request) -> Response:
    """Arrays of seven strings: time, open, close, high, low, volume, turnover."""
    symbol = _symbol(request)
    interval = _INTERVALS.get(request.query_params.get("type", ""))
    if interval is None:
        refuse(400, "400100", "Incorrect candlestick type.")
    now_ms = world.now_ms()
    end, start = _seconds(request, "endAt"), _seconds(request, "startAt")
    stop_ms = end * 1_000 if end else now_ms
    bars = newest_first(
        world.market, symbol, interval, (start or 0) * 1_000, stop_ms, until_ms=now_ms
    )
    page = map(_candle, islice(bars, CANDLES))
    return array(page, before='{"code":"200000","data":[', after="]}")


def _symbol(request: Request) -> str:
    base, _, quote = request.query_params.get("symbol", "").partition("-")
    if instruments.split(base + quote, quotes=QUOTES) != (base, quote):
        refuse(200, "900001", "symbol not exists")
    return base + quote


def _seconds(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value and whole(value) is None:
        refuse(400, "400100", f"{name} is invalid.")
    return whole(value)


def _candle(bar: Candle) -> str:
    amounts = (bar.open_e8, bar.close_e8, bar.high_e8, bar.low_e8, bar.volume_e8)
    cells = (*map(trimmed, amounts), trimmed(bar.turnover_e16 // E8))
    quoted = ",".join(f'"{cell}"' for cell in cells)
    return f'["{bar.open_ms // 1_000}",{quoted}]'
