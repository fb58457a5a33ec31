"""Kraken: Trades and OHLC, under a key that is not the pair that was asked for.

``result.<PAIR>`` holds arrays, oldest first, and its sibling ``last`` comes after them. Trades are
paged by ``since = last``: nanoseconds, exclusive; the rows themselves show seconds with at most
seven decimals, so a cursor made from a row loses or repeats trades. OHLC reaches back 720 bars
whatever is asked, and its last row is the bar that is still open. Errors come with status 200.
"""

from __future__ import annotations

import re
from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.candles import Candle, minutes
from include.replay.digits import E8, fixed, fixed8, ratio_e8
from include.replay.instruments import Instrument
from include.replay.market import Trade
from include.replay.responses import ReplayRefusalError, World, array, route, whole
from include.replay.time_formats import decimal_s

QUOTES = ("USD", "EUR", "GBP", "JPY", "CAD", "AUD", "CHF", "USDT", "USDC", "BTC", "ETH")
INTERVALS_MINUTES = (1, 5, 15, 30, 60, 240, 1_440, 10_080, 21_600)
PAGE_ROWS = 1_000
BARS = 720

_OWN_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
_OLD_COINS = ("ETC", "ETH", "LTC", "MLN", "REP", "XBT", "XLM", "XMR", "XRP", "ZEC")
_OLD_MONEY = ("CAD", "EUR", "GBP", "JPY", "USD")
_OLD_PAIR = re.compile(rf"X({'|'.join(_OLD_COINS)})(?:Z({'|'.join(_OLD_MONEY)})|X(XBT|ETH))")
_SINCE = re.compile(r"(\d{1,20})(?:\.(\d{1,9}))?")
_SECONDS = 10**12  # smaller numbers are seconds, larger ones nanoseconds


def routes(world: World) -> list[Route]:
    """The paths of api.kraken.com that are answered here."""
    return [
        route("/0/public/Trades", trades, world=world),
        route("/0/public/OHLC", ohlc, world=world),
    ]


def refuse(error: str) -> NoReturn:
    """Say no as Kraken does: with status 200."""
    raise ReplayRefusalError(200, f'{{"error":["{error}"]}}')


def trades(world: World, request: Request) -> Response:
    """Arrays of seven: price, volume, seconds, side, type, nothing, id; from ``since`` on."""
    symbol, key = pair_of(request)
    rows = whole(request.query_params.get("count", str(PAGE_ROWS)))
    if rows is None or not 1 <= rows <= PAGE_ROWS:
        refuse("EGeneral:Invalid arguments:count")
    now_ms = world.now_ms()
    stop = world.market.id_at(symbol, now_ms)
    since = _since_ns(request)
    first = stop - rows if since is None else world.market.id_at_ns(symbol, since + 1)
    page = list(world.market.trades_by_id(symbol, first, min(first + rows, stop)))
    last = page[-1].time_ns if page else since if since is not None else now_ms * 1_000_000
    decimals = max(world.market.instrument(symbol).price_decimals, 5)
    return array(
        (_trade(trade, decimals=decimals) for trade in page),
        before=f'{{"error":[],"result":{{"{key}":[',
        after=f'],"last":"{last}"}}}}',
    )


def ohlc(world: World, request: Request) -> Response:
    """Arrays of eight: seconds, open, high, low, close, vwap, volume, count."""
    symbol, key = pair_of(request)
    length = whole(request.query_params.get("interval", "1"))
    if length not in INTERVALS_MINUTES:
        refuse("EGeneral:Invalid arguments")
    interval, now_ms = minutes(length), world.now_ms()
    since, current = _since_ns(request), interval.opening(now_ms)
    first = interval.step(current, bars=1 - BARS)
    if since is not None:
        first = min(max(first, since // 1_000_000 + 1), current)
    bars = world.market.candles(symbol, interval, max(first, 0), now_ms + 1, until_ms=now_ms)
    instrument = world.market.instrument(symbol)
    committed = interval.step(current, bars=-1) // 1_000
    return array(
        (_bar(bar, instrument) for bar in bars),
        before=f'{{"error":[],"result":{{"{key}":[',
        after=f'],"last":{committed}}}}}',
    )


def _since_ns(request: Request) -> int | None:
    """``since`` in nanoseconds: given so, or in seconds."""
    value = request.query_params.get("since")
    if not value:
        return None
    match = _SINCE.fullmatch(value)
    if match is None:
        refuse("EGeneral:Invalid arguments")
    seconds, fraction = int(match[1]), (match[2] or "").ljust(9, "0")
    return seconds * 10**9 + int(fraction) if seconds < _SECONDS else seconds


def pair_of(request: Request) -> tuple[str, str]:
    """The market's symbol, and the key that Kraken answers under."""
    name = request.query_params.get("pair")
    if not name:
        refuse("EGeneral:Invalid arguments")
    pair = name.replace("/", "").upper()
    if old := _OLD_PAIR.fullmatch(pair):
        pair = old[1] + (old[2] or old[3])
    for ours, theirs in _OWN_NAMES.items():
        pair = re.sub(f"^{theirs}|{theirs}$", ours, pair)
    base_and_quote = instruments.split(pair, quotes=QUOTES)
    if base_and_quote is None:
        refuse("EQuery:Unknown asset pair")
    return pair, pair_key(*base_and_quote)


def pair_key(base: str, quote: str) -> str:
    """``XXBTZUSD`` for the old assets, ``SOLUSD`` for the others."""
    base, quote = _OWN_NAMES.get(base, base), _OWN_NAMES.get(quote, quote)
    if base in _OLD_COINS and quote in _OLD_COINS + _OLD_MONEY:
        return f"X{base}{'Z' if quote in _OLD_MONEY else 'X'}{quote}"
    return base + quote


def _trade(trade: Trade, *, decimals: int) -> str:
    side, kind = "s" if trade.buyer_is_maker else "b", "m" if trade.id % 3 == 0 else "l"
    return (
        f'["{fixed(trade.price_e8, decimals=decimals)}","{fixed8(trade.quantity_e8)}",'
        f'{decimal_s(trade.time_ns)},"{side}","{kind}","",{trade.id}]'
    )


def _bar(bar: Candle, instrument: Instrument) -> str:
    average = ratio_e8(bar.turnover_e16, bar.volume_e8 * E8) if bar.trades else bar.close_e8
    prices = (bar.open_e8, bar.high_e8, bar.low_e8, bar.close_e8, average)
    cells = ",".join(f'"{fixed(price, decimals=instrument.price_decimals)}"' for price in prices)
    return f'[{bar.open_ms // 1_000},{cells},"{fixed8(bar.volume_e8)}",{bar.trades}]'
