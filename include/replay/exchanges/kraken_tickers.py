"""Kraken's ticker: a map of objects by Kraken's own names of the pairs, of all or of ``pair``.

Most values are arrays: of today (since midnight UTC) and of the last 24 hours, or of a price and
its volumes.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay.candles import DAY_MS, Candle
from include.replay.digits import E8, fixed, fixed8
from include.replay.exchanges.kraken import QUOTES, pair_key, pair_of
from include.replay.instruments import pairs
from include.replay.market import Market, Trade
from include.replay.responses import World, array, route


class Ticker(NamedTuple):
    """What a pair's object is made of."""

    decimals: int
    last: Trade
    day: Candle
    today: Candle

    def average(self, bar: Candle) -> str:
        """The price by volume of *bar*, with the decimals of the pair."""
        if not bar.volume_e8:
            return fixed(bar.close_e8, decimals=self.decimals)
        paid = bar.turnover_e16 * 10**self.decimals // (bar.volume_e8 * E8)
        return str(Decimal(paid).scaleb(-self.decimals))


def routes(world: World) -> list[Route]:
    """The path of api.kraken.com that is answered here."""
    return [route("/0/public/Ticker", tickers, world=world)]


def tickers(world: World, request: Request) -> Response:
    """One pair, or all."""
    now_ms = world.now_ms()
    named = [pair_of(request)] if request.query_params.get("pair") else every_pair()
    rows = (
        f'"{key}":{_object(ticker(world.market, symbol, now_ms=now_ms))}' for symbol, key in named
    )
    return array(rows, before='{"error":[],"result":{', after="}}")


def every_pair() -> Iterable[tuple[str, str]]:
    """The market's symbol and Kraken's name of each pair."""
    return ((base + quote, pair_key(base, quote)) for base, quote in pairs(QUOTES))


def ticker(market: Market, symbol: str, *, now_ms: int) -> Ticker:
    """The state of *symbol* at *now_ms*."""
    return Ticker(
        decimals=market.instrument(symbol).price_decimals,
        last=market.trade(symbol, market.id_at(symbol, now_ms) - 1),
        day=market.candle(symbol, now_ms - DAY_MS, now_ms),
        today=market.candle(symbol, now_ms - now_ms % DAY_MS, now_ms),
    )


def _object(it: Ticker) -> str:
    price, volume = fixed(it.last.price_e8, decimals=it.decimals), fixed8(it.last.quantity_e8)
    both = (it.today, it.day)
    texts = {
        "a": [price, "1", "1.000"],
        "b": [price, "2", "2.000"],
        "c": [price, volume],
        "v": [fixed8(bar.volume_e8) for bar in both],
        "p": [it.average(bar) for bar in both],
        "l": [fixed(bar.low_e8, decimals=it.decimals) for bar in both],
        "h": [fixed(bar.high_e8, decimals=it.decimals) for bar in both],
    }
    arrays = [f'"{name}":[{",".join(map(_quoted, cells))}]' for name, cells in texts.items()]
    arrays.insert(5, f'"t":[{it.today.trades},{it.day.trades}]')
    opening = fixed(it.today.open_e8, decimals=it.decimals)
    return f'{{{",".join(arrays)},"o":"{opening}"}}'


def _quoted(text: str) -> str:
    return f'"{text}"'
