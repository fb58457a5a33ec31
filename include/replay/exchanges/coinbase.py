"""Coinbase Exchange: trades by cursor headers, candles, products.

Newest first. ``CB-AFTER`` is the page's oldest trade id, for ``after=`` (older trades);
``CB-BEFORE`` its newest, for ``before=``, which gives the newest page above that id, not the next
one. There is no paging by time. Candles are JSON numbers ``[time, low, high, open, close,
volume]``, at most 300 a call: more is an error, not a short page. Trades carry the maker's side.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.candles import Candle, Interval
from include.replay.digits import fixed8, trimmed
from include.replay.instruments import Instrument
from include.replay.market import Market, Trade
from include.replay.responses import ReplayRefusalError, World, array, route, streamed, whole
from include.replay.time_formats import iso_micros

QUOTES = ("USD", "USDT", "USDC", "EUR", "GBP", "BTC", "ETH")
GRANULARITIES_S = (60, 300, 900, 3_600, 21_600, 86_400)
PAGE_ROWS = 1_000
CANDLES = 300


def routes(world: World) -> list[Route]:
    """The paths of api.exchange.coinbase.com that are answered here."""
    return [
        route("/products", products, world=world),
        route("/products/{product}/trades", trades, world=world),
        route("/products/{product}/candles", candles, world=world),
    ]


def refuse(status: int, message: str) -> NoReturn:
    """Say no as Coinbase does."""
    raise ReplayRefusalError(status, f'{{"message":"{message}"}}')


def trades(world: World, request: Request) -> Response:
    """Newest first; the cursors of the next pages are in the headers."""
    symbol = _symbol(request)
    rows = min(_cursor(request, "limit") or PAGE_ROWS, PAGE_ROWS)
    stop = world.market.id_at(symbol, world.now_ms())
    after, before = _cursor(request, "after"), _cursor(request, "before")
    if after is not None:
        stop = min(stop, after)
    first = max(stop - rows, 0 if before is None else before + 1)
    page = list(world.market.trades_by_id(symbol, first, stop))
    headers = {}
    if page:
        headers["CB-BEFORE"] = str(page[-1].id)
        if page[0].id > 0:
            headers["CB-AFTER"] = str(page[0].id)
    return array(map(_trade, reversed(page)), headers=headers)


def candles(world: World, request: Request) -> Response:
    """Newest first; ``start`` and ``end`` count together only; a row may open before *start*."""
    symbol, query = _symbol(request), request.query_params
    granularity = whole(query.get("granularity", "60"))
    if granularity not in GRANULARITIES_S:
        refuse(400, "Unsupported granularity")
    interval = Interval(length_ms=granularity * 1_000)
    now_ms = world.now_ms()
    last_ms = now_ms
    first_ms = interval.step(interval.opening(now_ms), bars=1 - CANDLES)
    if "start" in query and "end" in query:
        first_ms, last_ms = _moment_ms(query["start"]), _moment_ms(query["end"])
        if last_ms < first_ms:
            refuse(400, "start must be before end")
        if last_ms - first_ms > CANDLES * interval.length_ms:
            refuse(
                400,
                "granularity too small for the requested time range. "
                f"Count of aggregations requested exceeds {CANDLES}",
            )
    bars = world.market.candles(
        symbol, interval, max(interval.opening(first_ms), 0), last_ms + 1, until_ms=now_ms
    )
    return array(_candle(bar) for bar in reversed([bar for bar in bars if bar.trades]))


def products(world: World, request: Request) -> Response:  # noqa: ARG001 (no parameters)
    """Every listed pair, in one body."""
    return streamed(_products(world.market))


def _products(market: Market) -> Iterator[str]:
    # An instrument's own base and quote are a guess: DOTUSD could be DO-TUSD elsewhere.
    for base, quote in instruments.pairs(QUOTES):
        yield _product(base, quote, market.instrument(base + quote))


def _symbol(request: Request) -> str:
    product = str(request.path_params["product"])
    base, _, quote = product.partition("-")
    if instruments.split(base + quote, quotes=QUOTES) != (base, quote):
        refuse(404, "NotFound")
    return base + quote


def _cursor(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value and whole(value) is None:
        refuse(400, f"invalid {name}")
    return whole(value)


def _moment_ms(text: str) -> int:
    """ISO 8601, or seconds since 1970."""
    if (seconds := whole(text)) is not None and seconds < 10**11:
        return seconds * 1_000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        refuse(400, "invalid time format")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _trade(trade: Trade) -> str:
    side = "buy" if trade.buyer_is_maker else "sell"
    return (
        f'{{"time":"{iso_micros(trade.time_ns)}","trade_id":{trade.id},'
        f'"price":"{fixed8(trade.price_e8)}","size":"{fixed8(trade.quantity_e8)}","side":"{side}"}}'
    )


def _candle(bar: Candle) -> str:
    cells = (bar.low_e8, bar.high_e8, bar.open_e8, bar.close_e8, bar.volume_e8)
    return f"[{bar.open_ms // 1_000},{','.join(map(trimmed, cells))}]"


def _product(base: str, quote: str, instrument: Instrument) -> str:
    step, lot = trimmed(instrument.tick_e8), trimmed(instrument.lot_e8)
    return (
        f'{{"id":"{base}-{quote}","base_currency":"{base}","quote_currency":"{quote}",'
        f'"base_min_size":"{lot}","base_max_size":"{trimmed(instrument.lot_e8 * 10**7)}",'
        f'"quote_increment":"{step}","base_increment":"{lot}","display_name":"{base}/{quote}",'
        '"min_market_funds":"1","max_market_funds":"1500000","margin_enabled":false,'
        '"fx_stablecoin":false,"max_slippage_percentage":"0.03000000","post_only":false,'
        '"limit_only":false,"cancel_only":false,"trading_disabled":false,"status":"online",'
        '"status_message":"","auction_mode":false}'
    )
