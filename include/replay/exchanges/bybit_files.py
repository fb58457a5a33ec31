"""public.bybit.com: the trades of Bybit's linear perpetuals, a ``.csv.gz`` a day.

With a header; seconds with four digits behind the point. A day's file comes some hours into the
next day, and until then there is a page that says 404. They have the same trades as
``/v5/market/recent-trade``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.candles import DAY_MS, HOUR_MS
from include.replay.digits import E8, trimmed
from include.replay.exchanges.bybit import QUOTES, execution_id
from include.replay.market import Market, Trade
from include.replay.published_files import file_response, gzipped
from include.replay.responses import World, route

_HEADER = (
    "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,"
    "foreignNotional,RPI"
)
_AFTER_MS = 4 * HOUR_MS
_NAME = re.compile(r"([A-Z0-9]+)(\d{4}-\d{2}-\d{2})\.csv\.gz")
_MISSING = "<html><head><title>404 Not Found</title></head><body>404 Not Found</body></html>\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class BybitFile:
    """The trades of a day."""

    name: str
    market: Market
    symbol: str
    start_ms: int

    def chunks(self) -> Iterator[bytes]:
        """Yield the file, as it is made."""
        return gzipped(self._lines())

    def _lines(self) -> Iterator[str]:
        yield _HEADER
        for trade in self.market.trades(self.symbol, self.start_ms, self.start_ms + DAY_MS):
            yield _trade(trade, self.symbol)


def routes(world: World) -> list[Route]:
    """The paths of public.bybit.com that are answered here."""
    return [route("/trading/{symbol}/{name}", trade_files, world=world)]


def trade_files(world: World, request: Request) -> Response:
    """``BTCUSDT2026-01-01.csv.gz``."""
    symbol, name = request.path_params["symbol"], request.path_params["name"]
    start_ms = _start_ms(symbol, name)
    is_listed = instruments.split(symbol, quotes=QUOTES["linear"]) is not None
    if not is_listed or start_ms is None or start_ms + DAY_MS + _AFTER_MS > world.now_ms():
        return HTMLResponse(_MISSING, 404)
    file = BybitFile(name=name, market=world.market, symbol=symbol, start_ms=start_ms)
    return file_response(file, request, media_type="application/octet-stream")


def _start_ms(symbol: str, name: str) -> int | None:
    """When the day of a file begins; None for what is not the name of one of *symbol*."""
    match = _NAME.fullmatch(name)
    if match is None or match[1] != symbol:
        return None
    try:
        start = datetime.fromisoformat(match[2]).replace(tzinfo=UTC)
    except ValueError:
        return None
    start_ms = int(start.timestamp()) * 1000
    return start_ms if start_ms >= 0 else None


def _trade(trade: Trade, symbol: str) -> str:
    side, tick = ("Sell", "ZeroMinusTick") if trade.buyer_is_maker else ("Buy", "ZeroPlusTick")
    seconds, rest_ns = divmod(trade.time_ns, 10**9)
    fraction = f"{rest_ns // 10**5:04d}".rstrip("0") or "0"
    size, gross = trimmed(trade.quantity_e8), trade.price_e8 * trade.quantity_e8
    return (
        f"{seconds}.{fraction},{symbol},{side},{size},{trimmed(trade.price_e8)},{tick},"
        f"{execution_id(trade.id, spot=False)},{Decimal(gross // E8).normalize():e},{size},"
        f"{trimmed(gross // E8)},0"
    )
