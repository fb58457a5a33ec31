"""A unit that fails does not stop the others; what concerns all of them does."""

from __future__ import annotations

import pytest

from include.ticklake.errors import (
    FeedFileError,
    OutOfMemoryError,
    ParityError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnavailableError,
    TicklakeError,
    UsageError,
)
from include.ticklake.model.failed_units import FailedUnits


def unauthorized() -> SourceRefusedError:
    error = SourceRefusedError("HTTP 401")
    error.status = 401
    return error


def run(*outcomes: TicklakeError | None) -> FailedUnits:
    """Units that end as *outcomes* say, one after the other."""
    failed = FailedUnits()
    for number, outcome in enumerate(outcomes):
        with failed.attempt(f"unit {number}"):
            if outcome:
                raise outcome
    return failed


def test_nothing_is_raised_where_nothing_failed():
    """And the exit code is 0."""
    failed = run(None, None)
    failed.raise_if_any()
    assert (bool(failed), failed.done, failed.exit_code) == (False, 2, 0)


def test_the_others_are_done_and_the_list_has_every_failure():
    """With the class and the exit code of the worst."""
    failed = run(SourceRefusedError("HTTP 404"), None, ParityError("2 of 3 rows"), None)
    assert (failed.done, failed.exit_code) == (2, 4)
    with pytest.raises(ParityError) as raised:
        failed.raise_if_any()
    assert str(raised.value) == (
        "2 of 4 units failed, and the others are done:\n  unit 0: HTTP 404\n  unit 2: 2 of 3 rows"
    )


def test_a_task_is_tried_again_where_that_may_help_any_unit():
    """The worst decides for the command line, which nobody tries again."""
    failed = run(ParityError("x"), SourceUnavailableError("HTTP 503"), None)
    assert isinstance(failed.error(may_retry=True), SourceUnavailableError)
    assert isinstance(failed.error(), ParityError)


def test_the_only_unit_of_a_batch_raises_its_own_error():
    """A list of one says no more than that."""
    error = SourceRefusedError("HTTP 404")
    with pytest.raises(SourceRefusedError) as raised:
        run(error).raise_if_any()
    assert raised.value is error


@pytest.mark.parametrize(
    "error",
    [FeedFileError("bars.yaml:3"), UsageError("end before start"), OutOfMemoryError("128 MiB"),
     RateLimitedError("a.example", retry_after_s=7200), unauthorized(), TicklakeError("storage")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_what_concerns_all_units_stops_at_once(error, caplog):
    """What failed before is in the log."""
    with pytest.raises(type(error)) as raised:
        run(ParityError("2 of 3 rows"), error, None)
    assert raised.value is error
    assert "1 units failed before:\n  unit 0: 2 of 3 rows" in caplog.text


def test_any_other_exception_is_not_a_failure_of_a_unit():
    """A storage that fails, an interruption, a mistake of ours."""
    with pytest.raises(OSError, match="disk full"), FailedUnits().attempt("unit"):
        raise OSError("disk full")


def test_a_source_that_is_not_there_stops_the_batch_after_three_units():
    """A thousand slices do not each wait for it."""
    down = SourceUnavailableError("no connection")
    assert run(down, down, None, down, down).done == 1
    with pytest.raises(SourceUnavailableError, match=r"3 of 4 units failed, .* was not tried"):
        run(None, down, down, down, None)


def test_a_long_list_is_cut():
    """The log has the rest."""
    lines = str(run(*[ParityError("x")] * 60, None).error()).splitlines()
    assert len(lines) == 52
    assert lines[-1] == "  and 10 more: the log has a line for each, unit.failed"
