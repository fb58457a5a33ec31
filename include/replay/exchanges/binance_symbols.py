"""Binance spot, exchangeInfo: the exchange's rules, and an object for each symbol.

The symbols come last, in one streamed body. Which bases there are is the world's: a test can list
and delist them while the server runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay.digits import fixed8
from include.replay.exchanges.binance import QUOTES
from include.replay.exchanges.binance_calls import Call
from include.replay.instruments import pairs, split
from include.replay.responses import World, route, streamed, text

_HEAD = (
    '{"timezone":"UTC","serverTime":%d,"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT",'
    '"interval":"MINUTE","intervalNum":1,"limit":6000}],"exchangeFilters":[],"symbols":['
)
_ORDERS = '["LIMIT","LIMIT_MAKER","MARKET","STOP_LOSS_LIMIT","TAKE_PROFIT_LIMIT"]'


def routes(world: World) -> list[Route]:
    """The path of api.binance.com that is answered here."""
    return [route("/api/v3/exchangeInfo", exchange_info, world=world)]


def exchange_info(world: World, request: Request) -> Response:
    """The rules of one symbol, or of every symbol."""
    call = Call.read(world, request, names=("symbol",))
    head, headers = _HEAD % call.now_ms, call.headers(weight=20)
    if call.get("symbol"):
        symbol = call.symbol(QUOTES)
        base, quote = split(symbol, quotes=QUOTES) or (symbol, "")
        return text(f"{head}{_symbol(world, base, quote)}]}}", headers=headers)
    return streamed(_symbols(world), before=head, after="]}", headers=headers)


def _symbols(world: World) -> Iterator[str]:
    quotes = QUOTES if world.binance_bases is None else QUOTES[:1]
    listed = pairs(quotes, bases=world.binance_bases)
    broken = ((base, quote) for base in world.binance_broken for quote in quotes)
    for (base, quote), status in chain(
        ((pair, "TRADING") for pair in listed), ((pair, "BREAK") for pair in broken)
    ):
        yield _symbol(world, base, quote, status)


def _symbol(world: World, base: str, quote: str, status: str = "TRADING") -> str:
    known = world.market.instrument(base + quote)
    tick, lot = fixed8(known.tick_e8), fixed8(known.lot_e8)
    return (
        f'{{"symbol":"{known.symbol}","status":"{status}","baseAsset":"{base}",'
        f'"baseAssetPrecision":8,"quoteAsset":"{quote}","quotePrecision":8,'
        f'"orderTypes":{_ORDERS},"icebergAllowed":true,"ocoAllowed":true,'
        '"isSpotTradingAllowed":true,"isMarginTradingAllowed":true,"filters":['
        f'{{"filterType":"PRICE_FILTER","minPrice":"{tick}","maxPrice":"1000000.00000000",'
        f'"tickSize":"{tick}"}},{{"filterType":"LOT_SIZE","minQty":"{lot}",'
        f'"maxQty":"900000.00000000","stepSize":"{lot}"}}]}}'
    )
