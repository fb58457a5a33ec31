"""Requests in, a log of them out: what was asked, in which order, and how it was answered.

Tests read it to see which pages a client asked for; it holds the last hundred thousand.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

FAULT = "replay.fault"  # the scope's key under which a fault is noted
_KEPT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request, numbered from 1; ``target`` is the path with its query."""

    number: int
    target: str
    status: int
    body_bytes: int
    fault: str | None


@dataclass(slots=True, kw_only=True)
class RequestLog:
    """The last requests to the exchanges, oldest first."""

    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=_KEPT))
    count: int = 0

    def add(self, *, target: str, status: int, body_bytes: int, fault: str | None) -> None:
        """Note one answered request."""
        self.count += 1
        self.entries.append(
            Entry(
                number=self.count,
                target=target,
                status=status,
                body_bytes=body_bytes,
                fault=fault,
            )
        )

    def clear(self) -> None:
        """Forget all, and number from 1 again."""
        self.entries.clear()
        self.count = 0


class Logged:
    """Writes every request into *log*, except those to the replay's own paths."""

    def __init__(self, app: ASGIApp, *, log: RequestLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or is_own(scope["path"]):
            await self._app(scope, receive, send)
            return
        status, body_bytes = 0, 0

        async def noted(message: Message) -> None:
            nonlocal status, body_bytes
            status = message.get("status", status)
            body_bytes += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            self._log.add(
                target=target(scope),
                status=status,
                body_bytes=body_bytes,
                fault=scope.get(FAULT),
            )


def target(scope: Scope) -> str:
    """The path with its query, as it was asked."""
    query = scope["query_string"].decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])


def is_own(path: str) -> bool:
    """Whether *path* is the replay's own, no exchange's."""
    return path.startswith("/_")
