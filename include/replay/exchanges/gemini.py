"""Gemini: trades by id or from a time on, newest first within a page.

``since_tid`` is exclusive and starts at the oldest: the next page follows from the page's largest
``tid``. ``timestamp`` (seconds or ms) is inclusive and does the same by time. Without either the
newest trades come. 50 rows, at most 500. Unlike at Gemini, history does not end after a week.
"""

from __future__ import annotations

from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.digits import fixed, trimmed
from include.replay.market import Trade
from include.replay.responses import ReplayRefusalError, World, array, quoted, route, whole

QUOTES = ("USD", "EUR", "GBP", "USDT", "BTC", "ETH")
PAGE_ROWS = 500
_SECONDS = 10**11  # smaller numbers are seconds, larger ones milliseconds


def routes(world: World) -> list[Route]:
    """The paths of api.gemini.com that are answered here."""
    return [route("/v1/trades/{symbol}", trades, world=world)]


def trades(world: World, request: Request) -> Response:
    """Objects; ids and times are JSON numbers, amounts strings."""
    symbol = str(request.path_params["symbol"]).upper()
    if instruments.split(symbol, quotes=QUOTES) is None:
        _refuse("InvalidSymbol", f"Supplied value '{symbol}' is not a valid symbol")
    rows = min(_number(request, "limit_trades") or 50, PAGE_ROWS)
    market, stop = world.market, world.market.id_at(symbol, world.now_ms())
    since_tid, moment = _number(request, "since_tid"), _number(request, "timestamp")
    first = stop - rows
    if since_tid is not None:  # 0 stands for the beginning of all
        first = since_tid + 1 if since_tid else 0
    elif moment is not None:
        first = market.id_at(symbol, moment * 1_000 if moment < _SECONDS else moment)
    page = list(market.trades_by_id(symbol, first, min(first + rows, stop)))
    decimals = market.instrument(symbol).price_decimals
    return array(_trade(trade, decimals=decimals) for trade in reversed(page))


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value and whole(value) is None:
        _refuse("InvalidParameterValue", f"Invalid value for parameter {name}")
    return whole(value)


def _refuse(reason: str, message: str) -> NoReturn:
    """Say no as Gemini does."""
    raise ReplayRefusalError(
        400, f'{{"result":"error","reason":"{reason}","message":{quoted(message)}}}'
    )


def _trade(trade: Trade, *, decimals: int) -> str:
    side = "sell" if trade.buyer_is_maker else "buy"
    return (
        f'{{"timestamp":{trade.time_ms // 1_000},"timestampms":{trade.time_ms},"tid":{trade.id},'
        f'"price":"{fixed(trade.price_e8, decimals=decimals)}",'
        f'"amount":"{trimmed(trade.quantity_e8)}","exchange":"gemini","type":"{side}"}}'
    )
