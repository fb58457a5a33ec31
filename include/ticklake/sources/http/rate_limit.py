"""When the next request may be sent: a client slows down before it reaches a rate limit."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping

from include.ticklake.errors import RateLimitedError
from include.ticklake.feed.rate_limit import RateLimit
from include.ticklake.sources.http.waits import read_wait_s

log = logging.getLogger(__name__)

_FULL = 0.9
"""Share of a quota from which on a client waits for the next period: others may share its IP."""
_SAID_FROM_S = 5.0
"""A wait longer than this is logged as it begins."""


class RateLimiter:
    """When the next request of one client may be sent."""

    def __init__(
        self,
        rate_limit: RateLimit,
        *,
        max_wait_s: float,
        sleep: Callable[[float], None] = time.sleep,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._rate_limit, self._max_wait_s = rate_limit, max_wait_s
        self._sleep, self._now_s = sleep, now_s
        self._next_s = 0.0

    def acquire(self, request: object, *, within_s: float = math.inf) -> None:
        """Wait until *request* may be sent; ``RateLimitedError`` if that takes too long."""
        wait_s = self._next_s - self._now_s()
        if wait_s > min(self._max_wait_s, within_s):
            raise RateLimitedError(str(request), retry_after_s=wait_s)
        if wait_s > _SAID_FROM_S:
            log.info("rate_limit.wait wait_s=%.0f: %s", wait_s, request)
        if wait_s > 0:
            self._sleep(wait_s)

    def update(self, headers: Mapping[str, str]) -> None:
        """Learn from the headers of a response when the next request may be sent."""
        now_s = self._now_s()
        gap_s = 1 / self._rate_limit.requests_per_s if self._rate_limit.requests_per_s else 0.0
        self._next_s = max(
            now_s + gap_s,
            self._after_quota_s(headers, now_s),
            self._after_reset_s(headers, now_s),
            _after_standard_s(headers, now_s),
        )

    def _after_quota_s(self, headers: Mapping[str, str], now_s: float) -> float:
        limit = self._rate_limit
        used = _number(headers.get(limit.used_header or ""))
        if used is None or not limit.quota or not limit.quota_period or used < _FULL * limit.quota:
            return 0.0
        period_s = limit.quota_period.total_seconds()
        return (now_s // period_s + 1) * period_s

    def _after_reset_s(self, headers: Mapping[str, str], now_s: float) -> float:
        limit = self._rate_limit
        remaining = headers.get(limit.remaining_header or "")
        reset = headers.get(limit.reset_ms_header or "")
        return _renewed_s(remaining, reset, now_s=now_s, unit_s=0.001)


def _after_standard_s(headers: Mapping[str, str], now_s: float) -> float:
    """``RateLimit-Remaining`` and ``RateLimit-Reset`` (IETF draft: seconds from now)."""
    remaining, reset = headers.get("RateLimit-Remaining"), headers.get("RateLimit-Reset")
    return _renewed_s(remaining, reset, now_s=now_s, unit_s=1.0)


def _renewed_s(remaining: str | None, reset: str | None, *, now_s: float, unit_s: float) -> float:
    """When a quota is renewed, if it is used up and the source says when; else 0."""
    left = _number(remaining)
    if left is None or left >= 1:
        return 0.0
    return now_s + (read_wait_s(reset or "", now_s=now_s, unit_s=unit_s) or 0.0)


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) else None
