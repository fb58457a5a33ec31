"""BitMEX: trades by offset within a range of time.

``startTime`` and ``endTime`` are ISO 8601, both inclusive; ``start`` is how many rows to skip,
``count`` how many to give: 100, at most 1,000. Oldest first, or newest first with ``reverse``. Of
trades that share a millisecond the order is the same in every answer. Prices are JSON numbers.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.digits import E8, trimmed
from include.replay.market import Trade
from include.replay.responses import ReplayRefusalError, World, array, quoted, route, whole
from include.replay.time_formats import iso_ms

QUOTES = ("USD", "USDT", "EUR")
PAGE_ROWS = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def routes(world: World) -> list[Route]:
    """The paths of www.bitmex.com that are answered here."""
    return [route("/api/v1/trade", trades, world=world)]


def refuse(message: str, *, name: str = "HTTPError") -> NoReturn:
    """Say no as BitMEX does."""
    error = f'{{"message":{quoted(message)},"name":"{name}"}}'
    raise ReplayRefusalError(400, f'{{"error":{error}}}')


def trades(world: World, request: Request) -> Response:
    """Objects; a symbol that BitMEX does not know has no trades."""
    query, market, now_ms = request.query_params, world.market, world.now_ms()
    name = query.get("symbol", "")
    symbol = name.replace("XBT", "BTC", 1)
    rows = _number(request, "count")
    if rows is not None and not 1 <= rows <= PAGE_ROWS:
        refuse(f"'count' must be between 1 and {PAGE_ROWS}.", name="ValidationError")
    rows = rows or 100
    if instruments.split(symbol, quotes=QUOTES) is None:
        return array([])
    skipped = _number(request, "start") or 0
    first = market.id_at(symbol, _moment_ms(request, "startTime") or 0)
    end_ms = _moment_ms(request, "endTime")
    stop = market.id_at(symbol, now_ms if end_ms is None else min(end_ms + 1, now_ms))
    if query.get("reverse") == "true":
        stop -= skipped
        page = list(market.trades_by_id(symbol, max(first, stop - rows), stop))[::-1]
    else:
        first += skipped
        page = list(market.trades_by_id(symbol, first, min(stop, first + rows)))
    return array(_trade(trade, name) for trade in page)


def match_id(trade_id: int) -> str:
    """The id that BitMEX gives the trade with the market's *trade_id*."""
    return str(uuid.UUID(int=trade_id))


def size(trade: Trade) -> int:
    """A contract is worth a dollar: as many as the trade is worth, at least one."""
    return max(trade.price_e8 * trade.quantity_e8 // E8 // E8, 1)


def _moment_ms(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        refuse(f"Invalid {name}.", name="ValidationError")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value and whole(value) is None:
        refuse(f"'{name}' is not a number.", name="ValidationError")
    return whole(value)


def _trade(trade: Trade, symbol: str) -> str:
    side = "Sell" if trade.buyer_is_maker else "Buy"
    tick = "ZeroMinusTick" if trade.buyer_is_maker else "ZeroPlusTick"
    contracts = size(trade)
    return (
        f'{{"timestamp":"{iso_ms(trade.time_ms)}","symbol":"{symbol}","side":"{side}",'
        f'"size":{contracts},"price":{trimmed(trade.price_e8)},"tickDirection":"{tick}",'
        f'"trdMatchID":"{match_id(trade.id)}","grossValue":{trade.quantity_e8},'
        f'"homeNotional":{trimmed(trade.quantity_e8)},"foreignNotional":{contracts}}}'
    )
