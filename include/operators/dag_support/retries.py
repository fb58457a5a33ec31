"""What Airflow does with a failed task: retry it, when, or give up.

The errors of the core are grouped by what the caller does about them; here the
caller is Airflow. It asks in the worker, with the exception itself, for mapped and
plain tasks alike.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import RetryDecision, RetryPolicy

from include.operators.access.timeouts import TASK_TIMEOUT
from include.ticklake.errors import (
    DataError,
    OutOfMemoryError,
    RateLimitedError,
    SourceRefusedError,
    UserError,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

NOT_RETRYABLE = (UserError, SourceRefusedError, DataError, OutOfMemoryError)


class RetryByError(RetryPolicy):
    """Wait exactly as long as the source asked, fail at once, or back off as the task says."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,  # noqa: ARG002  Airflow counts the tries, a policy cannot add to them
        max_tries: int,  # noqa: ARG002
        context: Context | None = None,  # noqa: ARG002
    ) -> RetryDecision:
        """``RateLimitedError`` waits ``retry_after_s``; what a retry cannot fix fails now."""
        if isinstance(exception, RateLimitedError):
            delay = timedelta(seconds=exception.retry_after_s)
            return RetryDecision.retry(delay, reason=str(exception))
        if isinstance(exception, NOT_RETRYABLE):
            return RetryDecision.fail(reason="a retry will not help: see the error above")
        return RetryDecision.default()


DEFAULT_ARGS = {
    "retries": 4,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
    "retry_policy": RetryByError(),
    "execution_timeout": TASK_TIMEOUT,
}
"""``default_args`` of every DAG here: 30 s, 1, 2 and 4 minutes, each up to twice as long.

A task of a batch sets its ``execution_timeout`` when it runs, by its feed's limits.
"""
