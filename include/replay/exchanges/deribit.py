"""Deribit: trades by their number within the instrument.

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
from include.replay.candles import DAY_MS
from include.replay.digits import trimmed
from include.replay.market import Market, Trade
from include.replay.responses import ReplayRefusalError, World, array, route, whole

QUOTES = ("USD",)
PAGE_ROWS = 1_000


def routes(world: World) -> list[Route]:
    """The paths of www.deribit.com that are answered here."""
    path = "/api/v2/public/get_last_trades_by_instrument"
    return [route(path, last_trades, world=world)]


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
