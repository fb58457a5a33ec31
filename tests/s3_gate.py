"""A gate before an S3 server: every request passes, but for the one that a test wants to hold."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

Wanted = Callable[[str, bool], bool]
"""(``PUT /bucket/key?query``, is a copy inside the server) -> whether to hold this request."""

LIMIT_S = 60


class S3Gate:
    """Passes on what comes to ``endpoint_url``; the first wanted request waits, then is dropped."""

    def __init__(self, endpoint_url: str, *, wanted: Wanted) -> None:
        self.held = threading.Event()
        self._go_on = threading.Event()
        self._target, self._wanted = urlsplit(endpoint_url).netloc, wanted
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def endpoint_url(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def drop(self) -> None:
        """Let the held request go without passing it on."""
        self._go_on.set()

    def __enter__(self) -> S3Gate:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.drop()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _holds(self, asked: str, *, copies: bool) -> bool:
        if self.held.is_set() or not self._wanted(asked, copies):
            return False
        self.held.set()
        self._go_on.wait(LIMIT_S)
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                copies = "x-amz-copy-source" in self.headers
                if gate._holds(f"{self.command} {self.path}", copies=copies):
                    self.close_connection = True
                    return
                _answer(self, gate._target, body)

            def log_message(self, format: str, *args: object) -> None:
                """Stay quiet."""

        for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.pass_on)
        return Handler


def _answer(handler: BaseHTTPRequestHandler, target: str, body: bytes) -> None:
    connection = http.client.HTTPConnection(target, timeout=LIMIT_S)
    try:
        # The signature covers the Host header: it stays the gate's.
        connection.putrequest(
            handler.command, handler.path, skip_host=True, skip_accept_encoding=True
        )
        for name, value in handler.headers.items():
            if name.lower() not in ("expect", "connection"):
                connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        answer = response.read()
        handler.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "date"):
                handler.send_header(name, value)
        length = response.getheader("Content-Length") or str(len(answer))
        handler.send_header(
            "Content-Length", length if handler.command == "HEAD" else str(len(answer))
        )
        handler.end_headers()
        handler.wfile.write(answer)
    finally:
        connection.close()
