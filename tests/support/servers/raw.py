"""A server that sends any bytes at all: what no HTTP library would let a test send."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler

from tests.support.servers.loopback import LoopbackServer


class RawServer(LoopbackServer):
    """Answers every connection on ``url`` with the same chunks, then closes it."""

    def __init__(
        self, *chunks: bytes, then: Iterable[bytes] = (), tls: ssl.SSLContext | None = None
    ) -> None:
        self.chunks = chunks
        self.disconnected = threading.Event()
        """Set when a client went away before it was sent everything."""
        server = self

        class ChunkHandler(BaseHTTPRequestHandler):
            def handle(self) -> None:
                request = b""
                try:
                    while b"\r\n\r\n" not in request:
                        request += self.connection.recv(65_536)
                    for source in (server.chunks, then):
                        for chunk in source:
                            self.connection.sendall(chunk)
                except OSError:
                    server.disconnected.set()

        super().__init__(ChunkHandler, tls=tls)
