"""Settings in, a server out: every exchange on one port.

``app(...)`` is the Starlette application, ``running(...)`` serves one from a thread for tests, and
``serve(...)`` is what the command line runs. What is not an exchange's lies under ``/_replay``
(health, the log of requests) and ``/_bench`` (one endless page for measuring).
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from include.ticklake.replay.answers import Refused, World, refused
from include.ticklake.replay.coins import Coins
from include.ticklake.replay.exchanges import (
    binance,
    binance_futures,
    binance_tickers,
    bitstamp,
    bybit,
    coinbase,
    coingecko,
    coinlore,
    coinpaprika,
    gemini,
    kraken,
    okx,
)
from include.ticklake.replay.market import TRADES_PER_HOUR, Market

EXCHANGES = (
    binance, binance_tickers, binance_futures, coinbase, kraken, okx, bybit, coingecko,
    coinpaprika, coinlore, bitstamp, gemini,
)  # fmt: skip


def clock_ms() -> int:
    """Now, by this machine."""
    return time.time_ns() // 1_000_000


def app(
    *,
    market: Market | None = None,
    coins: int = 17_000,
    now_ms: Callable[[], int] = clock_ms,
    okx_trades_rows: int = 100,
    okx_candles_rows: int = 100,
) -> Starlette:
    """The application; *now_ms* is what time it is in the market: nothing after it has happened."""
    market = market or Market()
    world = World(
        market=market,
        coins=Coins(market, count=coins),
        now_ms=now_ms,
        okx_trades_rows=okx_trades_rows,
        okx_candles_rows=okx_candles_rows,
    )
    exchanges: list[BaseRoute] = [
        found for exchange in EXCHANGES for found in exchange.routes(world)
    ]
    compressed = Middleware(GZipMiddleware, compresslevel=1)  # speed: the loopback is wide
    return Starlette(
        routes=[Mount("/", routes=exchanges, middleware=[compressed])],
        exception_handlers={Refused: refused},
    )


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


def serve(
    port: int, *, host: str = "127.0.0.1", seed: int = 7, trades_per_hour: int = TRADES_PER_HOUR
) -> None:
    """Serve until interrupted; prints one line with the URL once it can be connected to."""
    market = Market(seed=seed, trades_per_hour=trades_per_hour)
    listener = _listener(host, port=port)
    sys.stdout.write(f"replay listens on http://{host}:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    _server(app(market=market)).run([listener])


def _listener(host: str, *, port: int) -> socket.socket:
    """A socket that takes connections already, before there is a server behind it."""
    listener = socket.create_server((host, port), backlog=2048)
    listener.setblocking(False)
    return listener


def _server(application: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        application, lifespan="off", ws="none", access_log=False, log_level="critical",
        timeout_graceful_shutdown=5,
    )  # fmt: skip
    return uvicorn.Server(config)
