"""Objects of a summary say how long windows are, and a damaged one says what no feed has."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.ticklake.lake.summary_windows import (
    first_window,
    is_window,
    window_members,
    window_of,
)
from include.ticklake.model.window import parse_instant
from include.ticklake.model.window_length import Months, start_s


@pytest.mark.parametrize(
    "window", [timedelta(seconds=1), timedelta(weeks=1), Months(1), Months(12)]
)
def test_a_length_is_read_as_it_was_written(window):
    """In the objects of a version without months, too: these have milliseconds."""
    members = window_members(window)
    assert window_of(**members) == window
    assert is_window(**members)


@pytest.mark.parametrize(
    ("window_ms", "window_months"), [(0, 0), (999, 0), (10**30, 0), (3_600_000, 5), (1_000, -1)]
)
def test_another_length_is_refused(window_ms, window_months):
    """Nobody could reckon with it."""
    assert not is_window(window_ms, window_months)


def test_the_first_week_of_a_year_is_the_first_that_starts_in_it():
    """Weeks start on Thursdays, as 1970 did; months on the first of January."""
    starts = [start_s(timedelta(weeks=1), first_window(year, timedelta(weeks=1)))
              for year in (2026, 2027)]  # fmt: skip
    assert starts == [parse_instant(day).timestamp() for day in ("2026-01-01", "2027-01-07")]
    assert start_s(Months(2), first_window(2026, Months(2))) == starts[0]
