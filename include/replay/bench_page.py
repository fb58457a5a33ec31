"""One page of any number of aggTrades, as fast as the socket takes it.

Ids are contiguous and times ascend over one hour, so that a real reader accepts
it; a thousand rows share a millisecond. A block of a thousand rows is made once, and each
copy of it gets its own ids and time by ``bytes.replace``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from include.replay.candles import HOUR_MS
from include.replay.digits import fixed8
from include.replay.market import Market
from include.replay.responses import JSON, ReplayRefusalError, World, route, whole

START_MS = 1_767_322_800_000  # 2026-01-02T03:00Z
_BLOCK_ROWS = 1_000
_FIRST_BLOCK = 4_000_000  # ids have ten digits


def routes(world: World) -> list[Route]:
    """``/_bench/aggTrades?rows=N``."""
    return [route("/_bench/aggTrades", agg_trades, world=world)]


def agg_trades(world: World, request: Request) -> Response:
    """An array of ``rows`` objects of about 110 bytes; an hour from ``startTime`` on."""
    rows = whole(request.query_params.get("rows", "1000000"))
    start_ms = whole(request.query_params.get("startTime", str(START_MS)))
    if rows is None or start_ms is None:
        raise ReplayRefusalError(400, '{"code":-1100,"msg":"rows and startTime are numbers"}')
    body = _blocks(_rendered(world.market), rows=rows, start_ms=start_ms)
    return StreamingResponse(body, media_type=JSON)


async def _blocks(rendered: tuple[bytes, ...], *, rows: int, start_ms: int) -> AsyncIterator[bytes]:
    whole_block, count = b",".join(rendered), -(-rows // _BLOCK_ROWS)
    yield b"["
    for block in range(count):
        left = rows - block * _BLOCK_ROWS
        body = whole_block if left >= _BLOCK_ROWS else b",".join(rendered[:left])
        prefix = str(_FIRST_BLOCK + block).encode()
        time_ms = str(start_ms + block * HOUR_MS // count).encode()
        comma = b"," if block else b""
        yield comma + body.replace(b"@", prefix).replace(b"#", time_ms)
    yield b"]"


@lru_cache(maxsize=2)
def _rendered(market: Market) -> tuple[bytes, ...]:
    """A thousand rows with ``@`` for all but three digits of the ids and ``#`` for the time."""
    first = market.agg_id_at("BTCUSDT", START_MS)
    trades = market.agg_trades_by_id("BTCUSDT", first, first + _BLOCK_ROWS)
    return tuple(
        (
            f'{{"a":@{n:03d},"p":"{fixed8(trade.price_e8)}","q":"{fixed8(trade.quantity_e8)}",'
            f'"f":@{n:03d},"l":@{n:03d},"T":#,"m":{str(trade.buyer_is_maker).lower()},"M":true}}'
        ).encode()
        for n, trade in enumerate(trades)
    )
