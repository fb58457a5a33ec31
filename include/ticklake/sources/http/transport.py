"""Send one HTTP request and stream its body: bounded in time and bytes, never whole in memory.

URLs in messages and logs have their secrets masked. Bodies are never shown: of an error's
body only the short reason that APIs return in a field of its own.
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
_MESSAGE_PATHS = ("msg", "message", "error", "error_message", "detail", "retMsg", "reason")
_RATE_LIMIT_WAIT = timedelta(minutes=1)
_MAX_REDIRECTS = 3
_NEVER_SENT = (
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    UnicodeError,
)
_MAX_ERROR_BYTES = 16 * 1024

# At DEBUG urllib3 logs whole addresses, secrets and all.
logging.getLogger("urllib3").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One GET request; its secrets are added when it is sent, and never shown."""

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_params: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    login_secret: str = field(default="", repr=False)
    """The secret that the others are made of: a source may decode and repeat it."""

    def __str__(self) -> str:
        return redact_url(f"{self.url}?{urlencode(self.params)}" if self.params else self.url)

    def sanitize(self, text: str) -> str:
        """*text* of a response on one short line, without the secrets that the request sent."""
        return sanitize(text, secrets=self._secrets)

    def mask_secrets(self, text: str) -> str:
        """*text* without the secrets that the request sent, and the source may have repeated."""
        return mask_secrets(text, secrets=self._secrets)

    @property
    def _secrets(self) -> list[str]:
        public = {**self.params, **self.headers}
        suspects = [value for name, value in public.items() if is_secret(name)]
        added = [*self.secret_params.values(), *self.secret_headers.values()]
        return [*suspects, *added, self.login_secret]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A response whose body has not been read yet."""

    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class HttpSession(requests.Session):
    """Connections to one source, without the credentials and reads that requests would add."""

    def __init__(self) -> None:
        super().__init__()
        # Otherwise requests reads ~/.netrc, which would replace our own credentials.
        self.auth = lambda prepared: prepared

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """None: otherwise requests reads the body of a redirect, which may have any size."""
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
    """Send *request* and yield a response to stream; the block's end releases the connection.

    Raises ``RateLimitedError``, ``SourceUnavailableError`` or ``MalformedPageError`` for what
    a retry may fix, and ``SourceRefusedError`` or ``UsageError`` for what it will not.
    *ban_statuses* are statuses that mean a ban, and how long it takes; *errors* are the meanings
    of the source's own codes, whatever the status.
    """
    try:
        response = _follow(request, session=session, limits=limits)
    except _NEVER_SENT as error:
        raise UsageError(
            f"{request}: {type(error).__name__}; check the base URL, headers and credentials"
        ) from None
    except requests.RequestException as error:
        # Its own message would repeat the URL with its secrets.
        raise SourceUnavailableError(f"{request}: {type(error).__name__}") from None
    with response:
        _raise_for_status(
            request, response, limits=limits, ban_statuses=ban_statuses or {}, errors=errors
        )
        yield HttpResponse(headers=response.headers, chunks=_chunks(response, limits=limits))


def _follow(request: HttpRequest, *, session: HttpSession, limits: Limits) -> requests.Response:
    """Follow redirects on the same origin only: a feed permits no other."""
    url, params = request.url, {**request.params, **request.secret_params}
    for _ in range(1 + _MAX_REDIRECTS):
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
            where = request.sanitize(redact_url(target)) if target else "an invalid URL"
            raise SourceRefusedError(
                f"{request}: redirects to {where}, another host; "
                "if that is correct, change source.base_url"
            )
        url, params = target, {}
    raise SourceRefusedError(f"{request}: redirects more than {_MAX_REDIRECTS} times")


def _chunks(response: requests.Response, *, limits: Limits) -> Iterator[bytes]:
    """The decompressed body in chunks; each way in which it can fail has its own message."""
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
                    f"incomplete after limits.page_timeout_s: {limits.page_timeout_s:g}"
                )
            yield chunk
    except urllib3.exceptions.HTTPError as error:
        raise MalformedPageError(f"ended early after byte {size}: {type(error).__name__}") from None


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
    reason = request.sanitize(_reason(body, errors))
    where = f"{request}: HTTP {status}" + (f" ({reason})" if reason else "")
    says_when = status == 503 and "Retry-After" in response.headers
    if wait is not None or status in (418, 429) or status in ban_statuses or says_when:
        default_s = (ban_statuses.get(status) or wait or _RATE_LIMIT_WAIT).total_seconds()
        raise RateLimitedError(
            where, retry_after_s=retry_after_s(response.headers, default_s=default_s)
        )
    if status >= 500 or status == 408 or (errors and errors.is_retryable(code)):
        raise SourceUnavailableError(where)
    raise SourceRefusedError(f"{where}; check the feed's parameters and slices, and your access")


def retry_after_s(
    headers: Mapping[str, str], *, default_s: float = 60.0, now_s: float | None = None
) -> float:
    """Seconds to wait according to ``Retry-After`` (RFC 9110 10.2.3: seconds or a date)."""
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
    """The body of an error, decoded; None where it is long or not JSON."""
    body = b""
    try:
        for chunk in _chunks(response, limits=limits):
            body += chunk
            if len(body) > _MAX_ERROR_BYTES:
                return None
        return json.loads(body)
    except (ValueError, RecursionError, MalformedPageError):
        return None


def _reason(body: object, errors: ErrorRules | None) -> str:
    """The message that an API returns in a field of its own; empty without one."""
    paths = (errors.message or errors.code, *_MESSAGE_PATHS) if errors else _MESSAGE_PATHS
    return next((text for path in paths if isinstance(text := _at(body, path), str)), "")


def _at(body: object, path: str) -> object:
    """The value at *path*, where ``item`` is the last of an array; None without one."""
    for name in path.split("."):
        if isinstance(body, list) and name == "item":
            body = body[-1] if body else None
        else:
            body = body.get(name) if isinstance(body, dict) else None
    return body
