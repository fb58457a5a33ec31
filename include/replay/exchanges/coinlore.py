"""CoinLore: tickers by offset, the total in ``info`` after the records.

``start`` counts from 0, at most 100 rows a page (a larger ``limit`` is cut). Strings, but for the
volumes, which are JSON numbers with all the noise of floats. After the end ``data`` is empty.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import noise
from include.replay.coins import Coin
from include.replay.digits import E8, fixed
from include.replay.instruments import usd_e8
from include.replay.responses import World, array, quoted, route, whole

PAGE_ROWS = 100


def routes(world: World) -> list[Route]:
    """The paths of api.coinlore.net that are answered here."""
    return [route("/api/tickers/", tickers, world=world)]


def tickers(world: World, request: Request) -> Response:
    """``{"data": [...], "info": {"coins_num": n, "time": s}}``."""
    start = whole(request.query_params.get("start")) or 0
    rows = min(whole(request.query_params.get("limit")) or PAGE_ROWS, PAGE_ROWS)
    now_ms, count = world.now_ms(), world.coins.count
    numbers = range(start, min(start + rows, count))
    return array(
        (_ticker(world, world.coins.coin(number), now_ms=now_ms) for number in numbers),
        before='{"data":[',
        after=f'],"info":{{"coins_num":{count},"time":{now_ms // 1_000}}}}}',
    )


def _ticker(world: World, coin: Coin, *, now_ms: int) -> str:
    quote = world.coins.quote(coin, now_ms=now_ms)
    drawn = noise.number(world.market.seed, "lore", coin.number)
    price_e8 = quote.price_e18 // 10**10
    in_btc = quote.price_e18 // (usd_e8("BTC", seed=world.market.seed) * 100)
    maximum = str(coin.supply * 21 // 20) if coin.capped else ""
    changes = [
        f'"percent_change_{span}":"{_percent(drawn >> place & 0xFFF)}"'
        for span, place in (("24h", 0), ("1h", 12), ("7d", 24))
    ]
    return (
        f'{{"id":"{coin.number + 90}","symbol":"{coin.symbol.upper()}","name":{quoted(coin.name)},'
        f'"nameid":"{coin.slug}","rank":{coin.rank},'
        f'"price_usd":"{fixed(price_e8, decimals=2 if price_e8 >= E8 else 8)}",'
        f'{",".join(changes)},"price_btc":"{fixed(in_btc, decimals=8)}",'
        f'"market_cap_usd":"{quote.value}.{drawn % 100:02d}",'
        f'"volume24":{quote.volume}.{drawn % 10**7:07d}1,'
        f'"volume24a":{quote.volume * 9 // 10}.{drawn >> 9 & 0xFFFF}3,'
        f'"csupply":"{coin.supply}.00","tsupply":"{coin.supply}","msupply":"{maximum}"}}'
    )


def _percent(drawn: int) -> str:
    return fixed((drawn - 2_048) * 10**6, decimals=2)
