"""Failures in, another try or the failure out: how long one page is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import tenacity

from include.ticklake.errors import RateLimitedError, RetryableError
from include.ticklake.feed.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRetryPolicy:
    """How often a page is asked for again, and how long we wait in between."""

    attempts: int | None = None
    """None: as often as the feed says."""
    first_wait_s: float = 1.0
    longest_wait_s: float = 20.0
    sleep: Callable[[float], None] = time.sleep

    def tries(self, limits: Limits) -> tenacity.Retrying:
        """Attempts at what may pass, with exponential waits and jitter between them.

        A rate limit says itself how long; beyond ``limits.max_wait_s`` it is raised.
        """
        backoff = tenacity.wait_exponential_jitter(self.first_wait_s, self.longest_wait_s)

        def may_pass(wrong: BaseException) -> bool:
            if isinstance(wrong, RateLimitedError):
                return wrong.retry_after_s <= limits.max_wait_s
            return isinstance(wrong, RetryableError)

        def wait_s(state: tenacity.RetryCallState) -> float:
            wrong = state.outcome.exception() if state.outcome else None
            return wrong.retry_after_s if isinstance(wrong, RateLimitedError) else backoff(state)

        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.attempts or limits.attempts),
            wait=wait_s,
            retry=tenacity.retry_if_exception(may_pass),
            sleep=self.sleep,
            reraise=True,
        )
