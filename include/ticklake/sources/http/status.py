"""What the status of a response means: an error with its reason, and how long to wait.

Of an error's body the short reason is shown (see ``error_body.py``), or else its first words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
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
from include.ticklake.sources.http.error_body import code_in, decoded, reason_in
from include.ticklake.sources.http.received import content
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.http.waits import retry_after_s

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
    text = _error_text(chunks)
    body = decoded(text)
    code = code_in(body, errors)
    wait = errors.wait(code) if errors else None
    reason = request.sanitize(reason_in(body, errors))
    reason = reason or content(request, headers=response.headers, start=text)
    where = f"{request}: HTTP {status} ({reason})"
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
        f"{where}; check the feed's path, parameters and slices, and your access"
    )
    refused.status = status
    raise refused


def _error_text(chunks: Iterable[bytes]) -> bytes:
    """The body of an error, or its beginning where it is long or does not end."""
    text = b""
    with suppress(RetryableError, SourceRefusedError):
        for chunk in chunks:
            text = (text + chunk).lstrip()
            if len(text) > _MAX_ERROR_BYTES:
                break
    return text[:_MAX_ERROR_BYTES]
