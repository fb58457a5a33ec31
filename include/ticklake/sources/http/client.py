"""A feed in, answered requests out: one session with one API, with its pace and its login."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import tenacity

from include.ticklake.errors import RateLimitedError, SourceRefusedError, SourceUnavailableError
from include.ticklake.feed.http_source import ErrorRules, HttpSource
from include.ticklake.feed.limits import Limits
from include.ticklake.feed.paging import PageRequest
from include.ticklake.feed.placeholders import render
from include.ticklake.sources.auth import GetCredentials, RequestSecrets, sign_request
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.rate_limit import RateLimiter
from include.ticklake.sources.http.redaction import redact_url, resolve_url, sanitize
from include.ticklake.sources.retries import SourceRetryPolicy

# Names under which the error rules' values are captured; the blank keeps feeds from them.
CODE, MESSAGE = " code", " message"


class ApiClient:
    """Requests to one source for one unit of work; close it to let the connections go."""

    def __init__(
        self,
        source: HttpSource,
        limits: Limits,
        *,
        values: Mapping[str, str],
        base_url: str | None,
        patience: SourceRetryPolicy,
        lookup: GetCredentials,
    ) -> None:
        self._source, self._limits, self._values = source, limits, values
        self._patience = patience
        self._login = lookup(source.auth.connection) if source.auth else None
        self._secret = self._login.secret if self._login else ""
        # The rate is the source's own; a stand-in or a proxy says in headers what it wants.
        rate = (
            source.rate_limit.model_copy(update={"requests_per_s": None})
            if base_url
            else source.rate_limit
        )
        self._pace = RateLimiter(rate, max_wait_s=limits.max_wait_s, sleep=patience.sleep)
        self._session = transport.HttpSession()
        quoted = {name: quote(value, safe="") for name, value in values.items()}
        self._url = (base_url or source.base_url).rstrip("/") + render(source.path, quoted)
        self._fixed = {name: render(_text(value), values) for name, value in source.params.items()}

    def close(self) -> None:
        """Let the connections go."""
        self._session.close()

    def request(self, ask: PageRequest) -> transport.HttpRequest:
        """What *ask* means as an address; refused if it leads to another host."""
        if ask.url is None:
            filled = {name: render(value, self._values) for name, value in ask.params.items()}
            return self._signed(self._url, self._fixed | filled)
        url = resolve_url(self._url, ask.url)
        if url is None or urlsplit(url)[:2] != urlsplit(self._url)[:2]:
            where = sanitize(redact_url(url), secrets=[self._secret]) if url else "no address"
            raise SourceRefusedError(
                f"{redact_url(self._url)}: its next page is at {where}, another host; "
                "no feed leads there, so nothing was sent"
            )
        return self._signed(self.without_login(url), {})

    def without_login(self, address: str) -> str:
        """*address* without the parameters that hold our own login, which are added anew.

        Some sources repeat them in the address of the next page.
        """
        parts = urlsplit(address)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        kept = [pair for pair in pairs if not self._secret or pair[1] != self._secret]
        return address if kept == pairs else urlunsplit(parts._replace(query=urlencode(kept)))

    def tries(self) -> tenacity.Retrying:
        """Attempts at one page."""
        return self._patience.tries(self._limits)

    @contextmanager
    def get(self, request: transport.HttpRequest) -> Iterator[transport.HttpResponse]:
        """Ask at the right moment; learn from the answer when the next one may go out."""
        self._pace.wait(request)
        with transport.get(
            request,
            session=self._session,
            limits=self._limits,
            ban_statuses=self._source.ban_statuses,
            errors=self._source.errors,
        ) as response:
            self._pace.note(response.headers)
            yield response

    def _signed(self, url: str, params: Mapping[str, str]) -> transport.HttpRequest:
        added = RequestSecrets()
        if self._source.auth and self._login:
            path = urlsplit(url).path
            added = sign_request(self._source.auth, self._login, path=path, params=params)
        return transport.HttpRequest(
            url=url,
            params=params,
            headers=self._source.headers,
            secret_params=added.params,
            secret_headers=added.headers,
            login_secret=self._secret,
        )


def captures(source: HttpSource) -> dict[str, str]:
    """Name -> path of all that is captured beside the records: for paging, and for errors."""
    found = dict(source.capture)
    if source.errors:
        found[CODE] = source.errors.code
        if source.errors.message:
            found[MESSAGE] = source.errors.message
    return found


def raise_if_failed(
    rules: ErrorRules, captured: Mapping[str, object], *, request: transport.HttpRequest
) -> None:
    """Raise what a body of HTTP 200 says: some sources put their errors there."""
    code = captured.get(CODE)
    if code is None or str(code) in rules.ok:
        return
    reason = request.told(str(captured.get(MESSAGE) or ""))
    told = f"{request}: the body says {request.told(str(code))!r}"
    told += f" ({reason})" if reason else ""
    if (wait := rules.wait(code)) is not None:
        raise RateLimitedError(told, retry_after_s=wait.total_seconds())
    if rules.is_retryable(code):
        raise SourceUnavailableError(told)
    raise SourceRefusedError(f"{told}; check the feed's parameters and slices")


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
