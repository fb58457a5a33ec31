"""How often a page is requested, and the waits in between, which are logged as they begin."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from include.ticklake.errors import RateLimitedError, RetryableError
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.deadline import UnitDeadline

log = logging.getLogger(__name__)


@contextmanager
def _not_importable(name: str) -> Iterator[None]:
    """``import name`` fails in here, unless it was imported before."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


with _not_importable("tornado"):
    # tenacity imports it where it is installed, as it is with Celery: megabytes of each process.
    import tenacity


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRetryPolicy:
    """Attempts per page, and the waits between them."""

    max_attempts: int | None = None
    """None for as many as the feed's limits allow."""
    first_wait_s: float = 1.0
    longest_wait_s: float = 20.0
    sleep: Callable[[float], None] = time.sleep

    def attempts(
        self, limits: Limits, *, deadline: UnitDeadline | None = None
    ) -> tenacity.Retrying:
        """Attempts at what a retry may fix, with exponential waits and jitter between them.

        A rate limit brings its own wait; one beyond ``limits.max_wait_s`` is raised. No wait
        outlasts the *deadline* of the unit. The last error says how many attempts there were.
        """
        backoff = tenacity.wait_exponential_jitter(self.first_wait_s, self.longest_wait_s)
        most = self.max_attempts or limits.attempts

        def is_retryable(error: BaseException) -> bool:
            if isinstance(error, RateLimitedError):
                return error.retry_after_s <= limits.max_wait_s
            return isinstance(error, RetryableError)

        def wait_s(state: tenacity.RetryCallState) -> float:
            error = _error(state)
            return error.retry_after_s if isinstance(error, RateLimitedError) else backoff(state)

        def is_last(state: tenacity.RetryCallState) -> bool:
            too_late = deadline is not None and state.upcoming_sleep >= deadline.left_s()
            return too_late or state.attempt_number >= most

        def announce(state: tenacity.RetryCallState) -> None:
            log.warning(
                "source.retry attempt=%d/%d wait_s=%.1f: %s",
                state.attempt_number, most, state.upcoming_sleep, _error(state),
            )  # fmt: skip

        def give_up(state: tenacity.RetryCallState) -> NoReturn:
            error = _error(state)
            assert isinstance(error, RetryableError)  # noqa: S101 - for mypy: see is_retryable
            notes = []
            if state.attempt_number > 1:
                notes.append(f"{state.attempt_number} tries in {state.seconds_since_start:.0f} s")
            if deadline and state.attempt_number < most and str(deadline) not in str(error):
                notes.append(f"{deadline} leaves no time for another")
            raise _with_notes(error, notes) from None

        return tenacity.Retrying(
            stop=is_last,
            wait=wait_s,
            retry=tenacity.retry_if_exception(is_retryable),
            sleep=self.sleep,
            before_sleep=announce,
            retry_error_callback=give_up,
        )


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _with_notes(error: RetryableError, notes: list[str]) -> RetryableError:
    if not notes:
        return error
    if isinstance(error, RateLimitedError):
        where = f"{error.where} ({'; '.join(notes)})"
        return type(error)(where, retry_after_s=error.retry_after_s)
    return type(error)("; ".join([str(error), *notes]))
