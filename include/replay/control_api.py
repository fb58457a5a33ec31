"""The replay's own paths: its health, the requests it received, and the truth of its market.

``GET /_replay/health``, ``GET`` and ``DELETE /_replay/requests``,
``GET /_replay/truth?symbol=BTCUSDT&start=MS&end=MS``.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from include.replay.digits import E8, fixed8
from include.replay.request_log import RequestLog
from include.replay.responses import ReplayRefusalError, World, route, whole


def routes(world: World, *, log: RequestLog) -> list[Route]:
    """Everything under ``/_replay``."""
    return [
        route("/_replay/health", health, world=world),
        route("/_replay/truth", truth, world=world),
        Route("/_replay/requests", partial(requests, log), methods=["GET", "DELETE"]),
    ]


def health(world: World, request: Request) -> Response:  # noqa: ARG001 (no parameters)
    """What market this is, and what time it is there."""
    market = world.market
    return JSONResponse(
        {
            "status": "ok",
            "seed": market.seed,
            "trades_per_hour": market.trades_per_hour,
            "agg_trades_per_hour": market.agg_trades_per_hour,
            "coins": world.coins.count,
            "now_ms": world.now_ms(),
        }
    )


def truth(world: World, request: Request) -> Response:
    """How many trades and aggregates *symbol* has in ``[start, end)``, and what they sum up to."""
    query = request.query_params
    symbol, start_ms, end_ms = (
        query.get("symbol"),
        whole(query.get("start")),
        whole(query.get("end")),
    )
    if not symbol or start_ms is None or end_ms is None or end_ms <= start_ms:
        raise ReplayRefusalError(400, '{"error":"give symbol, start and end; times in ms"}')
    market, bar = world.market, world.market.candle(symbol, start_ms, end_ms)
    first, stop = market.id_at(symbol, start_ms), market.id_at(symbol, end_ms)
    aggregates = (market.agg_id_at(symbol, start_ms), market.agg_id_at(symbol, end_ms))
    return JSONResponse(
        {
            "trades": stop - first,
            "first_id": first,
            "agg_trades": aggregates[1] - aggregates[0],
            "first_agg_id": aggregates[0],
            "open": fixed8(bar.open_e8),
            "high": fixed8(bar.high_e8),
            "low": fixed8(bar.low_e8),
            "close": fixed8(bar.close_e8),
            "volume": fixed8(bar.volume_e8),
            "turnover": fixed8(bar.turnover_e16 // E8),
        }
    )


async def requests(log: RequestLog, request: Request) -> Response:
    """The log, oldest first, those after ``after`` whose target starts with ``prefix``."""
    if request.method == "DELETE":
        log.clear()
        return JSONResponse({"count": 0, "requests": []})
    after = whole(request.query_params.get("after")) or 0
    prefix = request.query_params.get("prefix", "")
    entries = [
        asdict(entry)
        for entry in log.entries
        if entry.number > after and entry.target.startswith(prefix)
    ]
    return JSONResponse({"count": log.count, "requests": entries})
