"""Send one HTTP request and stream its response.

URLs in messages and logs have their secrets masked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import requests
import urllib3

from include.ticklake.errors import SourceRefusedError
from include.ticklake.feed.error_rules import ErrorRules
from include.ticklake.feed.limits import Limits
from include.ticklake.redaction.addresses import redact_url
from include.ticklake.sources.batch_resources import BatchResources
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.http.body import body_chunks, received_chunks
from include.ticklake.sources.http.connection_errors import connection_error
from include.ticklake.sources.http.content_encoding import ACCEPT_ENCODING
from include.ticklake.sources.http.deadline import DeadlineAdapter, RequestDeadline
from include.ticklake.sources.http.origin import resolve_url, within_source
from include.ticklake.sources.http.received import BodyStart, received
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.http.status import raise_for_status

_MAX_REDIRECTS = 3
# urllib3 logs whole addresses, secrets and all: at DEBUG each, as a warning where headers are odd.
logging.getLogger("urllib3").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A response whose body has not been read yet."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    describe: Callable[[], str]
    """Status, content type and the first words that were read, for an error over them."""


class HttpSession(requests.Session):
    """Connections to one source, without the credentials and reads that requests would add."""

    def __init__(self) -> None:
        super().__init__()
        # Otherwise requests reads ~/.netrc, which would replace our own credentials.
        self.auth = lambda prepared: prepared
        self.headers["Accept-Encoding"] = ACCEPT_ENCODING
        self.deadline = RequestDeadline()
        for scheme in ("http://", "https://"):
            self.mount(scheme, DeadlineAdapter(self.deadline))

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """None: otherwise requests reads the body of a redirect, which may have any size."""
        return None


def take_session(resources: BatchResources | None) -> HttpSession:
    """A session that no other thread uses, with the connections that an earlier unit has left."""
    return resources.take(HttpSession, HttpSession) if resources else HttpSession()


def give_back(session: HttpSession, resources: BatchResources | None) -> None:
    """Leave the connections of *session*, and nothing else of it, to another unit, if any."""
    if resources is None:
        session.close()
        return
    session.cookies.clear()
    resources.give_back(HttpSession, session)


@contextmanager
def send(
    request: HttpRequest,
    *,
    session: HttpSession,
    limits: Limits,
    unit_deadline: UnitDeadline | None = None,
    ban_statuses: Mapping[int, timedelta] | None = None,
    errors: ErrorRules | None = None,
    is_json: bool = True,
) -> Iterator[HttpResponse]:
    """Send *request* and yield a response to stream; the block's end releases the connection.

    Raises ``RateLimitedError``, ``SourceUnavailableError`` or ``MalformedPageError`` for what
    a retry may fix, and ``SourceRefusedError`` or ``UsageError`` for what it will not.
    *ban_statuses* are statuses that mean a ban, and how long it takes; *errors* are the meanings
    of the source's own codes, whatever the status. A body is JSON, unless *is_json* is false.
    """
    deadline = session.deadline
    deadline.start(request, limits=limits, unit=unit_deadline)
    response = _follow(request, session=session, limits=limits)
    with response:
        chunks = body_chunks(response, limits=limits, deadline=deadline)
        raise_for_status(request, response, chunks, ban_statuses=ban_statuses or {}, errors=errors)
        start = BodyStart()
        yield HttpResponse(
            status=response.status_code,
            headers=response.headers,
            chunks=start.watch(chunks, is_json=is_json),
            describe=lambda: received(
                request, status=response.status_code, headers=response.headers, start=start.data
            ),
        )


@contextmanager
def get_file(
    request: HttpRequest,
    *,
    session: HttpSession,
    limits: Limits,
    unit_deadline: UnitDeadline | None = None,
) -> Iterator[HttpResponse]:
    """Like ``send``, but with the bytes as they are stored: neither unpacked nor decoded."""
    deadline = session.deadline
    deadline.start(request, limits=limits, unit=unit_deadline)
    response = _follow(request, session=session, limits=limits)
    with response:
        chunks = received_chunks(response, limits=limits, deadline=deadline)
        raise_for_status(request, response, chunks, ban_statuses={}, errors=None)
        yield HttpResponse(
            status=response.status_code,
            headers=response.headers,
            chunks=chunks,
            describe=lambda: f"HTTP {response.status_code}",
        )


def _follow(request: HttpRequest, *, session: HttpSession, limits: Limits) -> requests.Response:
    """Follow redirects within the source only: a feed permits no other, and a body none at all."""
    url, params = request.url, {**request.params, **request.secret_params}
    headers = {**request.headers, **request.secret_headers}
    data = request.data
    if data is not None and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = request.content_type
    for _ in range(1 + _MAX_REDIRECTS):
        try:
            response = session.request(
                request.method,
                url,
                params=params,
                headers=headers,
                data=data,
                timeout=(limits.connect_timeout_s, limits.read_timeout_s),
                stream=True,
                allow_redirects=False,
            )
        except (OSError, urllib3.exceptions.HTTPError, ValueError) as error:
            if session.deadline.is_over:
                raise session.deadline.error(is_answered=False) from None
            raise connection_error(request, error, url=url, limits=limits) from None
        if not response.is_redirect:
            return response
        response.close()
        target = resolve_url(response.url, response.headers["location"])
        following = target and within_source(url, target, sends_secrets=request.has_secrets)
        if request.method == "POST":
            where = request.sanitize(redact_url(target)) if target else "an invalid URL"
            raise SourceRefusedError(
                f"{request}: redirects to {where}; a body is sent to no other place: correct "
                "source.base_url or source.path"
            )
        if not following:
            where = request.sanitize(redact_url(target)) if target else "an invalid URL"
            raise SourceRefusedError(
                f"{request}: redirects to {where}, another host or port; "
                "if that is correct, change source.base_url"
            )
        url, params = following, {}
    raise SourceRefusedError(
        f"{request}: redirects more than {_MAX_REDIRECTS} times; "
        "correct source.base_url or source.path"
    )
