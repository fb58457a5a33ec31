"""What the status of a response means: an error with its reason, and how long to wait.

Bodies are never shown: of an error's body only the short message that APIs return in a field
of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta

import requests

from include.ticklake.errors import (
    RateLimitedError,
    RetryableError,
    SourceRefusedError,
    SourceUnavailableError,
)
from include.ticklake.feed.error_rules import ErrorRules
from include.ticklake.sources.http.connection_errors import proxy_login_error
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.http.waits import retry_after_s

_MESSAGE_PATHS = ("msg", "message", "error", "error_message", "detail", "retMsg", "reason")
_RATE_LIMIT_WAIT = timedelta(minutes=1)
_MAX_ERROR_BYTES = 16 * 1024


def raise_for_status(
    request: HttpRequest,
    response: requests.Response,
    chunks: Iterable[bytes],
    *,
    ban_statuses: Mapping[int, timedelta],
    errors: ErrorRules | None,
) -> None:
    """Raise the error that the status means; *errors* explains the source's own codes.

    The body, *chunks*, is read only for the reason of an error.
    """
    status = response.status_code
    is_success = 200 <= status < 300 and status != requests.codes.accepted
    if is_success and status not in ban_statuses:
        return  # 206 is how some APIs answer with a page; JSON shows whether a body is whole
    if status == requests.codes.proxy_authentication:
        raise proxy_login_error(request, url=response.url)
    body = _error_body(chunks)
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
    not_ready = status in (requests.codes.accepted, requests.codes.timeout)
    if status >= 500 or not_ready or (errors and errors.is_retryable(code)):
        raise SourceUnavailableError(where)
    refused = SourceRefusedError(
        f"{where}; check the feed's parameters and slices, and your access"
    )
    refused.status = status
    raise refused


def _error_body(chunks: Iterable[bytes]) -> object:
    """The body of an error, decoded; None where it is long or not JSON."""
    body = b""
    try:
        for chunk in chunks:
            body += chunk
            if len(body) > _MAX_ERROR_BYTES:
                return None
        return json.loads(body)
    except (ValueError, RecursionError, RetryableError):
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
