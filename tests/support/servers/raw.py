"""A server that sends any bytes at all: what no HTTP library would let a test send."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler

from tests.support.servers.loopback import LoopbackServer


class RawServer(LoopbackServer):
    """Answers every connection on ``url`` with the same chunks, then closes it.

    It reads a request first, unless it is to *speak_first*; a chunk may be made of the request.
    """

    def __init__(
        self,
        *chunks: bytes | Callable[[bytes], bytes],
        then: Iterable[bytes] = (),
        tls: ssl.SSLContext | None = None,
        speak_first: bool = False,
    ) -> None:
        self.chunks = chunks
        self.disconnected = threading.Event()
        """Set when a client went away before it was sent everything."""
        server = self

        class ChunkHandler(BaseHTTPRequestHandler):
            def handle(self) -> None:
                request = b""
                try:
                    while not speak_first and b"\r\n\r\n" not in request:
                        request += self.connection.recv(65_536)
                    for source in (server.chunks, then):
                        for chunk in source:
                            self.connection.sendall(chunk(request) if callable(chunk) else chunk)
                except OSError:
                    server.disconnected.set()

        super().__init__(ChunkHandler, tls=tls)


class Drip:
    """*drop* every 20 ms, for each connection: a slow source, which a test ends within 10 s."""

    def __init__(self, drop: bytes) -> None:
        self._drop = drop

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(500):
            time.sleep(0.02)
            yield self._drop


def ok(*headers: str) -> bytes:
    """The head of an answer of 200 with these lines."""
    return "\r\n".join(["HTTP/1.1 200 OK", *headers, "", ""]).encode()
