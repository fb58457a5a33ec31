"""Gate.io: trades of spot by page, of perpetuals by offset, both within a range of time.

Newest first; ``from`` and ``to`` are whole seconds, both inclusive, so that a trade later within
the second ``to`` does not come. 100 rows, at most 1,000. On spot no more than 100,000 rows can be
skipped. Spot has texts, and milliseconds with a fraction; perpetuals have numbers, and seconds with
one. A refusal is a ``label`` with status 400.
"""

from __future__ import annotations

from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.digits import trimmed
from include.replay.market import Trade
from include.replay.responses import ReplayRefusalError, World, array, route, whole

QUOTES = ("USDT", "USDC", "BTC", "ETH")
PAGE_ROWS = 1_000
MOST_SKIPPED = 100_000


def routes(world: World) -> list[Route]:
    """The paths of api.gateio.ws that are answered here."""
    return [
        route("/api/v4/spot/trades", spot_trades, world=world),
        route("/api/v4/futures/usdt/trades", futures_trades, world=world),
    ]


def refuse(label: str, message: str) -> NoReturn:
    """Say no as Gate.io does."""
    raise ReplayRefusalError(400, f'{{"label":"{label}","message":"{message}"}}')


def spot_trades(world: World, request: Request) -> Response:
    """Objects of texts; ``page`` counts from 1."""
    name = request.query_params.get("currency_pair", "")
    symbol = _symbol(name) or refuse("INVALID_CURRENCY_PAIR", f"Invalid currency pair {name}")
    skipped = ((_number(request, "page") or 1) - 1) * _rows(request)
    if skipped > MOST_SKIPPED:
        refuse("INVALID_PARAM_VALUE", f"limit * (page - 1) must be <= {MOST_SKIPPED}")
    page = _page(world, request, symbol, skipped=skipped)
    return array(_spot_trade(trade, name) for trade in page)


def futures_trades(world: World, request: Request) -> Response:
    """Objects of numbers, but for the price; the size is in contracts, of one lot each."""
    name = request.query_params.get("contract", "")
    symbol = _symbol(name) or refuse("CONTRACT_NOT_FOUND", f"Contract {name} not found")
    page = _page(world, request, symbol, skipped=_number(request, "offset") or 0)
    lot_e8 = world.market.instrument(symbol).lot_e8
    return array(_futures_trade(trade, name, lot_e8=lot_e8) for trade in page)


def _page(world: World, request: Request, symbol: str, *, skipped: int) -> list[Trade]:
    """The newest trades of the range but for *skipped* ones, newest first."""
    market, now_ms = world.market, world.now_ms()
    start, end = _number(request, "from"), _number(request, "to")
    first = market.id_at(symbol, (start or 0) * 1_000)
    stop = market.id_at(symbol, now_ms if end is None else min(end * 1_000 + 1, now_ms)) - skipped
    first = max(first, stop - _rows(request))
    return list(market.trades_by_id(symbol, first, stop))[::-1]


def _symbol(name: str) -> str | None:
    base, _, quote = name.partition("_")
    is_listed = instruments.split(base + quote, quotes=QUOTES) == (base, quote)
    return base + quote if is_listed else None


def _rows(request: Request) -> int:
    rows = _number(request, "limit")
    if rows is not None and not 1 <= rows <= PAGE_ROWS:
        refuse("INVALID_PARAM_VALUE", f"limit must be between 1 and {PAGE_ROWS}")
    return rows or 100


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value and whole(value) is None:
        refuse("INVALID_PARAM_VALUE", f"Invalid {name}")
    return whole(value)


def _spot_trade(trade: Trade, pair: str) -> str:
    side = "sell" if trade.buyer_is_maker else "buy"
    micros = f"{trade.time_ms}.{trade.time_ns // 1_000 % 1_000:03d}000"
    return (
        f'{{"id":"{trade.id}","create_time":"{trade.time_ms // 1_000}",'
        f'"create_time_ms":"{micros}","currency_pair":"{pair}","side":"{side}",'
        f'"amount":"{trimmed(trade.quantity_e8)}","price":"{trimmed(trade.price_e8)}",'
        f'"sequence_id":"{trade.id}"}}'
    )


def _futures_trade(trade: Trade, contract: str, *, lot_e8: int) -> str:
    size = trade.quantity_e8 // lot_e8 * (-1 if trade.buyer_is_maker else 1)
    seconds, ms = divmod(trade.time_ms, 1_000)
    return (
        f'{{"size":{size},"id":{trade.id},"create_time":{seconds},'
        f'"create_time_ms":{seconds}.{ms:03d},"contract":"{contract}",'
        f'"price":"{trimmed(trade.price_e8)}"}}'
    )
