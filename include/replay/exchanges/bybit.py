"""Bybit v5: kline, recent-trade, funding history.

``result.list`` after ``retCode`` and ``retMsg``, newest first, strings throughout. A window with
more rows than ``limit`` gives its newest ones. Recent trades have no way back: 60 on spot, 1,000
elsewhere. Refusals are a ``retCode`` with status 200.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.candles import DAY_MS, MONDAY_MS, WEEK_MS, Candle, Interval, minutes
from include.replay.digits import E8, trimmed
from include.replay.funding import PERIOD_MS, Funding, payments
from include.replay.market import Trade
from include.replay.responses import ReplayRefusalError, World, array, route, whole

QUOTES = {
    "spot": ("USDT", "USDC", "EUR", "BRL", "BTC", "ETH"),
    "linear": ("USDT", "USDC"),
    "inverse": ("USD",),
}
_MINUTES = (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)
_INTERVALS = {
    **{str(count): minutes(count) for count in _MINUTES},
    "D": Interval(length_ms=DAY_MS),
    "W": Interval(length_ms=WEEK_MS, offset_ms=MONDAY_MS),
    "M": Interval(months=1),
}
_PER_SECOND = 600


def routes(world: World) -> list[Route]:
    """The paths of api.bybit.com that are answered here."""
    return [
        route("/v5/market/kline", klines, world=world),
        route("/v5/market/recent-trade", recent_trades, world=world),
        route("/v5/market/funding/history", funding_history, world=world),
    ]


def klines(world: World, request: Request) -> Response:
    """Arrays of seven strings: start, open, high, low, close, volume, turnover."""
    symbol, category = _symbol(world, request, default="linear")
    interval = _INTERVALS.get(request.query_params.get("interval", ""))
    if interval is None:
        _refuse(world, "Invalid period!")
    rows = _rows(world, request, default=200, most=1_000)
    now_ms = world.now_ms()
    first, last = _moment(world, request, "start"), _moment(world, request, "end")
    stop_ms = min(now_ms if last is None else last, now_ms) + 1
    if first is not None and last is None:
        grid = interval.opening(first - 1)
        stop_ms = min(stop_ms, interval.step(grid, bars=rows + 1))
    start_ms = interval.step(interval.opening(stop_ms - 1), bars=1 - rows)
    start_ms = max(start_ms, first or 0, 0)
    bars = list(world.market.candles(symbol, interval, start_ms, stop_ms, until_ms=now_ms))
    head = f'"symbol":"{symbol}","category":"{category}"'
    return _page(world, map(_kline, reversed(bars)), head=head)


def recent_trades(world: World, request: Request) -> Response:
    """The newest trades; a client that polls too seldom misses some."""
    symbol, category = _symbol(world, request, default=None)
    spot = category == "spot"
    rows = _rows(world, request, default=60 if spot else 500, most=60 if spot else 1_000)
    stop = world.market.id_at(symbol, world.now_ms())
    page = list(world.market.trades_by_id(symbol, stop - rows, stop))
    cells = (_trade(trade, symbol, spot=spot) for trade in reversed(page))
    return _page(world, cells, head=f'"category":"{category}"')


def funding_history(world: World, request: Request) -> Response:
    """Objects symbol, fundingRate, fundingRateTimestamp; a startTime needs an endTime."""
    symbol, category = _symbol(world, request, default=None)
    if category == "spot":
        _refuse(world, "Illegal category")
    rows = _rows(world, request, default=200, most=200)
    now_ms = world.now_ms()
    first, last = _moment(world, request, "startTime"), _moment(world, request, "endTime")
    if first is not None and last is None:
        _refuse(world, "Time Is Invalid")
    stop_ms = min(now_ms if last is None else last, now_ms) + 1
    start_ms = max(stop_ms - rows * PERIOD_MS, first or 0)
    # Bybit shows when a payment was due, not when it was made: look a little further for both.
    due = payments(world.market, symbol, start_ms, stop_ms + 8)
    page = [payment for payment in due if start_ms <= payment.due_ms < stop_ms]
    cells = (_funding(payment, symbol) for payment in reversed(page))
    return _page(world, cells, head=f'"category":"{category}"')


def execution_id(trade_id: int, *, spot: bool) -> str:
    """How Bybit names a trade: digits on spot, a UUID elsewhere."""
    if spot:
        return f"21{trade_id:017d}"
    digits = f"{trade_id:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _page(world: World, cells: Iterable[str], *, head: str) -> Response:
    now_ms = world.now_ms()
    return array(
        cells,
        before=f'{{"retCode":0,"retMsg":"OK","result":{{{head},"list":[',
        after=f']}},"retExtInfo":{{}},"time":{now_ms}}}',
        headers={
            "X-Bapi-Limit": str(_PER_SECOND),
            "X-Bapi-Limit-Status": str(_PER_SECOND - 1),
            "X-Bapi-Limit-Reset-Timestamp": str(now_ms),
        },
    )


def _refuse(world: World, message: str) -> NoReturn:
    """Say no as Bybit does: with status 200."""
    result = '{"category":"","list":[],"nextPageCursor":""}'
    raise ReplayRefusalError(
        200,
        f'{{"retCode":10001,"retMsg":"{message}","result":{result},'
        f'"retExtInfo":{{}},"time":{world.now_ms()}}}',
    )


def _symbol(world: World, request: Request, *, default: str | None) -> tuple[str, str]:
    category = request.query_params.get("category", default)
    if category not in QUOTES:
        _refuse(world, "Illegal category")
    symbol = request.query_params.get("symbol", "")
    if instruments.split(symbol, quotes=QUOTES[category]) is None:
        _refuse(world, "params error: symbol invalid")
    return symbol, category


def _rows(world: World, request: Request, *, default: int, most: int) -> int:
    limit = _moment(world, request, "limit")
    if limit == 0:
        _refuse(world, "params error: limit invalid")
    return min(default if limit is None else limit, most)


def _moment(world: World, request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value and whole(value) is None:
        _refuse(world, f"params error: {name} invalid")
    return whole(value)


def _kline(bar: Candle) -> str:
    cells = (str(bar.open_ms), *map(trimmed, bar[2:7]), trimmed(bar.turnover_e16 // E8))
    return "[" + ",".join(f'"{cell}"' for cell in cells) + "]"


def _trade(trade: Trade, symbol: str, *, spot: bool) -> str:
    side = "Sell" if trade.buyer_is_maker else "Buy"
    return (
        f'{{"execId":"{execution_id(trade.id, spot=spot)}","symbol":"{symbol}",'
        f'"price":"{trimmed(trade.price_e8)}","size":"{trimmed(trade.quantity_e8)}",'
        f'"side":"{side}","time":"{trade.time_ms}","isBlockTrade":false,"isRPITrade":false,'
        f'"seq":"{trade.id}"}}'
    )


def _funding(payment: Funding, symbol: str) -> str:
    return (
        f'{{"symbol":"{symbol}","fundingRate":"{trimmed(payment.rate_e8)}",'
        f'"fundingRateTimestamp":"{payment.due_ms}"}}'
    )
