"""The replay, and one bad hour of it: ``python -m tools.ui.exchange BAD_HOUR``.

In that hour every tenth candle of the feed ``my_candles`` comes with a volume that says n/a,
as exchanges do send them. Everything else is the replay as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from include.replay import server
from include.replay.candles import HOUR_MS
from include.replay.market import Market
from include.ticklake.model.window import parse_instant

TRADES_PER_HOUR = 3_000
PATH, SYMBOL = "/v5/market/kline", "SOLUSDT"
BAD_EVERY_MS = 10 * 60_000
BAD_VOLUME = b"n/a"
_VOLUME_CELL = 5


class BadHour:
    """Spoils the volumes of one hour in what *app* answers."""

    def __init__(self, app: ASGIApp, *, start_ms: int) -> None:
        self._app = app
        self._bad_ms = range(start_ms, start_ms + HOUR_MS, BAD_EVERY_MS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"] != PATH or not self._is_ours(scope):
            await self._app(scope, receive, send)
            return
        # A body that is not compressed can be changed.
        headers = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        body = bytearray()
        start: Message = {}

        async def collect(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                await send({**start, "headers": _without_length(start)})
                await send({"type": "http.response.body", "body": self._spoilt(bytes(body))})

        await self._app({**scope, "headers": headers}, receive, collect)

    def _is_ours(self, scope: Scope) -> bool:
        return parse_qs(scope["query_string"].decode("latin-1")).get("symbol") == [SYMBOL]

    def _spoilt(self, body: bytes) -> bytes:
        for open_ms in self._bad_ms:
            before, is_there, candle = body.partition(b'["%d",' % open_ms)
            if is_there:
                cells = candle.split(b",", _VOLUME_CELL)
                cells[_VOLUME_CELL - 1] = b'"%s"' % BAD_VOLUME
                body = before + is_there + b",".join(cells)
        return body


def _without_length(start: Message) -> list[tuple[bytes, bytes]]:
    return [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]


def main(argv: Sequence[str]) -> int:
    """Serve on a free port of the loopback until interrupted."""
    start_ms = int(parse_instant(argv[0]).timestamp() * 1_000)
    market = Market(trades_per_hour=TRADES_PER_HOUR)
    server.serve(BadHour(server.app(market=market), start_ms=start_ms), port=0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
