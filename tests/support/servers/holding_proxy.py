"""A real proxy before an S3 server that stops the world before the n-th change.

It forwards requests unchanged, with the ``Host`` that they are signed with. Of the request that it
has to hold it sets ``held`` and never answers: the client then stays at that very step for as long
as the test needs, and can be killed there.
"""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.support.servers.loopback import LoopbackServer, QuietHandler

CHANGES = {"PUT", "POST", "DELETE"}


class HoldingProxy(LoopbackServer):
    """Forwards to *upstream*; ``hold(n)`` holds the n-th change from then on."""

    def __init__(self, upstream: str) -> None:
        self.changes: list[str] = []
        self.held = threading.Event()
        self._hold_at: int | None = None
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._upstream = urlsplit(upstream).netloc
        super().__init__(self._handler())

    def hold(self, number: int | None) -> None:
        """Restart the count; hold the change of that *number*, none for None."""
        self._released.set()
        with self._lock:
            self.changes, self._hold_at = [], number
            self.held, self._released = threading.Event(), threading.Event()

    def _passes(self, change: str) -> bool:
        """Count *change*; False, after the hold is over, if it must never happen."""
        with self._lock:
            number, held, released = len(self.changes), self.held, self._released
            self.changes.append(change)
            stop = self._hold_at is not None and number >= self._hold_at
        if stop:
            held.set()
            released.wait(60)
        return not stop

    def _handler(self) -> type[QuietHandler]:
        proxy = self

        class ForwardingHandler(QuietHandler, BaseHTTPRequestHandler):
            def _forward(self) -> None:
                body = self.body()
                if self.command in CHANGES and not proxy._passes(f"{self.command} {self.path}"):
                    self.close_connection = True
                    return
                upstream = http.client.HTTPConnection(proxy._upstream, timeout=30)
                upstream.request(self.command, self.path, body=body, headers=dict(self.headers))
                response = upstream.getresponse()
                content = response.read()
                self.send_response_only(response.status)
                for name, value in response.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length"):
                        self.send_header(name, value)
                length = response.getheader("Content-Length") if self.command == "HEAD" else None
                self.send_header("Content-Length", length or str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                upstream.close()

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _forward  # noqa: N815

        return ForwardingHandler

    def close(self) -> None:
        self._released.set()
        super().close()
