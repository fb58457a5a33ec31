"""The body of a response as chunks: bounded in time and bytes, never whole in memory."""

from __future__ import annotations

from collections.abc import Iterator

import requests
import urllib3

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.http.charset import to_utf8
from include.ticklake.sources.http.connection_errors import body_error
from include.ticklake.sources.http.content_encoding import CHUNK_BYTES, unpack
from include.ticklake.sources.http.deadline import RequestDeadline

__all__ = ["CHUNK_BYTES", "body_chunks", "received_chunks"]


def body_chunks(
    response: requests.Response, *, limits: Limits, deadline: RequestDeadline
) -> Iterator[bytes]:
    """The body in chunks, unpacked and in UTF-8; each way in which it can fail has its message."""
    headers = response.headers
    packed = received_chunks(response, limits=limits, deadline=deadline)
    plain = unpack(packed, encoding=headers.get("Content-Encoding", ""))
    size = 0
    for chunk in to_utf8(plain, content_type=headers.get("Content-Type", "")):
        size += len(chunk)
        if size > limits.max_page_bytes:
            raise MalformedPageError(f"longer than limits.max_page_bytes: {limits.max_page_bytes}")
        yield chunk


def received_chunks(
    response: requests.Response, *, limits: Limits, deadline: RequestDeadline
) -> Iterator[bytes]:
    """What comes from the network, as soon as it comes, until the deadline."""
    size = 0
    try:
        # Not read(), which waits for a whole chunk: at a byte a minute, for weeks.
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=False):
            size += len(chunk)
            if deadline.is_over:
                raise deadline.error(is_answered=True)
            yield chunk
    except urllib3.exceptions.HTTPError as error:
        if deadline.is_over:
            raise deadline.error(is_answered=True) from None
        raise MalformedPageError(
            f"ended early after byte {size}: {body_error(error, limits=limits)}"
        ) from None
