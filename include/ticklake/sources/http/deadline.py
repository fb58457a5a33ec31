"""The time by which one request must be answered whole, kept below ``http.client``.

A read timeout bounds the wait for the next bytes only: a source that sends a byte a second in its
status line, its headers or the length of a chunk would hold a task for days. So a connection
waits for each of its reads until the deadline at most: the answer of a proxy, the TLS handshake,
redirects, interim answers, headers, chunks and trailers.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import requests
import requests.adapters

from include.ticklake.errors import MalformedPageError, SourceUnavailableError
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.deadline import UnitDeadline


class RequestDeadline:
    """The deadline of the request that a session is sending: its own time, or its unit's."""

    def __init__(self) -> None:
        self._at_s = math.inf
        self._where: object = ""
        self._page_timeout_s = math.inf
        self._unit: UnitDeadline | None = None

    def start(self, where: object, *, limits: Limits, unit: UnitDeadline | None) -> None:
        """Count from now, for the request *where*; raise if the time of its unit is over."""
        if unit:
            unit.check(where)
        self._where, self._unit, self._page_timeout_s = where, unit, limits.page_timeout_s
        left_s = unit.left_s() if unit else math.inf
        self._at_s = time.monotonic() + min(limits.page_timeout_s, left_s)

    def extend(self, seconds: float) -> None:
        """Do not count *seconds* in which nobody read the answer."""
        self._at_s += seconds

    @property
    def is_over(self) -> bool:
        """Whether the answer should be whole by now."""
        return time.monotonic() >= self._at_s

    def timeout_s(self, longest_s: float | None) -> float:
        """How long to wait for the next bytes: *longest_s*, but no longer than the deadline."""
        left_s = self._at_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the time of the request is over")
        return min(left_s, math.inf if longest_s is None else longest_s)

    def error(self, *, is_answered: bool) -> SourceUnavailableError | MalformedPageError:
        """What to raise when it is over: before or after the head of the answer had come."""
        if self._unit and self._unit.left_s() <= 0:
            return self._unit.error(self._where)
        late = f"after limits.page_timeout_s: {self._page_timeout_s:g}"
        if is_answered:
            return MalformedPageError(f"incomplete {late}")
        return SourceUnavailableError(f"{self._where}: no whole answer {late}")


class DeadlineAdapter(requests.adapters.HTTPAdapter):
    """Makes connections that keep to *deadline*, whatever they lead through."""

    def __init__(self, deadline: RequestDeadline) -> None:
        self._deadline = deadline
        super().__init__()

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> Any:  # noqa: ANN401 - a urllib3.HTTPConnectionPool, without its attributes to mypy
        """The pool for *request*, of connections with a deadline."""
        pool: Any = super().get_connection_with_tls_context(request, verify, proxies, cert)
        if "deadline" not in vars(pool.ConnectionCls):
            pool.ConnectionCls = _with_deadline(pool.ConnectionCls, self._deadline)
        return pool


def _with_deadline(connection_class: Any, deadline: RequestDeadline) -> Any:  # noqa: ANN401
    """A class of connections, direct or through any proxy, that keep to *deadline*."""

    def new_socket(connection: Any) -> socket.socket:  # noqa: ANN401
        connection.timeout = deadline.timeout_s(connection.timeout)
        opened: socket.socket = connection_class._new_conn(connection)
        opened.settimeout(deadline.timeout_s(connection.timeout))  # for the handshake of TLS
        return opened

    members = {
        "deadline": deadline,
        "response_class": staticmethod(partial(_DeadlineResponse, deadline=deadline)),
        "_new_conn": new_socket,
    }
    return type("DeadlineConnection", (connection_class,), members)


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(
        self,
        sock: socket.socket,
        *args: Any,  # noqa: ANN401 - as http.client calls it
        deadline: RequestDeadline,
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, deadline))


class _DeadlineReader(io.RawIOBase):
    """What *reader* reads from *sock*, each read with the time that is left."""

    def __init__(
        self, reader: io.RawIOBase, sock: socket.socket, deadline: RequestDeadline
    ) -> None:
        self._reader, self._socket, self._deadline = reader, sock, deadline
        self._longest_s = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any buffer
        self._socket.settimeout(self._deadline.timeout_s(self._longest_s))
        return self._reader.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._reader.close()
        super().close()
