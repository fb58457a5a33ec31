"""HTTP responses of JSON rows, and the one exception with which a handler refuses.

Handlers are functions ``(world, request) -> Response``; ``route`` binds one to its path. They run
in Starlette's thread pool, so a page that takes some milliseconds blocks no other request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from include.replay.coins import Coins
from include.replay.market import Market

JSON = "application/json;charset=UTF-8"
_CHUNK_CHARACTERS = 64 * 1024
_WHOLE = re.compile("[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What every handler sees: the market, the coins, and what time it is there."""

    market: Market
    coins: Coins
    now_ms: Callable[[], int]
    okx_trades_rows: int = 100
    okx_candles_rows: int = 100
    binance_bases: Sequence[str] | None = None
    """What exchangeInfo lists, quoted in USDT; None for the majors in every quote."""
    binance_broken: Sequence[str] = ()
    """Bases that exchangeInfo lists with the status BREAK."""


class ReplayRefusalError(Exception):
    """The exchange's own way to say no: *status* and a JSON *body*."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(body)
        self.status = status
        self.body = body


Handler = Callable[[World, Request], Response]
BodyHandler = Callable[[World, object], Response]


def route(path: str, handler: Handler, *, world: World) -> Route:
    """*handler* at *path*, for GET."""
    return Route(path, partial(handler, world), name=handler.__name__)


def post_route(path: str, handler: BodyHandler, *, world: World) -> Route:
    """*handler* at *path*, for POST; it is given the JSON of the body, None where that is none."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await request.json()
        except ValueError:
            body = None
        return await run_in_threadpool(handler, world, body)

    return Route(path, endpoint, methods=["POST"], name=handler.__name__)


def refused(request: Request, error: Exception) -> Response:  # noqa: ARG001 (Starlette's signature)
    """The answer to a request that a handler refused."""
    assert isinstance(error, ReplayRefusalError)  # noqa: S101 (registered for this class only)
    return Response(error.body, error.status, media_type=JSON)


def whole(value: str | None) -> int | None:
    """*value* as an integer of at most 20 digits, or None where it is none or something else."""
    return int(value) if value and len(value) <= 20 and _WHOLE.fullmatch(value) else None


def quoted(value: str) -> str:
    """*value* as a JSON string, not escaped beyond need."""
    return json.dumps(value, ensure_ascii=False)


def text(body: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """A body that fits one write, with its Content-Length."""
    return Response(body, headers=headers, media_type=JSON)


def array(
    rows: Iterable[str], *, before: str = "[", after: str = "]",
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """A page: *rows* between *before* and *after*, with its Content-Length."""
    return text(f"{before}{','.join(rows)}{after}", headers=headers)


def streamed(
    rows: Iterable[str], *, before: str = "[", after: str = "]",
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """An array of any length in chunks, made while it is being read."""
    return StreamingResponse(_chunks(rows, before, after), headers=headers, media_type=JSON)


def _chunks(rows: Iterable[str], before: str, after: str) -> Iterator[bytes]:
    pieces, size, comma = [before], 0, ""
    for row in rows:
        pieces += comma, row
        comma, size = ",", size + len(row)
        if size >= _CHUNK_CHARACTERS:
            yield "".join(pieces).encode()
            pieces, size = [], 0
    yield "".join([*pieces, after]).encode()
