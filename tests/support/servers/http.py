"""A real HTTP server on loopback: answers what a test tells it to, and keeps what was asked."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it arrived; ``headers`` have lower-case names."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer.

    A ``bytes`` body is sent with its ``Content-Length``, an iterable of chunks with chunked
    encoding, pulled one chunk at a time so that a body of any size costs no memory here.
    ``cut_after_bytes`` sends that much of the body and drops the connection.
    """

    body: bytes | Iterable[bytes] = b"[]"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after_bytes: int | None = None


Answer = Callable[[Asked], Reply]


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of readers that went away, as readers in tests do."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class HttpServer:
    """Answers on ``url`` until closed; ``asked`` lists every request so far."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[str, Answer] = {}
        self._server = _QuietServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:<port>``, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(
        self,
        path: str,
        body: bytes | Iterable[bytes] = b"[]",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        cut_after_bytes: int | None = None,
    ) -> None:
        """Answer every request for *path* with this. An iterator body serves one request only."""
        reply = Reply(
            body=body, status=status, headers=headers or {}, cut_after_bytes=cut_after_bytes
        )
        self._answers[path] = lambda _: reply

    def answer_in_turn(self, path: str, *replies: Reply) -> None:
        """Answer each request for *path* with the next reply; the last one stays."""
        waiting = list(replies)
        self._answers[path] = lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def answer_by(self, path: str, answer: Answer) -> None:
        """Let *answer* look at each request for *path*."""
        self._answers[path] = answer

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> HttpServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _reply_to(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        answer = self._answers.get(asked.path)
        if answer is None:
            known = ", ".join(sorted(self._answers)) or "nothing"
            return Reply(status=404, body=f"no answer for {asked.path}; known: {known}".encode())
        return answer(asked)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        reply_to = self._reply_to

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body apart would cost 40 ms an answer

            def do_GET(self) -> None:
                _send(self, reply_to(_asked(self)))

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                """Stay quiet: the test asks ``asked`` instead."""

        return Handler


def _asked(handler: BaseHTTPRequestHandler) -> Asked:
    address = urlsplit(handler.path)
    return Asked(
        method=handler.command,
        path=address.path,
        params=dict(parse_qsl(address.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in handler.headers.items()},
    )


def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    whole = isinstance(reply.body, bytes)
    names = {name.lower() for name in reply.headers}
    handler.send_response(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    if "content-type" not in names:
        handler.send_header("Content-Type", "application/json")
    if not whole:
        handler.send_header("Transfer-Encoding", "chunked")
    elif "content-length" not in names:
        handler.send_header("Content-Length", str(len(reply.body)))
    try:
        handler.end_headers()
        for chunk in _cut([reply.body] if whole else reply.body, reply.cut_after_bytes):
            handler.wfile.write(chunk if whole else b"%x\r\n%b\r\n" % (len(chunk), chunk))
        if reply.cut_after_bytes is not None:
            handler.close_connection = True
        elif not whole:
            handler.wfile.write(b"0\r\n\r\n")
    except (BrokenPipeError, ConnectionResetError):
        handler.close_connection = True  # the reader went away, as readers in tests do


def _cut(chunks: Iterable[bytes], limit_bytes: int | None) -> Iterator[bytes]:
    """The chunks, ended after *limit_bytes*; never an empty one, which would end a chunked body."""
    left = limit_bytes
    for chunk in chunks:
        piece = chunk if left is None else chunk[:left]
        if piece:
            yield piece
        if left is not None:
            left -= len(piece)
            if not left:
                return
