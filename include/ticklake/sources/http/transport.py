"""A request in, the chunks of its body out: bounded in time and bytes, never whole.

Addresses in messages and logs have their secrets cut out. Bodies never stand in either:
of an error's body only the short reason that APIs give in a field of its own.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode, urlsplit

import requests
import urllib3

from include.ticklake.errors import (
    MalformedPageError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnavailableError,
    UsageError,
)
from include.ticklake.feed.http_source import ErrorRules
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.http.redaction import (
    is_secret,
    mask_secrets,
    redact_url,
    resolve_url,
    sanitize,
)

CHUNK_BYTES = 64 * 1024
_REASONS = ("msg", "message", "error", "error_message", "detail", "retMsg", "reason")
_SLOW_DOWN = timedelta(minutes=1)
_HOPS = 3
_NEVER_SENT = (
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    UnicodeError,
)
_REASON_BYTES = 16 * 1024

# At DEBUG urllib3 logs whole addresses, secrets and all.
logging.getLogger("urllib3").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One GET: where and what; the secrets are added when it is sent, and never shown."""

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_params: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    login_secret: str = field(default="", repr=False)
    """What the others are made of: a source that was sent a pair in base64 knows it too."""

    def __str__(self) -> str:
        return redact_url(f"{self.url}?{urlencode(self.params)}" if self.params else self.url)

    def told(self, text: str) -> str:
        """What a source says to this, on one line, short, without the secrets it was sent."""
        return sanitize(text, secrets=self._secrets)

    def clean(self, text: str) -> str:
        """*text* without the secrets that the source was sent, and may have repeated."""
        return mask_secrets(text, secrets=self._secrets)

    @property
    def _secrets(self) -> list[str]:
        given = {**self.params, **self.headers}
        found = [value for name, value in given.items() if is_secret(name)]
        sent = [*self.secret_params.values(), *self.secret_headers.values()]
        return [*found, *sent, self.login_secret]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """An answer whose body is still on its way."""

    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class HttpSession(requests.Session):
    """Connections to one source, without what requests does unasked."""

    def __init__(self) -> None:
        super().__init__()
        # Else it looks into ~/.netrc and puts what it finds there over our own login.
        self.auth = lambda prepared: prepared

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """None: else it reads the whole body of a redirect, of any size, that nobody wants."""
        return None


@contextmanager
def get(
    request: HttpRequest,
    *,
    session: HttpSession,
    limits: Limits,
    ban_statuses: Mapping[int, timedelta] | None = None,
    errors: ErrorRules | None = None,
) -> Iterator[HttpResponse]:
    """Ask, and give the body piece by piece; the connection is let go when the block ends.

    Raises ``RateLimitedError``, ``SourceUnavailableError`` or ``MalformedPageError`` for what
    may pass, and ``SourceRefusedError`` or ``UsageError`` for what will not. *ban_statuses* are
    statuses that mean a ban, and how long; *errors* says what the source's own codes mean,
    whatever the status.
    """
    try:
        response = _follow(request, session=session, limits=limits)
    except _NEVER_SENT as wrong:
        raise UsageError(
            f"{request}: {type(wrong).__name__}; check the base URL, headers and login"
        ) from None
    except requests.RequestException as wrong:
        # Its own message would repeat the address with its secrets.
        raise SourceUnavailableError(f"{request}: {type(wrong).__name__}") from None
    with response:
        _raise_for_status(
            request, response, limits=limits, ban_statuses=ban_statuses or {}, errors=errors
        )
        yield HttpResponse(headers=response.headers, chunks=_chunks(response, limits=limits))


def _follow(request: HttpRequest, *, session: HttpSession, limits: Limits) -> requests.Response:
    """Follow redirects on the same origin only: elsewhere nobody said that we may go."""
    url, params = request.url, {**request.params, **request.secret_params}
    for _ in range(1 + _HOPS):
        response = session.get(
            url,
            params=params,
            headers={**request.headers, **request.secret_headers},
            timeout=(limits.connect_timeout_s, limits.read_timeout_s),
            stream=True,
            allow_redirects=False,
        )
        if not response.is_redirect:
            return response
        response.close()
        target = resolve_url(response.url, response.headers["location"])
        if target is None or urlsplit(target)[:2] != urlsplit(url)[:2]:
            where = request.told(redact_url(target)) if target else "nowhere"
            raise SourceRefusedError(
                f"{request}: redirects to {where}, another host; "
                "if that is right, change source.base_url"
            )
        url, params = target, {}
    raise SourceRefusedError(f"{request}: redirects more than {_HOPS} times")


def _chunks(response: requests.Response, *, limits: Limits) -> Iterator[bytes]:
    """The decompressed body in pieces; every way in which it can break has its own words."""
    deadline_s = time.monotonic() + limits.page_timeout_s
    size = 0
    try:
        # Not read(), which waits for a whole chunk: at a byte a minute, for weeks.
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            size += len(chunk)
            if size > limits.max_page_bytes:
                raise MalformedPageError(
                    f"longer than limits.max_page_bytes: {limits.max_page_bytes}"
                )
            if time.monotonic() > deadline_s:
                raise MalformedPageError(
                    f"not whole after limits.page_timeout_s: {limits.page_timeout_s:g}"
                )
            yield chunk
    except urllib3.exceptions.HTTPError as wrong:
        raise MalformedPageError(f"broke off after byte {size}: {type(wrong).__name__}") from None


def _raise_for_status(
    request: HttpRequest,
    response: requests.Response,
    *,
    limits: Limits,
    ban_statuses: Mapping[int, timedelta],
    errors: ErrorRules | None,
) -> None:
    status = response.status_code
    if status == requests.codes.ok:
        return
    body = _error_body(response, limits=limits)
    code = _at(body, errors.code) if errors else None
    wait = errors.wait(code) if errors else None
    reason = request.told(_reason(body, errors))
    where = f"{request}: HTTP {status}" + (f" ({reason})" if reason else "")
    says_when = status == 503 and "Retry-After" in response.headers
    if wait is not None or status in (418, 429) or status in ban_statuses or says_when:
        default_s = (ban_statuses.get(status) or wait or _SLOW_DOWN).total_seconds()
        raise RateLimitedError(
            where, retry_after_s=retry_after_s(response.headers, default_s=default_s)
        )
    if status >= 500 or status == 408 or (errors and errors.is_retryable(code)):
        raise SourceUnavailableError(where)
    raise SourceRefusedError(f"{where}; check the feed's parameters and slices, and your access")


def retry_after_s(
    headers: Mapping[str, str], *, default_s: float = 60.0, now_s: float | None = None
) -> float:
    """Seconds to wait by ``Retry-After`` (RFC 9110 10.2.3: seconds or a date)."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return default_s
    at_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return max(0.0, at_s - (time.time() if now_s is None else now_s))


def _error_body(response: requests.Response, *, limits: Limits) -> object:
    """The body of an error, if it is short and JSON."""
    body = b""
    try:
        for chunk in _chunks(response, limits=limits):
            body += chunk
            if len(body) > _REASON_BYTES:
                return None
        return json.loads(body)
    except (ValueError, RecursionError, MalformedPageError):
        return None


def _reason(body: object, errors: ErrorRules | None) -> str:
    """The reason that an API gives in a field of its own."""
    paths = (errors.message or errors.code, *_REASONS) if errors else _REASONS
    return next((text for path in paths if isinstance(text := _at(body, path), str)), "")


def _at(body: object, path: str) -> object:
    """The value at *path*, ``item`` being the last one of an array; None where there is none."""
    for name in path.split("."):
        if isinstance(body, list) and name == "item":
            body = body[-1] if body else None
        else:
            body = body.get(name) if isinstance(body, dict) else None
    return body
