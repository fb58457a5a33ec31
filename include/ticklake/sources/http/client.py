"""One session with one API for one unit, with its rate limit, its credentials and its retries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import tenacity

from include.ticklake.errors import SourceRefusedError
from include.ticklake.feed.address import render_path
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.paging import PageRequest
from include.ticklake.feed.window_values import RequestValues
from include.ticklake.model.record import Record
from include.ticklake.model.unit import Unit
from include.ticklake.redaction.addresses import is_secret, redact_url
from include.ticklake.redaction.masking import holds_secret, remember, sanitize
from include.ticklake.sources.auth import Credentials, RequestSecrets, sign_request
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.origin import resolve_url, within_source
from include.ticklake.sources.http.rate_limit import RateLimiter
from include.ticklake.sources.http.repeated_secrets import without_secret
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.http.request_parts import PartsOfUnit, RequestParts
from include.ticklake.sources.source import SourceContext


class ApiClient:
    """Sends the requests of one unit to one API; close it to release the connections."""

    def __init__(self, feed: Feed, source: HttpSource, unit: Unit, context: SourceContext) -> None:
        self._source, self._limits = source, feed.limits
        self._values = RequestValues(feed.source_values(unit.slice), unit.window)
        self._retry_policy = context.retry_policy
        self._credentials = context.get_credentials(source.auth.connection) if source.auth else None
        login = self._credentials or Credentials()
        self._secret = login.secret or login.user  # some APIs have a key and nothing beside it
        self._added = RequestSecrets()
        remember(self._secret)
        rate_limit = source.rate_limit
        if context.base_url:  # a proxy or a replay has its own rate, which it sends in headers
            rate_limit = rate_limit.model_copy(update={"requests_per_s": None})
        self._rate_limiter = RateLimiter(
            rate_limit, max_wait_s=feed.limits.max_wait_s, sleep=context.retry_policy.sleep
        )
        self._session = transport.HttpSession()
        self.deadline = UnitDeadline(feed.limits, clock=context.clock)
        base_url = (context.base_url or source.base_url).rstrip("/")
        self._url = base_url + render_path(source.path, self._values)
        self._parts = PartsOfUnit(source, self._values)

    def close(self) -> None:
        """Release the connections."""
        self._session.close()

    def http_request(self, request: PageRequest) -> HttpRequest:
        """The HTTP request for a page; refused if it leads to another host."""
        if request.url is None:
            return self._signed(self._url, self._parts.of_page(request))
        url = resolve_url(self._url, request.url)
        secret_headers = any(is_secret(name) for name in self._source.headers)
        asked = url and within_source(
            self._url, url, sends_secrets=secret_headers or self._credentials is not None
        )
        if not asked:
            target = sanitize(redact_url(url)) if url else "an invalid URL"
            raise SourceRefusedError(
                f"{redact_url(self._url)}: its next page is at {target}, another host or port; "
                "nothing was sent there; check source.paging"
            )
        return self._signed(self.without_credentials(asked), self._parts.of_url())

    def without_credentials(self, url: str) -> str:
        """*url* without the parameters that are our own login's, which are added on sending.

        Some sources repeat them in the URL of the next page.
        """
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        ours = self._added.params
        kept = [pair for pair in pairs if pair[0] not in ours and not self._holds_secret(pair[1])]
        return url if kept == pairs else urlunsplit(parts._replace(query=urlencode(kept)))

    def without_secret(self, records: Iterable[Record]) -> Iterator[Record]:
        """*records* without our own secret, which a source may repeat in them."""
        return without_secret(records, self._secret)

    def resumable(self, cursor: str | None) -> str | None:
        """*cursor* as another attempt may be given it, which is stored until then.

        None where our secret is part of it, such as of an address's path: the secret is not stored,
        and the attempt starts over.
        """
        kept = cursor and self.without_credentials(cursor)
        return None if kept and self._holds_secret(kept) else kept

    def _holds_secret(self, text: str) -> bool:
        added = [*self._added.params.values(), *self._added.headers.values()]
        secrets = [secret for secret in (self._secret, *added) if secret]
        return text in secrets or (bool(secrets) and holds_secret(text, secrets=secrets))

    def attempts(self) -> tenacity.Retrying:
        """The attempts at one page."""
        return self._retry_policy.attempts(self._limits, deadline=self.deadline)

    @contextmanager
    def send(self, request: HttpRequest) -> Iterator[transport.HttpResponse]:
        """Send *request* when the rate limit allows it, and learn from the response."""
        self._rate_limiter.acquire(request, within_s=self.deadline.left_s())
        with transport.send(
            request,
            session=self._session,
            limits=self._limits,
            unit_deadline=self.deadline,
            ban_statuses=self._source.ban_statuses,
            errors=self._source.errors,
            is_json=self._source.format == "json",
        ) as response:
            self._rate_limiter.update(response.headers)
            yield response

    def _signed(self, url: str, parts: RequestParts) -> HttpRequest:
        request = HttpRequest(
            url=url,
            method=self._source.method,
            params=parts.params,
            headers=self._source.headers,
            body=parts.body,
            form=parts.form,
            login_secret=self._secret,
        )
        if self._source.auth and self._credentials:
            self._added = sign_request(
                self._source.auth,
                self._credentials,
                path=urlsplit(url).path,
                params=parts.params,
                body=request.data,
            )
        return replace(
            request, secret_params=self._added.params, secret_headers=self._added.headers
        )
