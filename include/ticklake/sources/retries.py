"""How often a page is requested, and the waits in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import tenacity

from include.ticklake.errors import RateLimitedError, RetryableError
from include.ticklake.feed.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRetryPolicy:
    """Attempts per page, and the waits between them."""

    max_attempts: int | None = None
    """None for as many as the feed's limits allow."""
    first_wait_s: float = 1.0
    longest_wait_s: float = 20.0
    sleep: Callable[[float], None] = time.sleep

    def attempts(self, limits: Limits) -> tenacity.Retrying:
        """Attempts at what a retry may fix, with exponential waits and jitter between them.

        A rate limit brings its own wait; one beyond ``limits.max_wait_s`` is raised.
        """
        backoff = tenacity.wait_exponential_jitter(self.first_wait_s, self.longest_wait_s)

        def is_retryable(error: BaseException) -> bool:
            if isinstance(error, RateLimitedError):
                return error.retry_after_s <= limits.max_wait_s
            return isinstance(error, RetryableError)

        def wait_s(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            return error.retry_after_s if isinstance(error, RateLimitedError) else backoff(state)

        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.max_attempts or limits.attempts),
            wait=wait_s,
            retry=tenacity.retry_if_exception(is_retryable),
            sleep=self.sleep,
            reraise=True,
        )
