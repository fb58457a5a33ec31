"""A server that sends any bytes at all: what no HTTP library would let a test send."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from types import TracebackType


class RawServer:
    """Answers every connection on ``url`` with the same pieces, then closes it."""

    def __init__(self, *pieces: bytes, then: Iterable[bytes] = ()) -> None:
        self.left = threading.Event()
        """Set when a reader went away before it was sent everything."""
        self.pieces, self._then = pieces, then
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if self._closing:
                    return
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        try:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += connection.recv(65_536)
            for source in (self.pieces, self._then):
                for piece in source:
                    connection.sendall(piece)
        except OSError:
            self.left.set()

    def __enter__(self) -> RawServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join(timeout=10)
        self._listener.close()
