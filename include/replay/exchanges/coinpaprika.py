"""CoinPaprika: every ticker in one body without pages, prices nested under ``quotes.USD``.

JSON numbers throughout. ``quotes`` names up to three currencies. A single ticker has its own path.
"""

from __future__ import annotations

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import noise
from include.replay.coins import Coin, Quote
from include.replay.digits import E8, E18, number_e18, trimmed
from include.replay.instruments import usd_e8
from include.replay.responses import ReplayRefusalError, World, quoted, route, streamed, text
from include.replay.time_formats import iso_s

CURRENCIES = ("USD", "BTC", "ETH", "EUR", "GBP", "JPY", "CAD", "AUD", "CHF", "TRY", "BRL")
_SPANS = ("15m", "30m", "1h", "6h", "12h", "24h", "7d", "30d", "1y")


def routes(world: World) -> list[Route]:
    """The paths of api.coinpaprika.com that are answered here."""
    return [
        route("/v1/tickers", tickers, world=world),
        route("/v1/tickers/{ticker}", ticker, world=world),
    ]


def tickers(world: World, request: Request) -> Response:
    """Every coin, by rank."""
    currencies, now_ms = _currencies(request), world.now_ms()
    return streamed(_ticker(world, coin, currencies, now_ms=now_ms) for coin in world.coins)


def ticker(world: World, request: Request) -> Response:
    """One coin by its id, such as ``btc-bitcoin``."""
    symbol, _, slug = str(request.path_params["ticker"]).partition("-")
    number = world.coins.by_slug.get(slug)
    if number is None or world.coins.coin(number).symbol != symbol:
        raise ReplayRefusalError(404, '{"error":"id not found"}')
    coin = world.coins.coin(number)
    return text(_ticker(world, coin, _currencies(request), now_ms=world.now_ms()))


def _currencies(request: Request) -> list[str]:
    names = request.query_params.get("quotes", "USD").upper().split(",")
    if len(names) > 3 or not set(names) <= set(CURRENCIES):
        raise ReplayRefusalError(400, '{"error":"quotes: invalid value"}')
    return names


def _ticker(world: World, coin: Coin, currencies: list[str], *, now_ms: int) -> str:
    quote = world.coins.quote(coin, now_ms=now_ms)
    prices = ",".join(
        f'"{name}":{{{",".join(_quote(world, coin, quote, name))}}}' for name in currencies
    )
    maximum = coin.supply * 21 // 20
    return (
        f'{{"id":"{coin.symbol}-{coin.slug}","name":{quoted(coin.name)},'
        f'"symbol":"{coin.symbol.upper()}","rank":{coin.rank},'
        f'"circulating_supply":{coin.supply},"total_supply":{maximum},'
        f'"max_supply":{maximum if coin.capped else 0},'
        f'"beta_value":{trimmed(_drawn(world, coin, "beta") % 2_000_000 * 100)},'
        '"first_data_at":"2010-07-17T00:00:00Z",'
        f'"last_updated":"{iso_s(quote.seen_ms)}","quotes":{{{prices}}}}}'
    )


def _quote(world: World, coin: Coin, quote: Quote, currency: str) -> Iterator[str]:
    unit = usd_e8(currency, seed=world.market.seed)
    price = quote.price_e18 * E8 // unit
    value, volume = quote.value * E8 // unit, quote.volume * E8 * E8 // unit
    highest = quote.value * E18 // coin.supply * (3 + coin.number % 11) * E8 // unit
    yield f'"price":{number_e18(price)},"volume_24h":{trimmed(volume + coin.number % E8)}'
    yield f'"volume_24h_change_24h":{_percent(world, coin, "volume")},"market_cap":{value}'
    yield f'"market_cap_change_24h":{_percent(world, coin, "24h")}'
    for span in _SPANS:
        yield f'"percent_change_{span}":{_percent(world, coin, span)}'
    below = (price - highest) * 10_000 // highest if highest else 0
    yield f'"ath_price":{number_e18(highest)},"ath_date":"2021-11-10T16:51:15Z"'
    yield f'"percent_from_price_ath":{trimmed(below * 10**6)}'


def _percent(world: World, coin: Coin, span: str) -> str:
    """Two decimals, the same for a coin whenever it is asked."""
    return trimmed((_drawn(world, coin, span) % 4_001 - 2_000) * 10**6)


def _drawn(world: World, coin: Coin, what: str) -> int:
    return noise.number(world.market.seed, "paprika", what, coin.number)
