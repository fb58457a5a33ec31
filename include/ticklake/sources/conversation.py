"""A feed in, answered requests out: one session with one API, with its pace and its login."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import tenacity

from include.ticklake.errors import RateLimited, SourceFailed, SourceRefused
from include.ticklake.feeds import Limits
from include.ticklake.http_source import ErrorRules, HttpSource
from include.ticklake.paging import Ask
from include.ticklake.sources import http
from include.ticklake.sources.logins import Lookup, Secrets, secrets
from include.ticklake.sources.pace import Pace
from include.ticklake.sources.patience import Patience
from include.ticklake.sources.redaction import next_address, plain, redacted
from include.ticklake.templates import fill

# Names under which the error rules' values are captured; the blank keeps feeds from them.
CODE, MESSAGE = " code", " message"


class Conversation:
    """Requests to one source for one unit of work; close it to let the connections go."""

    def __init__(
        self,
        source: HttpSource,
        limits: Limits,
        *,
        values: Mapping[str, str],
        base_url: str | None,
        patience: Patience,
        lookup: Lookup,
    ) -> None:
        self._source, self._limits, self._values = source, limits, values
        self._patience = patience
        self._login = lookup(source.auth.connection) if source.auth else None
        self._secret = self._login.secret if self._login else ""
        # The rate is the source's own; a stand-in or a proxy says in headers what it wants.
        rate = source.rate.model_copy(update={"requests_per_s": None}) if base_url else source.rate
        self._pace = Pace(rate, max_wait_s=limits.max_wait_s, sleep=patience.sleep)
        self._session = http.Session()
        quoted = {name: quote(value, safe="") for name, value in values.items()}
        self._url = (base_url or source.base_url).rstrip("/") + fill(source.path, quoted)
        self._fixed = {name: fill(_text(value), values) for name, value in source.params.items()}

    def close(self) -> None:
        """Let the connections go."""
        self._session.close()

    def request(self, ask: Ask) -> http.Request:
        """What *ask* means as an address; refused if it leads to another host."""
        if ask.url is None:
            filled = {name: fill(value, self._values) for name, value in ask.params.items()}
            return self._signed(self._url, self._fixed | filled)
        url = next_address(self._url, ask.url)
        if url is None or urlsplit(url)[:2] != urlsplit(self._url)[:2]:
            where = plain(redacted(url), secrets=[self._secret]) if url else "no address"
            raise SourceRefused(
                f"{redacted(self._url)}: its next page is at {where}, another host; "
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
    def get(self, request: http.Request) -> Iterator[http.Response]:
        """Ask at the right moment; learn from the answer when the next one may go out."""
        self._pace.wait(request)
        with http.get(
            request,
            session=self._session,
            limits=self._limits,
            bans=self._source.bans,
            errors=self._source.errors,
        ) as response:
            self._pace.note(response.headers)
            yield response

    def _signed(self, url: str, params: Mapping[str, str]) -> http.Request:
        added = Secrets()
        if self._source.auth and self._login:
            path = urlsplit(url).path
            added = secrets(self._source.auth, self._login, path=path, params=params)
        return http.Request(
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
    rules: ErrorRules, captured: Mapping[str, object], *, request: http.Request
) -> None:
    """Raise what a body of HTTP 200 says: some sources put their errors there."""
    code = captured.get(CODE)
    if code is None or str(code) in rules.ok:
        return
    reason = request.told(str(captured.get(MESSAGE) or ""))
    told = f"{request}: the body says {request.told(str(code))!r}"
    told += f" ({reason})" if reason else ""
    if (wait := rules.wait(code)) is not None:
        raise RateLimited(told, retry_after_s=wait.total_seconds())
    if rules.passes(code):
        raise SourceFailed(told)
    raise SourceRefused(f"{told}; check the feed's parameters and slices")


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
