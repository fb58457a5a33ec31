"""A page is requested again after failures that may pass, a bounded number of times."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from include.ticklake.errors import (
    MalformedPageError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnavailableError,
    TicklakeError,
)
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.conftest import REPOSITORY


def attempts(
    *errors: TicklakeError, limits: Limits, deadline: UnitDeadline | None = None, **options
) -> tuple[int, list[float]]:
    """How many attempts there were, with those errors one after the other, and the waits."""
    waits: list[float] = []
    pending, count = list(errors), 0
    for attempt in SourceRetryPolicy(sleep=waits.append, **options).attempts(
        limits, deadline=deadline
    ):
        with attempt:
            count += 1
            if pending:
                raise pending.pop(0)
    return count, waits


@pytest.mark.parametrize("error", [SourceUnavailableError("x"), MalformedPageError("x")])
def test_a_failure_that_may_pass_is_retried(error):
    """With waits that double, up to a second of jitter, and are bounded."""
    count, waits = attempts(*[error] * 4, limits=Limits(), longest_wait_s=3)
    assert count == 5
    assert [1 <= waits[0] <= 2, 2 <= waits[1] <= 3] == [True, True]
    assert max(waits) <= 3


def test_a_refusal_is_not_retried():
    """The next attempt would be refused as well."""
    with pytest.raises(SourceRefusedError):
        attempts(SourceRefusedError("x"), limits=Limits())


@pytest.mark.parametrize(("options", "most"), [({}, 3), ({"max_attempts": 2}, 2)])
def test_attempts_are_those_of_the_feed_unless_the_policy_says_otherwise(options, most):
    """The last error says how many there were, and how long they took."""
    limits = Limits(attempts=3)
    failure = SourceUnavailableError("down")
    assert attempts(*[failure] * (most - 1), limits=limits, **options)[0] == most
    with pytest.raises(SourceUnavailableError, match=rf"^down; {most} tries in 0 s$"):
        attempts(*[failure] * most, limits=limits, **options)


def test_a_single_try_is_not_counted():
    """The error is raised as it is."""
    failure = SourceUnavailableError("down")
    with pytest.raises(SourceUnavailableError) as wrong:
        attempts(failure, limits=Limits(attempts=1))
    assert wrong.value is failure


def test_a_wait_is_announced_as_it_begins(caplog):
    """Which try failed, why, and how long it is waited for."""
    failures = [SourceUnavailableError("down"), RateLimitedError("slow", retry_after_s=7)]
    attempts(*failures, limits=Limits())
    first, second = caplog.messages
    assert re.fullmatch(r"source.retry attempt=1/5 wait_s=[12]\.\d: down", first)
    assert second == "source.retry attempt=2/5 wait_s=7.0: slow: rate limited; retry in 7 s"


def test_no_wait_outlasts_the_time_of_the_unit():
    """The error is raised at once, with the setting."""
    limits = Limits(unit_timeout="1m")
    now_s = iter([0, 50, 53])
    deadline = UnitDeadline(limits, clock=lambda: next(now_s))
    failures = [RateLimitedError("slow", retry_after_s=7)] * 2
    with pytest.raises(
        RateLimitedError,
        match=r"slow \(2 tries in 0 s; limits.unit_timeout: 0:01:00 leaves no time for another\):",
    ) as wrong:
        attempts(*failures, limits=limits, deadline=deadline)
    assert wrong.value.retry_after_s == 7


def test_a_rate_limit_is_waited_for_exactly_if_it_is_short():
    """A longer one is raised at once, for the scheduler."""
    limits = Limits(max_wait_s=30)
    assert attempts(RateLimitedError("x", retry_after_s=30), limits=limits) == (2, [30])
    with pytest.raises(RateLimitedError, match="retry in 31 s"):
        attempts(RateLimitedError("x", retry_after_s=31), limits=limits)


def test_tornado_is_not_imported_where_it_is_installed():
    """It is installed with Celery, and no process of ours needs its megabytes."""
    imported = "import include.ticklake.sources.retries, sys; print('tornado' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", imported], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False"]
