"""One session with one API for one unit, with its rate limit, its credentials and its retries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from requests import codes

from include.ticklake.errors import SourceRefusedError
from include.ticklake.feed.address import render_path
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.paging import PageRequest
from include.ticklake.feed.window_values import RequestValues
from include.ticklake.model.record_blocks import Block
from include.ticklake.model.unit import Unit
from include.ticklake.redaction.addresses import is_secret, redact_url
from include.ticklake.redaction.masking import sanitize
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.login import Login
from include.ticklake.sources.http.origin import resolve_url, within_source
from include.ticklake.sources.http.rate_limit import RateLimiter
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.http.request_parts import PartsOfUnit, RequestParts
from include.ticklake.sources.source import SourceContext

if TYPE_CHECKING:
    import tenacity


class ApiClient:
    """Sends the requests of one unit to one API; close it to leave its connections to the next."""

    def __init__(self, feed: Feed, source: HttpSource, unit: Unit, context: SourceContext) -> None:
        self._source, self._limits = source, feed.limits
        self._values = RequestValues(feed.source_values(unit.slice), unit.window)
        self._retry_policy = context.retry_policy
        rate_limit = source.rate_limit
        if context.base_url:  # a proxy or a replay has its own rate, which it sends in headers
            rate_limit = rate_limit.model_copy(update={"requests_per_s": None})
        host = urlsplit(source.base_url).netloc.lower()
        via = f" via {urlsplit(context.base_url).netloc}" if context.base_url else ""
        self._rate_limiter = RateLimiter(
            rate_limit,
            store=context.rate_store,
            host=f"{host}{via}",
            path=source.path,
            max_wait_s=feed.limits.max_wait_s,
            sleep=context.retry_policy.sleep,
        )
        self._resources, self._room = context.resources, context.room
        self._session = transport.take_session(context.resources)
        self.deadline = UnitDeadline(feed.limits, clock=context.clock)
        base_url = (context.base_url or source.base_url).rstrip("/")
        self._url = base_url + render_path(source.path, self._values)
        self._sent = partial(
            transport.send,
            session=self._session,
            limits=feed.limits,
            unit_deadline=self.deadline,
        )
        self._login = Login(
            source,
            context.get_credentials(source.auth.connection) if source.auth else None,
            base_url=base_url,
            send=self._sent,
            clock=context.clock,
        )
        self._parts = PartsOfUnit(source, self._values)

    def close(self) -> None:
        """Leave the connections to the next unit of the batch."""
        transport.give_back(self._session, self._resources)

    def http_request(self, request: PageRequest) -> HttpRequest:
        """The HTTP request for a page; refused if it leads to another host."""
        if request.url is None:
            return self._request(self._url, self._parts.of_page(request))
        url = resolve_url(self._url, request.url)
        secret_headers = any(is_secret(name) for name in self._source.headers)
        asked = url and within_source(
            self._url, url, sends_secrets=secret_headers or self._login.is_used
        )
        if not asked:
            target = sanitize(redact_url(url)) if url else "an invalid URL"
            raise SourceRefusedError(
                f"{redact_url(self._url)}: its next page is at {target}, another host or port; "
                "nothing was sent there; check source.paging"
            )
        return self._request(self._login.without_credentials(asked), self._parts.of_url())

    def without_secrets(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """*blocks* without our own secrets, which a source may repeat in them."""
        return self._login.without_secrets(blocks)

    def resumable(self, cursor: str | None) -> str | None:
        """*cursor* as another attempt may be given it, which is stored until then.

        None where our secret is part of it, such as of an address's path: the secret is not stored,
        and the attempt starts over.
        """
        kept = cursor and self._login.without_credentials(cursor)
        return None if kept and self._login.is_in(kept) else kept

    def attempts(self) -> tenacity.Retrying:
        """The attempts at one page."""
        return self._retry_policy.attempts(self._limits, deadline=self.deadline)

    @contextmanager
    def send(self, request: HttpRequest) -> Iterator[tuple[HttpRequest, transport.HttpResponse]]:
        """Send *request* with its login when the rate limit allows it, and learn from the response.

        Yields what was sent, and the response. A token that the source does not take is renewed
        once.
        """
        with ExitStack() as stack:
            signed = self._login.sign(request)
            try:
                response = stack.enter_context(self._send(signed))
            except SourceRefusedError as error:
                if error.status != codes.unauthorized or not self._login.renew():
                    raise
                signed = self._login.sign(request)
                response = stack.enter_context(self._send(signed))
            yield signed, response

    @contextmanager
    def _send(self, request: HttpRequest) -> Iterator[transport.HttpResponse]:
        with (
            self._rate_limiter.turn(request, within_s=self.deadline.left_s()) as turn,
            self._sent(
                request,
                ban_statuses=self._source.ban_statuses,
                errors=self._source.errors,
                is_json=self._source.format == "json",
            ) as response,
        ):
            turn.end(response.headers)
            yield self._within_room(response)

    def _within_room(self, response: transport.HttpResponse) -> transport.HttpResponse:
        """*response*, whose reader waits where other units of the batch receive much."""
        if self._room is None:
            return response

        def waited(seconds: float) -> None:
            self.deadline.extend(seconds)
            self._session.deadline.extend(seconds)

        return replace(response, chunks=self._room.watch(response.chunks, waited=waited))

    def _request(self, url: str, parts: RequestParts) -> HttpRequest:
        return HttpRequest(
            url=url,
            method=self._source.method,
            params=parts.params,
            headers=self._source.headers,
            body=parts.body,
            form=parts.form,
            login_secret=self._login.secret,
        )
