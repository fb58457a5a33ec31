"""Faults: every n-th response fails as exchanges and networks do.

Deterministic: every ``every``-th request gets the next kind of fault of the list, a retry the next
one, and after ``in_a_row`` of them (1 by default) the response is correct. A client that retries
ends with the same data as without faults.

===========  ====================================================================================
``429``      too many requests, with Retry-After
``429-date`` the same, the time to wait given as a date by this machine's clock
``418``      banned (status and Retry-After as Binance sends them)
``403``      blocked: an HTML page, no Retry-After
``500``      the exchange failed
``cut``      the connection ends in the middle of the body
``slow``     the body drips
``repeat``   the page before comes again, with status 200
``envelope`` an error in the exchange's own envelope, with status 200; files have none
``html``     a web page with status 200
===========  ====================================================================================
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from include.replay.error_responses import family
from include.replay.request_log import FAULT, is_own, target
from include.replay.responses import JSON
from include.ticklake.errors import UsageError

ALL = ("429", "418", "500", "cut", "slow", "repeat", "envelope")
KINDS = (*ALL, "429-date", "403", "html")

_FORWARD = frozenset(
    {"fromId", "startTime", "since", "since_tid", "timestamp", "page", "offset", "start"}
)
_BACKWARD = frozenset({"after", "end", "endTime", "end_seq"})
_REMEMBERED = 10_000
_DROPS = 10
_WEB_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>{title}</title></head>"
    "<body><h1>{title}</h1></body></html>\n"
)

Walk = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Which faults, how often, and how long they ask to wait or take."""

    kinds: tuple[str, ...] = ALL
    every: int = 5
    in_a_row: int = 1
    retry_after_s: int = 1
    slow_s: float = 1.0

    def __post_init__(self) -> None:
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or not self.kinds:
            raise UsageError(
                f"faults: {', '.join(unknown) or 'none'} given; known are {', '.join(KINDS)}"
            )
        if self.every < 1:
            raise UsageError(f"faults: every {self.every} requests; it must be 1 or more")
        if self.in_a_row < 1:
            raise UsageError(f"faults: {self.in_a_row} in a row; it must be 1 or more")


class Faulty:
    """Spoils answers of *app*; what it does next depends on nothing but the requests so far."""

    def __init__(self, app: ASGIApp, *, faults: Faults, now_ms: Callable[[], int]) -> None:
        self._app = app
        self._faults = faults
        self._now_ms = now_ms
        self._count = 0
        self._given = 0
        self._met: OrderedDict[str, int] = OrderedDict()
        self._walks: OrderedDict[Walk, str] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or is_own(scope["path"]):
            await self._app(scope, receive, send)
            return
        stale = self._stale(scope)
        kind = self._next(target(scope), impossible=_impossible(scope["path"], stale))
        scope[FAULT] = kind
        if kind is None:
            self._remember(scope)
            await self._app(scope, receive, send)
        elif kind == "repeat":
            await self._app({**scope, "query_string": stale}, receive, send)
        elif kind in ("cut", "slow"):
            faulty_send = _cut(send) if kind == "cut" else _slow(send, slow_s=self._faults.slow_s)
            await self._app(scope, receive, faulty_send)
        else:
            await self._refusal(kind, scope["path"])(scope, receive, send)

    def _next(self, target: str, *, impossible: Collection[str]) -> str | None:
        """The fault for this request, or None; None after as many faults as it gets."""
        met = self._met.pop(target, 0)
        if met == self._faults.in_a_row:
            return None
        self._count += met == 0
        if self._count % self._faults.every and not met:
            return None
        for _ in self._faults.kinds:
            kind = self._faults.kinds[self._given % len(self._faults.kinds)]
            self._given += 1
            if kind not in impossible:
                self._met[target] = met + 1
                _trim(self._met)
                return kind
        self._count -= 1  # the next request may be one for which a kind is possible
        return None

    def _stale(self, scope: Scope) -> bytes | None:
        """The query of the page before this one in the same walk."""
        query = _query(scope)
        for walk, value in _walks(scope["path"], query):
            before = self._walks.get(walk, "")
            if _goes_on(walk[1], before, value):
                old = [(name, before if name == walk[1] else v) for name, v in query]
                return urlencode(old).encode()
        return None

    def _remember(self, scope: Scope) -> None:
        for walk, value in _walks(scope["path"], _query(scope)):
            self._walks[walk] = value
            self._walks.move_to_end(walk)
        _trim(self._walks)

    def _refusal(self, kind: str, path: str) -> Response:
        words, wait_s = family(path), self._faults.retry_after_s
        later = {"Retry-After": str(wait_s)}
        if kind == "429-date":
            later = {"Retry-After": formatdate(time.time() + wait_s, usegmt=True)}
        if kind.startswith("429"):
            return Response(words.limited, 429, later, JSON)
        if kind == "418":
            until_ms = str(self._now_ms() + wait_s * 1_000)
            return Response(words.banned.replace("{until_ms}", until_ms), 418, later, JSON)
        if kind == "500":
            return Response(words.failed, 500, media_type=JSON)
        if kind == "envelope":
            return Response(words.enveloped, 200, media_type=JSON)
        title, status = ("Request blocked", 403) if kind == "403" else ("Maintenance", 200)
        return Response(_WEB_PAGE.format(title=title), status, media_type="text/html")


def _impossible(path: str, stale: bytes | None) -> Collection[str]:
    """The faults that an answer cannot have: the first page of a walk has none before it."""
    without = {"repeat": stale is None, "envelope": not family(path).enveloped}
    return [kind for kind, is_without in without.items() if is_without]


def _cut(send: Send) -> Send:
    """Half of what is sent first, then nothing: the server closes what the app did not end."""
    over = False

    async def faulty_send(message: Message) -> None:
        nonlocal over
        if over:
            return
        if message["type"] == "http.response.body":
            over = True
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    return faulty_send


def _slow(send: Send, *, slow_s: float) -> Send:
    """What is sent first in ten drops, over *slow_s*; the rest as it comes."""
    over = False

    async def faulty_send(message: Message) -> None:
        nonlocal over
        if over or message["type"] != "http.response.body":
            await send(message)
            return
        over = True
        body, more = message.get("body", b""), message.get("more_body", False)
        step = -(-len(body) // _DROPS) or 1
        for start in range(0, len(body), step):
            await asyncio.sleep(slow_s / _DROPS)
            drop = {**message, "body": body[start : start + step], "more_body": True}
            await send(drop)
        await send({**message, "body": b"", "more_body": more})

    return faulty_send


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _walks(path: str, query: list[tuple[str, str]]) -> list[tuple[Walk, str]]:
    """Each cursor in *query* with the walk it moves in: the path and all other parameters."""
    return [
        ((path, name, tuple(sorted(pair for pair in query if pair[0] != name))), value)
        for name, value in query
        if name in _FORWARD or name in _BACKWARD
    ]


def _goes_on(name: str, before: str, value: str) -> bool:
    """Whether *value* is a later page than *before*, and not the first of another walk."""
    if not (before.isdecimal() and value.isdecimal()) or int(before) == int(value):
        return False
    return (int(before) < int(value)) == (name in _FORWARD)


def _trim(remembered: OrderedDict[str, int] | OrderedDict[Walk, str]) -> None:
    while len(remembered) > _REMEMBERED:
        remembered.popitem(last=False)
