"""Upbit: candles of minutes and the newest trades, newest first, objects of JSON numbers.

``to`` of candles is ISO 8601, UTC unless it says otherwise, and exclusive; without it come the
newest. ``count`` is 1, at most 200. A minute without trades has no candle, the open one is shown.
Of trades, ``count`` is 1, at most 500; those of earlier days (``days_ago``) are not answered here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.candles import HOUR_MS, Candle, minutes
from include.replay.digits import E8, fixed8
from include.replay.market import Market, Trade
from include.replay.responses import ReplayRefusalError, World, array, route, whole
from include.replay.time_formats import iso_s
from include.replay.traded_bars import newest_first

QUOTES = ("KRW", "USDT", "BTC")
UNITS = (1, 3, 5, 10, 15, 30, 60, 240)
CANDLES = 200
TRADES = 500
_INVALID = "Invalid parameter. Please check the given value!"
_SEOUL_MS = 9 * HOUR_MS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def routes(world: World) -> list[Route]:
    """The paths of api.upbit.com that are answered here."""
    return [
        route("/v1/candles/minutes/{unit}", candles, world=world),
        route("/v1/trades/ticks", recent_trades, world=world),
    ]


def candles(world: World, request: Request) -> Response:
    """Objects; ``timestamp`` is when the last trade of a candle happened."""
    name, symbol = _market(request)
    unit = whole(str(request.path_params["unit"]))
    rows = _rows(request, most=CANDLES)
    if unit not in UNITS:
        _refuse(400, _INVALID)
    now_ms = world.now_ms()
    stop_ms = _moment_ms(request.query_params.get("to")) or now_ms
    bars = newest_first(world.market, symbol, minutes(unit), 0, stop_ms, until_ms=now_ms)
    page = islice(bars, rows)
    return array(
        _candle(bar, name, unit, last_ms=last_trade_ms(world.market, symbol, bar, now_ms=now_ms))
        for bar in page
    )


def recent_trades(world: World, request: Request) -> Response:
    """The newest trades; a client that polls too seldom misses some."""
    name, symbol = _market(request)
    rows = _rows(request, most=TRADES)
    if {"to", "cursor", "days_ago"} & request.query_params.keys():
        _refuse(400, _INVALID)
    stop = world.market.id_at(symbol, world.now_ms())
    page = list(world.market.trades_by_id(symbol, stop - rows, stop))
    return array(_trade(trade, name) for trade in reversed(page))


def sequential_id(trade: Trade) -> int:
    """The milliseconds of a trade, and four digits that tell it from others of the same."""
    return trade.time_ms * 10_000 + trade.id % 10_000


def last_trade_ms(market: Market, symbol: str, bar: Candle, *, now_ms: int) -> int:
    """When the last trade of *bar* happened, by *now_ms*."""
    return market.trade(symbol, market.id_at(symbol, min(bar.end_ms, now_ms)) - 1).time_ms


def _market(request: Request) -> tuple[str, str]:
    """A market as Upbit names it, ``KRW-BTC``, and its symbol."""
    name = request.query_params.get("market", "")
    quote, _, base = name.partition("-")
    symbol = base + quote
    if instruments.split(symbol, quotes=QUOTES) != (base, quote):
        _refuse(404, "Code not found")
    return name, symbol


def _rows(request: Request, *, most: int) -> int:
    rows = whole(request.query_params.get("count", "1"))
    if rows is None or not 1 <= rows <= most:
        _refuse(400, _INVALID)
    return rows


def _refuse(status: int, message: str) -> NoReturn:
    """Say no as Upbit does."""
    raise ReplayRefusalError(status, f'{{"error":{{"name":{status},"message":"{message}"}}}}')


def _moment_ms(text: str | None) -> int | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _refuse(400, _INVALID)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _candle(bar: Candle, name: str, unit: int, *, last_ms: int) -> str:
    opening, high, low, close, volume = map(fixed8, bar[2:7])
    utc, seoul = (iso_s(at_ms)[:-1] for at_ms in (bar.open_ms, bar.open_ms + _SEOUL_MS))
    return (
        f'{{"market":"{name}","candle_date_time_utc":"{utc}","candle_date_time_kst":"{seoul}",'
        f'"opening_price":{opening},"high_price":{high},"low_price":{low},"trade_price":{close},'
        f'"timestamp":{last_ms},"candle_acc_trade_price":{fixed8(bar.turnover_e16 // E8)},'
        f'"candle_acc_trade_volume":{volume},"unit":{unit}}}'
    )


def _trade(trade: Trade, name: str) -> str:
    date, time = iso_s(trade.time_ms)[:-1].split("T")
    side = "ASK" if trade.buyer_is_maker else "BID"
    return (
        f'{{"market":"{name}","trade_date_utc":"{date}","trade_time_utc":"{time}",'
        f'"timestamp":{trade.time_ms},"trade_price":{fixed8(trade.price_e8)},'
        f'"trade_volume":{fixed8(trade.quantity_e8)},"prev_closing_price":{fixed8(trade.price_e8)},'
        f'"change_price":0.00000000,"ask_bid":"{side}","sequential_id":{sequential_id(trade)}}}'
    )
