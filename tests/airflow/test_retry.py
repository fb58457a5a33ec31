"""What Airflow does after each of our errors."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.ticklake import errors

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]


def decide(error: BaseException):
    from include.operators.dag_support.retries import RetryByError

    return RetryByError().evaluate(error, try_number=1, max_tries=4)


@pytest.mark.parametrize("seconds", [0.0, 2.5, 3600.0, 259_200.0])
def test_a_rate_limit_waits_as_long_as_the_source_asked(seconds):
    """Neither the backoff nor its upper limit changes what ``Retry-After`` said."""
    from airflow.sdk import RetryAction

    decision = decide(errors.RateLimitedError("api.example.com", retry_after_s=seconds))
    assert decision.action is RetryAction.RETRY
    assert decision.retry_delay == timedelta(seconds=seconds)
    assert "api.example.com" in decision.reason


@pytest.mark.parametrize(
    "error",
    [
        errors.UsageError("end before start"),
        errors.FeedFileError("bars.yaml:3"),
        errors.SourceRefusedError("bad symbol"),
        errors.TooManyBadRecordsError("12 of 100"),
        errors.ParityError("99 of 100"),
        errors.OutOfMemoryError("128 MiB"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_retry_cannot_mend_fails_at_once(error):
    """No worker is held, and no source asked, for nothing."""
    from airflow.sdk import RetryAction

    assert decide(error).action is RetryAction.FAIL


@pytest.mark.parametrize(
    "error",
    [
        errors.SourceUnavailableError("503"),
        errors.MalformedPageError("cut at byte 4096"),
        OSError("disk full"),
        SystemExit(143),
    ],
    ids=lambda error: type(error).__name__,
)
def test_all_else_backs_off_as_the_task_says(error):
    """The task's own retries, delay and exponential backoff apply."""
    from airflow.sdk import RetryAction

    assert decide(error).action is RetryAction.DEFAULT


def test_every_error_of_the_core_is_decided_on_purpose():
    """A new branch of the error tree is either retried or not: never by oversight."""
    from include.operators.dag_support.retries import NOT_RETRYABLE

    decided = {errors.RetryableError, *NOT_RETRYABLE}
    assert set(errors.TicklakeError.__subclasses__()) == decided
