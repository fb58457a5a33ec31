"""A real proxy before an S3 server that stops the world before the n-th change.

It passes requests on unchanged (also the ``Host`` that they are signed with). Before the
request that it is told to hold it says so and never answers: whoever asked is then in
that very moment of its work, for as long as the test wants, and can be killed there.
"""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

CHANGES = {"PUT", "POST", "DELETE"}


class HoldingProxy:
    """Forwards to *upstream*; ``hold(n)`` holds the n-th change from then on."""

    def __init__(self, upstream: str) -> None:
        self.changes: list[str] = []
        self.held = threading.Event()
        self._hold_at: int | None = None
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._upstream = urlsplit(upstream).netloc
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    @property
    def url(self) -> str:
        """Where clients connect instead."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def hold(self, number: int | None) -> None:
        """Begin to count anew; hold the change of that *number*, none for None."""
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

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.command in CHANGES and not proxy._passes(f"{self.command} {self.path}"):
                    self.close_connection = True
                    return
                upstream = http.client.HTTPConnection(proxy._upstream, timeout=30)
                upstream.request(self.command, self.path, body=body, headers=dict(self.headers))
                answer = upstream.getresponse()
                content = answer.read()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length"):
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else None
                self.send_header("Content-Length", length or str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                upstream.close()

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _forward  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Stay quiet."""

        return Handler

    def __enter__(self) -> HoldingProxy:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
