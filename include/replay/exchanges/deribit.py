"""Deribit: trades by their number within the instrument, and the bars of its chart.

``result.trades`` in a JSON-RPC envelope, ``has_more`` after them. ``start_seq`` and ``end_seq`` are
both inclusive; ``sorting=asc`` gives the first rows of the range, ``desc`` the last ones, newest
first. Ten rows, at most 1,000. What is older than a day is gone, without a word: the answer is
empty.
"""

from __future__ import annotations

from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.candles import DAY_MS, minutes
from include.replay.digits import E8, trimmed
from include.replay.market import Market, Trade
from include.replay.responses import ReplayRefusalError, World, array, route, whole

QUOTES = ("USD",)
PAGE_ROWS = 1_000
RESOLUTIONS_MINUTES = (1, 3, 5, 10, 15, 30, 60, 120, 180, 360, 720)


def routes(world: World) -> list[Route]:
    """The paths of www.deribit.com that are answered here."""
    public = "/api/v2/public"
    return [
        route(f"{public}/get_last_trades_by_instrument", last_trades, world=world),
        route(f"{public}/get_tradingview_chart_data", chart, world=world),
    ]


def refuse(code: int, message: str, param: str, reason: str) -> NoReturn:
    """Say no as Deribit does."""
    data = f'{{"param":"{param}","reason":"{reason}"}}'
    error = f'{{"code":{code},"data":{data},"message":"{message}"}}'
    raise ReplayRefusalError(400, f'{{"jsonrpc":"2.0","error":{error},"testnet":false}}')


def last_trades(world: World, request: Request) -> Response:
    """Objects; numbers are JSON numbers, the trade's id is a text."""
    name = request.query_params.get("instrument_name", "")
    symbol, market, now_ms = _symbol(name), world.market, world.now_ms()
    rows = _number(request, "count")
    if rows is not None and not 1 <= rows <= PAGE_ROWS:
        refuse(-32602, "Invalid params", "count", f"must be between 1 and {PAGE_ROWS}")
    start_seq, end_seq = _number(request, "start_seq"), _number(request, "end_seq")
    oldest, stop = market.id_at(symbol, now_ms - DAY_MS), market.id_at(symbol, now_ms)
    if end_seq is not None:
        stop = min(stop, end_seq + 1)
    first = max(oldest, start_seq or 0)
    wanted = rows or 10
    if request.query_params.get("sorting") == "asc":
        page = list(market.trades_by_id(symbol, first, min(stop, first + wanted)))
    else:
        page = list(market.trades_by_id(symbol, max(first, stop - wanted), stop))[::-1]
    more = "true" if len(page) < stop - first else "false"
    return array(
        (_trade(trade, name, mark=mark_price(market, symbol, trade)) for trade in page),
        before='{"jsonrpc":"2.0","result":{"trades":[',
        after=f'],"has_more":{more}}},"testnet":false}}',
    )


def chart(world: World, request: Request) -> Response:
    """Parallel arrays of the bars that open in the range, both ends inclusive."""
    symbol, now_ms = _symbol(request.query_params.get("instrument_name", "")), world.now_ms()
    start, end = _number(request, "start_timestamp"), _number(request, "end_timestamp")
    resolution = _number(request, "resolution")
    if start is None or end is None or resolution not in RESOLUTIONS_MINUTES:
        refuse(-32602, "Invalid params", "resolution", "wrong format")
    bars = list(world.market.candles(symbol, minutes(resolution), start, end + 1, until_ms=now_ms))
    columns = {
        "volume": [trimmed(bar.volume_e8) for bar in bars],
        "ticks": [str(bar.open_ms) for bar in bars],
        "open": [trimmed(bar.open_e8) for bar in bars],
        "low": [trimmed(bar.low_e8) for bar in bars],
        "high": [trimmed(bar.high_e8) for bar in bars],
        "cost": [trimmed(bar.turnover_e16 // E8) for bar in bars],
        "close": [trimmed(bar.close_e8) for bar in bars],
    }
    status = "ok" if bars else "no_data"
    return array(
        (f'"{name}":[{",".join(cells)}]' for name, cells in columns.items()),
        before='{"jsonrpc":"2.0","result":{',
        after=f',"status":"{status}"}},"testnet":false}}',
    )


def mark_price(market: Market, symbol: str, trade: Trade) -> str:
    """About the price of *trade*, two ticks higher."""
    return trimmed(trade.price_e8 + 2 * market.instrument(symbol).tick_e8)


def _symbol(name: str) -> str:
    symbol = f"{name.removesuffix('-PERPETUAL')}USD"
    if not name.endswith("-PERPETUAL") or instruments.split(symbol, quotes=QUOTES) is None:
        refuse(-32602, "Invalid params", "instrument_name", "wrong format")
    return symbol


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value and whole(value) is None:
        refuse(-32602, "Invalid params", name, "must be an integer")
    return whole(value)


def _trade(trade: Trade, instrument: str, *, mark: str) -> str:
    direction = "sell" if trade.buyer_is_maker else "buy"
    amount, price = trimmed(trade.quantity_e8), trimmed(trade.price_e8)
    return (
        f'{{"trade_seq":{trade.id},"trade_id":"{trade.id}","timestamp":{trade.time_ms},'
        f'"tick_direction":{trade.id % 4},"price":{price},"mark_price":{mark},'
        f'"instrument_name":"{instrument}","index_price":{price},"direction":"{direction}",'
        f'"contracts":{amount},"amount":{amount}}}'
    )
