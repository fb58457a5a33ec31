"""Binance spot: klines, aggTrades, trades, historicalTrades, 24 hour tickers.

Ascending arrays at the root; prices and quantities as strings of eight decimals; times in ms, or in
µs when the request says ``X-MBX-TIME-UNIT: MICROSECOND``. At most 1,000 rows a page: a larger
``limit`` is cut silently. Bounds of time are inclusive. Errors have status 400 and a negative code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import candles
from include.replay.candles import Candle, Interval, minutes
from include.replay.digits import E8, fixed8
from include.replay.exchanges.binance_calls import Call, Span, refuse
from include.replay.market import AggTrade, Trade
from include.replay.responses import World, array, route, text

QUOTES = ("USDT", "USDC", "FDUSD", "TUSD", "EUR", "TRY", "BRL", "JPY", "BTC", "ETH", "BNB")
PAGE_ROWS = 1_000

_MINUTES = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360,
    "8h": 480, "12h": 720, "1d": 1_440, "3d": 4_320,
}  # fmt: skip
_ZONE = re.compile(r"([+-]?)(\d{1,2})(?::(\d{2}))?")


def routes(world: World) -> list[Route]:
    """The paths of api.binance.com that are answered here."""
    return [
        route("/api/v3/ping", ping, world=world),
        route("/api/v3/time", server_time, world=world),
        route("/api/v3/klines", klines, world=world),
        route("/api/v3/aggTrades", agg_trades, world=world),
        route("/api/v3/trades", recent_trades, world=world),
        route("/api/v3/historicalTrades", historical_trades, world=world),
    ]


def ping(world: World, request: Request) -> Response:
    """``{}``."""
    call = Call.read(world, request, names=())
    return text("{}", headers=call.headers(weight=1))


def server_time(world: World, request: Request) -> Response:
    """``{"serverTime": ms}``."""
    call = Call.read(world, request, names=())
    return text(f'{{"serverTime":{call.now_ms}}}', headers=call.headers(weight=1))


def klines(world: World, request: Request) -> Response:
    """Arrays of twelve by opening time; the last one may still be open.

    From startTime on, or without one the newest up to endTime.
    """
    names = ("symbol", "interval", "startTime", "endTime", "timeZone", "limit")
    call = Call.read(world, request, names=names)
    symbol, interval = call.symbol(QUOTES), _interval(call)
    page = kline_page(call, symbol, interval, rows=call.rows(default=500, most=PAGE_ROWS))
    return array((_kline(bar, unit=call.time_unit) for bar in page), headers=call.headers(weight=2))


def kline_page(call: Call, symbol: str, interval: Interval, *, rows: int) -> Iterator[Candle]:
    """The candles that this call selects, at most *rows*."""
    span = call.span()
    newest = min(call.now_ms, span.last_ms) if span.last_ms is not None else call.now_ms
    if span.first_ms is None:
        first = interval.step(interval.opening(max(newest, 0)), bars=1 - rows)
    else:
        first = span.first_ms
    opening = max(first, 0)
    stop = interval.step(interval.opening(opening - 1), bars=rows + 1)
    return call.world.market.candles(
        symbol, interval, opening, min(stop, newest + 1), until_ms=max(call.now_ms, 0)
    )


def agg_trades(world: World, request: Request) -> Response:
    """Objects a, p, q, f, l, T, m, M: from ``fromId``, from startTime, or the newest to endTime."""
    call = Call.read(world, request, names=("symbol", "fromId", "startTime", "endTime", "limit"))
    market, symbol = world.market, call.symbol(QUOTES)
    rows, span = call.rows(default=500, most=PAGE_ROWS), call.span()
    until = market.agg_id_at(symbol, call.visible_ms(span))
    from_id = call.integer("fromId")
    if from_id is not None and span != Span():
        refuse(-1128, "Combination of optional parameters invalid.")
    if from_id is None:
        from_id = until - rows
        if span.first_ms is not None:
            from_id = market.agg_id_at(symbol, span.first_ms)
    page = market.agg_trades_by_id(symbol, from_id, min(from_id + rows, until))
    return array(
        (_agg_trade(trade, unit=call.time_unit) for trade in page), headers=call.headers(weight=4)
    )


def recent_trades(world: World, request: Request) -> Response:
    """The newest trades, oldest of them first; there is no way further back."""
    call = Call.read(world, request, names=("symbol", "limit"))
    return _trades(call, from_id=None, weight=25)


def historical_trades(world: World, request: Request) -> Response:
    """Trades from ``fromId``, or the newest ones."""
    call = Call.read(world, request, names=("symbol", "fromId", "limit"))
    return _trades(call, from_id=call.integer("fromId"), weight=25)


def _trades(call: Call, *, from_id: int | None, weight: int) -> Response:
    symbol, rows = call.symbol(QUOTES), call.rows(default=500, most=PAGE_ROWS)
    until = call.world.market.id_at(symbol, call.now_ms)
    first = until - rows if from_id is None else from_id
    page = call.world.market.trades_by_id(symbol, first, min(first + rows, until))
    return array(
        (_trade(trade, unit=call.time_unit) for trade in page), headers=call.headers(weight=weight)
    )


def _interval(call: Call) -> Interval:
    """1m and 1M are different intervals: the name is case sensitive."""
    name = call.required("interval")
    interval = named_interval(name, offset_ms=-_zone_ms(call.get("timeZone") or "0"))
    if interval is None:
        refuse(-1120, "Invalid interval.")
    return interval


def named_interval(name: str, *, offset_ms: int = 0) -> Interval | None:
    """The interval that Binance calls *name*; None where it has none of that name."""
    if name == "1s":
        return Interval(length_ms=1_000)
    if name == "1w":
        return Interval(length_ms=candles.WEEK_MS, offset_ms=candles.MONDAY_MS + offset_ms)
    if name == "1M":
        return Interval(months=1, offset_ms=offset_ms)
    return minutes(_MINUTES[name], offset_ms=offset_ms) if name in _MINUTES else None


def _zone_ms(text: str) -> int:
    match = _ZONE.fullmatch(text)
    if match is None or not -720 <= (zone := _zone_minutes(*match.groups())) <= 840:
        refuse(-1120, "Invalid timeZone.")
    return zone * candles.MINUTE_MS


def _zone_minutes(sign: str, hours: str, zone_minutes: str | None) -> int:
    zone = int(hours) * 60 + int(zone_minutes or 0)
    return -zone if sign == "-" else zone


def _kline(bar: Candle, *, unit: int) -> str:
    return (
        f'[{bar.open_ms * unit},"{fixed8(bar.open_e8)}","{fixed8(bar.high_e8)}",'
        f'"{fixed8(bar.low_e8)}","{fixed8(bar.close_e8)}","{fixed8(bar.volume_e8)}",'
        f'{bar.end_ms * unit - 1},"{fixed8(bar.turnover_e16 // E8)}",{bar.trades},'
        f'"{fixed8(bar.taker_volume_e8)}","{fixed8(bar.taker_turnover_e16 // E8)}","0"]'
    )


def _agg_trade(trade: AggTrade, *, unit: int) -> str:
    number, first, last, time_ns, price, quantity, maker = trade
    return (
        f'{{"a":{number},"p":"{price // E8}.{price % E8:08d}",'
        f'"q":"{quantity // E8}.{quantity % E8:08d}","f":{first},"l":{last},'
        f'"T":{time_ns * unit // 1_000_000},"m":{"true" if maker else "false"},"M":true}}'
    )


def _trade(trade: Trade, *, unit: int) -> str:
    return (
        f'{{"id":{trade.id},"price":"{fixed8(trade.price_e8)}","qty":"{fixed8(trade.quantity_e8)}",'
        f'"quoteQty":"{fixed8(trade.price_e8 * trade.quantity_e8 // E8)}",'
        f'"time":{trade.time_ns * unit // 1_000_000},'
        f'"isBuyerMaker":{"true" if trade.buyer_is_maker else "false"},"isBestMatch":true}}'
    )
