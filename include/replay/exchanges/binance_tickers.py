"""Binance spot, statistics of the last 24 hours: an object for one symbol, an array for more.

The window rolls: it ends now, to the millisecond, and starts a day before. Without ``symbol`` and
``symbols`` every listed pair comes, in one streamed body.
"""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay.candles import DAY_MS, Candle
from include.replay.digits import E8, fixed8, ratio_e8
from include.replay.exchanges.binance import QUOTES
from include.replay.exchanges.binance_calls import Call, listed, refuse
from include.replay.instruments import pairs
from include.replay.market import Market
from include.replay.responses import World, array, route, streamed, text


def routes(world: World) -> list[Route]:
    """The paths of api.binance.com that are answered here."""
    return [route("/api/v3/ticker/24hr", day, world=world)]


def day(world: World, request: Request) -> Response:
    """Statistics of one symbol, of several, or of all; FULL or MINI."""
    call = Call.read(world, request, names=("symbol", "symbols", "type"))
    render = {"FULL": _full, "MINI": _mini}.get(call.get("type") or "FULL")
    if render is None:
        refuse(-1130, "Data sent for parameter 'type' is not valid.")
    single, several = call.get("symbol"), call.get("symbols")
    if single and several:
        refuse(-1128, "Combination of optional parameters invalid.")
    if single:
        symbol = call.symbol(QUOTES)
        return text(render(world.market, symbol, call.now_ms), headers=call.headers(weight=2))
    if several:
        rows = (render(world.market, symbol, call.now_ms) for symbol in _several(several))
        return array(rows, headers=call.headers(weight=40))
    every = (base + quote for base, quote in pairs(QUOTES))
    return streamed(
        (render(world.market, symbol, call.now_ms) for symbol in every),
        headers=call.headers(weight=80),
    )


def _several(names: str) -> list[str]:
    try:
        symbols = json.loads(names)
    except ValueError:
        symbols = None
    if not isinstance(symbols, list) or not all(isinstance(name, str) for name in symbols):
        refuse(-1100, "Illegal characters found in parameter 'symbols'.")
    if len(set(symbols)) < len(symbols):
        refuse(-1151, "Symbol is present multiple times in the list.")
    return [listed(symbol, quotes=QUOTES) for symbol in symbols]


def _full(market: Market, symbol: str, now_ms: int) -> str:
    bar = market.candle(symbol, now_ms - DAY_MS, now_ms)
    tick = market.instrument(symbol).tick_e8
    before = market.trade(symbol, market.id_at(symbol, now_ms - DAY_MS) - 1)
    last = market.trade(symbol, market.id_at(symbol, now_ms) - 1)
    change = bar.close_e8 - bar.open_e8
    fields = {
        "symbol": symbol,
        "priceChange": fixed8(change),
        "priceChangePercent": _percent(change, bar.open_e8),
        "weightedAvgPrice": fixed8(ratio_e8(bar.turnover_e16, bar.volume_e8 * E8)),
        "prevClosePrice": fixed8(before.price_e8),
        "lastPrice": fixed8(last.price_e8),
        "lastQty": fixed8(last.quantity_e8),
        "bidPrice": fixed8(last.price_e8 - tick),
        "bidQty": fixed8(before.quantity_e8),
        "askPrice": fixed8(last.price_e8),
        "askQty": fixed8(last.quantity_e8),
        "openPrice": fixed8(bar.open_e8),
    }
    named = ",".join(f'"{name}":"{value}"' for name, value in fields.items())
    return f"{{{named},{_rest(market, symbol, bar)}}}"


def _mini(market: Market, symbol: str, now_ms: int) -> str:
    bar = market.candle(symbol, now_ms - DAY_MS, now_ms)
    named = (
        f'"symbol":"{symbol}","openPrice":"{fixed8(bar.open_e8)}",'
        f'"lastPrice":"{fixed8(bar.close_e8)}"'
    )
    return f"{{{named},{_rest(market, symbol, bar)}}}"


def _rest(market: Market, symbol: str, bar: Candle) -> str:
    """What both kinds have."""
    return (
        f'"highPrice":"{fixed8(bar.high_e8)}","lowPrice":"{fixed8(bar.low_e8)}",'
        f'"volume":"{fixed8(bar.volume_e8)}","quoteVolume":"{fixed8(bar.turnover_e16 // E8)}",'
        f'"openTime":{bar.open_ms},"closeTime":{bar.end_ms},'
        f'"firstId":{market.id_at(symbol, bar.open_ms)},'
        f'"lastId":{market.id_at(symbol, bar.end_ms) - 1},"count":{bar.trades}'
    )


def _percent(change: int, base: int) -> str:
    """Three decimals."""
    sign, value = ("-", -change) if change < 0 else ("", change)
    thousandths = value * 100_000 // base
    return f"{sign}{thousandths // 1000}.{thousandths % 1000:03d}"
