"""Requests to a local server, as the tests of the HTTP source send them."""

from __future__ import annotations

from include.ticklake.feed.limits import Limits
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.request import HttpRequest

MIB = 1024 * 1024
LIMITS = Limits()
QUICK = Limits(connect_timeout_s=5, read_timeout_s=1, page_timeout_s=5)
"""A second is short for a test, and long enough for what comes before a stall on a busy machine."""


def read(url: str, session: transport.HttpSession, *, limits: Limits = LIMITS, **request) -> bytes:
    """The whole body; the tests' bodies are small."""
    http_request = HttpRequest(url=url, **request)
    with transport.send(http_request, session=session, limits=limits) as response:
        return b"".join(response.chunks)
