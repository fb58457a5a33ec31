"""Bitfinex: trades and candles by time.

Arrays of JSON numbers. ``start`` and ``end`` are milliseconds, both inclusive; ``sort=1`` gives the
oldest rows of the range first, otherwise the newest come, newest first. At most 10,000 rows. The
amount of a trade is negative where the taker sold. A minute without trades has no candle, the
open one is shown. A refusal is an array, its status 500.
"""

from __future__ import annotations

from itertools import islice
from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.candles import DAY_MS, HOUR_MS, MONDAY_MS, WEEK_MS, Candle, Interval, minutes
from include.replay.digits import trimmed
from include.replay.market import Trade
from include.replay.responses import ReplayRefusalError, World, array, route, whole
from include.replay.traded_bars import newest_first, oldest_first

QUOTES = ("USD", "EUR", "GBP", "JPY", "BTC", "ETH")
PAGE_ROWS = 10_000
_INTERVALS = {
    **{f"{count}m": minutes(count) for count in (1, 5, 15, 30)},
    **{f"{count}h": Interval(length_ms=count * HOUR_MS) for count in (1, 3, 6, 12)},
    "1D": Interval(length_ms=DAY_MS), "1M": Interval(months=1),
    "1W": Interval(length_ms=WEEK_MS, offset_ms=MONDAY_MS),
    "14D": Interval(length_ms=2 * WEEK_MS, offset_ms=MONDAY_MS),
}  # fmt: skip


def routes(world: World) -> list[Route]:
    """The paths of api-pub.bitfinex.com that are answered here."""
    return [
        route("/v2/trades/{symbol}/hist", trades, world=world),
        route("/v2/candles/{key}/hist", candles, world=world),
    ]


def refuse(problem: str) -> NoReturn:
    """Say no as Bitfinex does."""
    raise ReplayRefusalError(500, f'["error",10020,"{problem}"]')


def trades(world: World, request: Request) -> Response:
    """Arrays of id, milliseconds, amount, price."""
    symbol = _symbol(str(request.path_params["symbol"]))
    rows, market, now_ms = _rows(request, default=125), world.market, world.now_ms()
    start, end = _number(request, "start"), _number(request, "end")
    first = market.id_at(symbol, start or 0)
    stop = market.id_at(symbol, now_ms if end is None else min(end + 1, now_ms))
    if request.query_params.get("sort") == "1":
        page = list(market.trades_by_id(symbol, first, min(stop, first + rows)))
    else:
        page = list(market.trades_by_id(symbol, max(first, stop - rows), stop))[::-1]
    return array(map(_trade, page))


def candles(world: World, request: Request) -> Response:
    """Arrays of milliseconds, open, close, high, low, volume."""
    kind, _, rest = str(request.path_params["key"]).partition(":")
    name, _, traded = rest.partition(":")
    interval = _INTERVALS.get(name)
    if kind != "trade" or interval is None:
        refuse("key: invalid")
    symbol, rows, now_ms = _symbol(traded), _rows(request, default=100), world.now_ms()
    start, end = _number(request, "start"), _number(request, "end")
    stop_ms = now_ms if end is None else end + 1
    walk = oldest_first if request.query_params.get("sort") == "1" else newest_first
    bars = walk(world.market, symbol, interval, start or 0, stop_ms, until_ms=now_ms)
    return array(map(_candle, islice(bars, rows)))


def _symbol(name: str) -> str:
    if name[:1] != "t" or instruments.split(name[1:], quotes=QUOTES) is None:
        refuse("symbol: invalid")
    return name[1:]


def _rows(request: Request, *, default: int) -> int:
    rows = _number(request, "limit")
    if rows is not None and not 1 <= rows <= PAGE_ROWS:
        refuse("limit: invalid")
    return rows or default


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value and whole(value) is None:
        refuse(f"{name}: invalid")
    return whole(value)


def _trade(trade: Trade) -> str:
    sign = "-" if trade.buyer_is_maker else ""
    amount, price = trimmed(trade.quantity_e8), trimmed(trade.price_e8)
    return f"[{trade.id},{trade.time_ms},{sign}{amount},{price}]"


def _candle(bar: Candle) -> str:
    cells = (bar.open_e8, bar.close_e8, bar.high_e8, bar.low_e8, bar.volume_e8)
    return f"[{bar.open_ms},{','.join(map(trimmed, cells))}]"
