"""Settings in, a server out: every exchange on one port.

``app(...)`` is the Starlette application, ``running(...)`` serves one from a thread for tests, and
``serve(...)`` is what the command line runs. Paths that belong to no exchange are ``/_replay``
(health, the log of requests) and ``/_bench`` (one endless page for measuring).
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from include.replay import bench_page, control_api
from include.replay.coins import Coins
from include.replay.exchanges import (
    binance,
    binance_files,
    binance_futures,
    binance_symbols,
    binance_tickers,
    bitfinex,
    bitmex,
    bitstamp,
    bybit,
    bybit_files,
    coinbase,
    coingecko,
    coinlore,
    coinpaprika,
    deribit,
    gate,
    gemini,
    htx,
    hyperliquid,
    kraken,
    kraken_tickers,
    kucoin,
    okx,
    upbit,
)
from include.replay.faults import Faults, Faulty
from include.replay.limits import Limit, Limited
from include.replay.market import Market
from include.replay.request_log import Logged, RequestLog
from include.replay.responses import ReplayRefusalError, World, refused
from include.ticklake.errors import UsageError

EXCHANGES = (
    binance, binance_symbols, binance_tickers, binance_futures, coinbase, kraken, okx, bybit,
    coingecko, upbit,
    coinpaprika, coinlore, bitstamp, gemini, kucoin, bitfinex, gate, bitmex,
    deribit, hyperliquid, htx, kraken_tickers, binance_files, bybit_files,
)  # fmt: skip

COINS = 17_000


def clock_ms() -> int:
    """Now, by this machine."""
    return time.time_ns() // 1_000_000


def app(
    *,
    market: Market | None = None,
    coins: int = COINS,
    now_ms: Callable[[], int] = clock_ms,
    faults: Faults | None = None,
    limits: Mapping[str, Limit] | None = None,
    okx_trades_rows: int = 100,
    okx_candles_rows: int = 100,
    binance_bases: Sequence[str] | None = None,
    binance_broken: Sequence[str] = (),
) -> Starlette:
    """The application; *now_ms* is what time it is in the market: nothing after it has happened.

    *limits* are ``limits.REAL`` or a test's own. ``app(...).state.log`` is its ``RequestLog``.
    """
    market = market or Market()
    world = World(
        market=market,
        coins=Coins(market, count=coins),
        now_ms=now_ms,
        okx_trades_rows=okx_trades_rows,
        okx_candles_rows=okx_candles_rows,
        binance_bases=binance_bases,
        binance_broken=binance_broken,
    )
    log = RequestLog()
    middleware = [Middleware(Logged, log=log)]
    if limits:
        middleware.append(Middleware(Limited, limits=limits, now_ms=now_ms))
    if faults:
        middleware.append(Middleware(Faulty, faults=faults, now_ms=now_ms))
    application = Starlette(
        routes=_routes(world, log=log),
        middleware=middleware,
        exception_handlers={ReplayRefusalError: refused},
    )
    application.state.log = log
    return application


def _routes(world: World, *, log: RequestLog) -> list[BaseRoute]:
    exchanges = [route_ for exchange in EXCHANGES for route_ in exchange.routes(world)]
    compressed = Middleware(GZipMiddleware, compresslevel=1)  # speed: the loopback is wide
    return [
        *control_api.routes(world, log=log),
        *bench_page.routes(world),
        Mount("/", routes=exchanges, middleware=[compressed]),
    ]


@contextmanager
def running(application: ASGIApp) -> Iterator[str]:
    """Serve *application* on a free port of the loopback, from a thread; yields its base URL."""
    listener = _listener("127.0.0.1", port=0)
    server = _server(application)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


def serve(application: ASGIApp, *, port: int, host: str = "127.0.0.1") -> None:
    """Serve until interrupted; prints one line with the URL once it can be connected to.

    Port 0 takes a free one. Raises ``UsageError`` where the address is taken or is not ours.
    """
    with _listener(host, port=port) as listener, suppress(KeyboardInterrupt):
        sys.stdout.write(f"replay listens on http://{host}:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        _server(application).run([listener])


def _listener(host: str, *, port: int) -> socket.socket:
    """A socket that takes connections already, before there is a server behind it."""
    try:
        listener = socket.create_server((host, port), backlog=2048)
    except OSError as problem:
        reason = problem.strerror or problem
        raise UsageError(f"{host}:{port}: {reason}; choose another --port") from None
    listener.setblocking(False)
    return listener


def _server(application: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        application, lifespan="off", ws="none", access_log=False, log_level="critical",
        timeout_graceful_shutdown=5,
    )  # fmt: skip
    return uvicorn.Server(config)
