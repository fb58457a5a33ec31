"""A real HTTP server on loopback: sends the replies that a test sets, and records requests."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from tests.support.servers.loopback import LoopbackServer, QuietHandler


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """One request as it arrived; ``headers`` have lower-case names."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


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


Answer = Callable[[ReceivedRequest], Reply]


class HttpServer(LoopbackServer):
    """Answers on ``url`` until closed; ``asked`` lists every request so far."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[ReceivedRequest] = []
        self._answers: dict[str, Answer] = {}
        super().__init__(self._handler(), tls=tls)

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

    def _reply_to(self, request: ReceivedRequest) -> Reply:
        self.asked.append(request)
        answer = self._answers.get(request.path)
        if answer is None:
            paths = ", ".join(sorted(self._answers)) or "nothing"
            return Reply(status=404, body=f"no answer for {request.path}; known: {paths}".encode())
        return answer(request)

    def _handler(self) -> type[QuietHandler]:
        reply_to = self._reply_to

        class ReplyHandler(QuietHandler, BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _send(self, reply_to(_received(self, b"")))

            def do_POST(self) -> None:
                _send(self, reply_to(_received(self, self.body())))

        return ReplyHandler


def _received(handler: BaseHTTPRequestHandler, body: bytes) -> ReceivedRequest:
    address = urlsplit(handler.path)
    return ReceivedRequest(
        method=handler.command,
        path=address.path,
        params=dict(parse_qsl(address.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in handler.headers.items()},
        body=body,
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
        sent = chunk if left is None else chunk[:left]
        if sent:
            yield sent
        if left is not None:
            left -= len(sent)
            if not left:
                return
