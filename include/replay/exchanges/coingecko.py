"""CoinGecko: coins/list (one body of every coin), coins/markets (numbered pages), simple/price.

Arrays of objects at the root, of simple/price a map by coin. Numbers are JSON numbers: dust coins
in e-notation, ``null`` where nothing is known. At most 250 rows a page, cut silently; after the
last page ``[]``.
"""

from __future__ import annotations

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import noise
from include.replay.coins import Coin, Quote
from include.replay.digits import E18, number_e18, percent_e5
from include.replay.responses import ReplayRefusalError, World, array, quoted, route, streamed
from include.replay.time_formats import iso_ms

CURRENCIES = {  # units of the currency for one dollar, in 1e-4
    "usd": 10_000, "eur": 9_157, "gbp": 7_853, "jpy": 1_492_500, "myr": 41_300, "chf": 8_057,
    "cad": 14_039, "aud": 15_288, "try": 415_000, "brl": 53_400, "inr": 886_000,
}  # fmt: skip
ORDERS = ("market_cap_desc", "market_cap_asc", "volume_desc", "volume_asc", "id_asc", "id_desc")
PAGE_ROWS = 250


def routes(world: World) -> list[Route]:
    """The paths of api.coingecko.com that are answered here."""
    return [
        route("/api/v3/coins/list", coins_list, world=world),
        route("/api/v3/coins/markets", coins_markets, world=world),
        route("/api/v3/simple/price", simple_price, world=world),
    ]


def coins_list(world: World, request: Request) -> Response:
    """Every coin: id, symbol, name (and platforms, with ``include_platform=true``)."""
    platforms = request.query_params.get("include_platform") == "true"
    return streamed(_listed(coin, platforms=platforms) for coin in world.coins)


def coins_markets(world: World, request: Request) -> Response:
    """A page of quotes in ``vs_currency``, by ``order``; or those of ``ids``."""
    query = request.query_params
    if not query.get("vs_currency"):
        raise ReplayRefusalError(422, '{"error":"Missing parameter vs_currency"}')
    rate = CURRENCIES.get(query["vs_currency"].lower())
    if rate is None:
        raise ReplayRefusalError(422, '{"error":"invalid vs_currency"}')
    rows = min(_positive(query.get("per_page"), default=100), PAGE_ROWS)
    page = _positive(query.get("page"), default=1)
    numbers = _selected(world, ids=query.get("ids"), order=query.get("order", ORDERS[0]))
    coins = (world.coins.coin(number) for number in numbers[(page - 1) * rows : page * rows])
    now_ms = world.now_ms()
    return array(_market(world, coin, rate=rate, now_ms=now_ms) for coin in coins)


def simple_price(world: World, request: Request) -> Response:
    """A map by coin of those in ``ids`` that there are, in dollars; all that can be included is."""
    ids, now_ms = request.query_params.get("ids"), world.now_ms()
    if not ids or request.query_params.get("vs_currencies") != "usd":
        missing = "vs_currencies" if ids else "ids"
        raise ReplayRefusalError(422, f'{{"error":"Missing parameter {missing}"}}')
    coins = (world.coins.coin(number) for number in _selected(world, ids=ids, order=ORDERS[0]))
    rows = (_price(coin, world.coins.quote(coin, now_ms=now_ms)) for coin in coins)
    return array(rows, before="{", after="}")


def _price(coin: Coin, quote: Quote) -> str:
    percent = quote.change_e18 * 10**7 // quote.day_ago_e18 if quote.day_ago_e18 else 0
    return (
        f'"{coin.slug}":{{"usd":{number_e18(quote.price_e18)},"usd_market_cap":{quote.value},'
        f'"usd_24h_vol":{quote.volume},"usd_24h_change":{percent_e5(percent)},'
        f'"last_updated_at":{quote.seen_ms // 1_000}}}'
    )


def _positive(value: str | None, *, default: int) -> int:
    """Nonsense is read as the default, as CoinGecko reads it."""
    return int(value) if value and value.isdecimal() and int(value) > 0 else default


def _selected(world: World, *, ids: str | None, order: str) -> range | list[int]:
    """Numbers of the coins to show, in *order*."""
    every: range | list[int] = range(world.coins.count)
    if ids:
        numbers = (world.coins.by_slug.get(slug) for slug in ids.split(","))
        every = sorted(number for number in numbers if number is not None)
    if order == "market_cap_asc":
        return every[::-1]
    if order.startswith("volume_"):
        return sorted(every, key=lambda n: _volume(world, n), reverse=order.endswith("desc"))
    if order.startswith("id_"):
        slugs = world.coins.by_slug
        chosen = set(every)
        by_id = [slugs[slug] for slug in sorted(slugs) if slugs[slug] in chosen]
        return by_id[::-1] if order.endswith("desc") else by_id
    return every


def _volume(world: World, number: int) -> int:
    return world.coins.quote(world.coins.coin(number), now_ms=0).volume


def _listed(coin: Coin, *, platforms: bool) -> str:
    named = f'{{"id":"{coin.slug}","symbol":"{coin.symbol}","name":{quoted(coin.name)}'
    if not platforms:
        return named + "}"
    address = "" if coin.number % 3 else f'"ethereum":"{_address(coin)}"'
    return f'{named},"platforms":{{{address}}}}}'


def _address(coin: Coin) -> str:
    return f"0x{noise.number(0, 'address', coin.slug):040x}"


def _market(world: World, coin: Coin, *, rate: int, now_ms: int) -> str:
    quote = world.coins.quote(coin, now_ms=now_ms)
    image = f"https://assets.coingecko.com/coins/images/{coin.rank}/large/{coin.slug}.png"
    fields = [
        f'"id":"{coin.slug}","symbol":"{coin.symbol}","name":{quoted(coin.name)}',
        f'"image":"{image}?{1_696_501_400 + coin.number}"',
        *_prices(coin, quote, rate=rate),
        *_records(coin, quote, rate=rate),
        f'"last_updated":"{iso_ms(quote.seen_ms)}"',
    ]
    return f"{{{','.join(fields)}}}"


def _prices(coin: Coin, quote: Quote, *, rate: int) -> Iterator[str]:
    change = quote.change_e18
    percent = change * 10**7 // quote.day_ago_e18 if quote.day_ago_e18 else 0
    value = quote.value * rate // 10_000
    maximum = coin.supply * 21 // 20
    yield f'"current_price":{number_e18(quote.price_e18 * rate // 10_000)}'
    yield f'"market_cap":{value},"market_cap_rank":{coin.rank}'
    yield f'"fully_diluted_valuation":{value * 21 // 20 if coin.capped else "null"}'
    yield f'"total_volume":{quote.volume * rate // 10_000}'
    yield f'"high_24h":{number_e18(quote.high_e18 * rate // 10_000)}'
    yield f'"low_24h":{number_e18(quote.low_e18 * rate // 10_000)}'
    yield f'"price_change_24h":{number_e18(change * rate // 10_000)}'
    yield f'"price_change_percentage_24h":{percent_e5(percent)}'
    yield f'"market_cap_change_24h":{value * percent // 10**7}'
    yield f'"market_cap_change_percentage_24h":{percent_e5(percent)}'
    yield f'"circulating_supply":{coin.supply}.0,"total_supply":{maximum}.0'
    yield f'"max_supply":{f"{maximum}.0" if coin.capped else "null"}'


def _records(coin: Coin, quote: Quote, *, rate: int) -> Iterator[str]:
    """Highest and lowest ever: made up from the price's level, so that they stay."""
    highest = quote.value * E18 // coin.supply * (3 + coin.number % 11) * rate // 10_000
    lowest = quote.value * E18 // coin.supply * rate // 10_000 // (5 + coin.number % 97)
    price = quote.price_e18 * rate // 10_000
    since_high = (price - highest) * 10**7 // highest if highest else 0
    since_low = (price - lowest) * 10**7 // lowest if lowest else 0
    yield f'"ath":{number_e18(highest)},"ath_change_percentage":{percent_e5(since_high)}'
    yield '"ath_date":"2021-11-10T14:24:11.849Z"'
    yield f'"atl":{number_e18(lowest)},"atl_change_percentage":{percent_e5(since_low)}'
    yield '"atl_date":"2013-07-06T00:00:00.000Z"'
    if coin.number % 10 == 1:
        yield '"roi":{"times":77.75902973396462,"currency":"btc","percentage":7775.902973396463}'
    else:
        yield '"roi":null'
