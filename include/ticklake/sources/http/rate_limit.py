"""When the next request may be sent: a client slows down before it reaches a rate limit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from include.ticklake.errors import RateLimitedError
from include.ticklake.feed.http_source import RateLimit

_FULL = 0.9
"""Share of a quota from which on a client waits for the next period: others may share its IP."""

_EPOCH_S = 10**8
"""A reset beyond this is an epoch time, not a number of seconds from now."""


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
        if wait_s > 0:
            self._sleep(wait_s)

    def update(self, headers: Mapping[str, str]) -> None:
        """Learn from the headers of a response when the next request may be sent."""
        now_s = self._now_s()
        gap_s = 1 / self._rate_limit.requests_per_s if self._rate_limit.requests_per_s else 0.0
        self._next_s = max(
            now_s + gap_s,
            self._after_quota_s(headers, now_s),
            self._after_reset_s(headers),
            _after_standard_s(headers, now_s),
        )

    def _after_quota_s(self, headers: Mapping[str, str], now_s: float) -> float:
        limit = self._rate_limit
        used = _number(headers.get(limit.used_header or ""))
        if used is None or not limit.quota or not limit.quota_period or used < _FULL * limit.quota:
            return 0.0
        period_s = limit.quota_period.total_seconds()
        return (now_s // period_s + 1) * period_s

    def _after_reset_s(self, headers: Mapping[str, str]) -> float:
        remaining = _number(headers.get(self._rate_limit.remaining_header or ""))
        reset_ms = _number(headers.get(self._rate_limit.reset_ms_header or ""))
        return reset_ms / 1000 if remaining is not None and remaining < 1 and reset_ms else 0.0


def _after_standard_s(headers: Mapping[str, str], now_s: float) -> float:
    """``RateLimit-Remaining`` and ``RateLimit-Reset`` (IETF draft: seconds from now)."""
    remaining = _number(headers.get("RateLimit-Remaining"))
    reset_s = _number(headers.get("RateLimit-Reset"))
    if remaining is None or remaining >= 1 or not reset_s:
        return 0.0
    return reset_s if reset_s > _EPOCH_S else now_s + reset_s  # some give seconds since 1970


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) else None
