"""A request in, the chunks of its body out: bounded in time and bytes, never whole.

Addresses in messages and logs have their secrets cut out. Bodies never stand in either:
of an error's body only the short reason that APIs give in a field of its own.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import requests

from include.ticklake.errors import PageBroken, RateLimited, SourceFailed, SourceRefused
from include.ticklake.feeds import Limits
from include.ticklake.http_source import ErrorRules

CHUNK_BYTES = 64 * 1024
_SECRET = re.compile(r"key|token|secret|sign|passw|auth", re.IGNORECASE)
_REASONS = ("msg", "message", "error", "error_message", "detail", "retMsg", "reason")
_SLOW_DOWN = timedelta(minutes=1)
_HOPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One GET: where and what; the secrets are added when it is sent, and never shown."""

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_params: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return redacted(f"{self.url}?{urlencode(self.params)}" if self.params else self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer whose body is still on its way."""

    headers: Mapping[str, str]
    chunks: Iterator[bytes]


def redacted(url: str) -> str:
    """*url* without user, password and the values of parameters that may be secret."""
    parts = urlsplit(url)
    query = [(k, "***" if _SECRET.search(k) else v) for k, v in parse_qsl(parts.query)]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="*"), ""))


@contextmanager
def get(
    request: Request,
    *,
    session: requests.Session,
    limits: Limits,
    bans: Mapping[int, timedelta] | None = None,
    errors: ErrorRules | None = None,
) -> Iterator[Response]:
    """Ask, and give the body piece by piece; the connection is let go when the block ends.

    Raises ``RateLimited``, ``SourceFailed`` or ``PageBroken`` for what may pass, and
    ``SourceRefused`` for what will not. *bans* are statuses that mean a ban, and how long;
    *errors* says what the source's own codes mean, whatever the status.
    """
    try:
        response = _follow(request, session=session, limits=limits)
    except requests.RequestException as wrong:
        raise SourceFailed(f"{request}: {_cause(wrong)}") from None
    with response:
        _raise_for_status(request, response, bans=bans or {}, errors=errors)
        yield Response(headers=response.headers, chunks=_chunks(response, limits=limits))


def _follow(request: Request, *, session: requests.Session, limits: Limits) -> requests.Response:
    """Follow redirects on the same origin only: elsewhere nobody said that we may go."""
    url, params = request.url, {**request.params, **request.secret_params}
    for _ in range(_HOPS):
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
        target, params = urljoin(response.url, response.headers["location"]), {}
        if urlsplit(target)[:2] != urlsplit(url)[:2]:
            raise SourceRefused(
                f"{request}: redirects to {redacted(target)}, another host; "
                "if that is right, change source.base_url"
            )
        url = target
    raise SourceRefused(f"{request}: redirects more than {_HOPS} times")


def _chunks(response: requests.Response, *, limits: Limits) -> Iterator[bytes]:
    """The decompressed body in pieces; every way in which it can break has its own words."""
    deadline_s = time.monotonic() + limits.page_timeout_s
    size = 0
    try:
        for chunk in response.iter_content(CHUNK_BYTES):
            size += len(chunk)
            if size > limits.max_page_bytes:
                raise PageBroken(f"longer than limits.max_page_bytes: {limits.max_page_bytes}")
            if time.monotonic() > deadline_s:
                raise PageBroken(
                    f"not whole after limits.page_timeout_s: {limits.page_timeout_s:g}"
                )
            yield chunk
    except requests.RequestException as wrong:
        raise PageBroken(f"broke off after byte {size}: {_cause(wrong)}") from None


def _raise_for_status(
    request: Request,
    response: requests.Response,
    *,
    bans: Mapping[int, timedelta],
    errors: ErrorRules | None,
) -> None:
    status = response.status_code
    if status == requests.codes.ok:
        return
    body = _error_body(response)
    code = _at(body, errors.code) if errors else None
    wait = errors.wait(code) if errors else None
    where = f"{request}: HTTP {status}{_reason(body, errors)}"
    if wait is not None or status in (418, 429) or status in bans:
        default_s = (bans.get(status) or wait or _SLOW_DOWN).total_seconds()
        raise RateLimited(where, retry_after_s=retry_after_s(response.headers, default_s=default_s))
    if status >= 500 or status == 408 or (errors and errors.passes(code)):
        raise SourceFailed(where)
    raise SourceRefused(f"{where}; check the feed's parameters and slices, and your access")


def retry_after_s(
    headers: Mapping[str, str], *, default_s: float = 60.0, now_s: float | None = None
) -> float:
    """Seconds to wait by ``Retry-After`` (RFC 9110 10.2.3: seconds or a date)."""
    value = headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return default_s
    return max(0.0, moment.timestamp() - (time.time() if now_s is None else now_s))


def _error_body(response: requests.Response) -> object:
    """The body of an error, if it is short and JSON."""
    try:
        return json.loads(next(response.iter_content(4096), b""))
    except (ValueError, requests.RequestException):
        return None


def _reason(body: object, errors: ErrorRules | None) -> str:
    """The short reason that an API gives in a field of its own, of at most 200 characters."""
    paths = (errors.message or errors.code, *_REASONS) if errors else _REASONS
    reason = next((text for path in paths if isinstance(text := _at(body, path), str)), "")
    return f" ({' '.join(reason.split())[:200]})" if reason else ""


def _at(body: object, path: str) -> object:
    """The value at *path*, ``item`` being the last one of an array; None where there is none."""
    for name in path.split("."):
        if isinstance(body, list) and name == "item":
            body = body[-1] if body else None
        else:
            body = body.get(name) if isinstance(body, dict) else None
    return body


def _cause(wrong: requests.RequestException) -> str:
    """The kind of failure; requests' own message would repeat the address with its secrets."""
    return type(wrong).__name__
