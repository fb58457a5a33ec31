"""Lengths of windows: those that never differ, and calendar months."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import UsageError
from include.ticklake.model.window import split_range, window_at
from include.ticklake.model.window_length import (
    MONTH_COUNTS,
    Months,
    WindowLength,
    floor,
    format_window_length,
    longest,
    number_at,
    parse_window_length,
    start_before,
    start_s,
)

LENGTHS: list[WindowLength] = [
    timedelta(seconds=7), timedelta(hours=1), timedelta(weeks=1), *map(Months, MONTH_COUNTS),
]  # fmt: skip


@pytest.mark.parametrize("text", ["15m", "1h", "1d", "1w", "1mo", "3mo", "12mo"])
def test_a_length_is_written_as_it_was_read(text):
    """Whatever it is."""
    assert format_window_length(parse_window_length(text)) == text


@pytest.mark.parametrize("text", ["5mo", "0mo", "24mo", "1M", "1month", "", "mo", "-1mo", "1.5mo"])
def test_a_length_that_there_is_not_is_refused(text):
    """Months that a year is not made of, too: no window would begin with the year."""
    with pytest.raises(ValueError, match=r"does not divide a year|is not a length of time"):
        parse_window_length(text)


@given(length=st.sampled_from(LENGTHS), second=st.integers(-62_000_000_000, 253_000_000_000))
def test_each_instant_is_in_the_window_of_its_number(length, second):
    """From the year 5 to the year 9987: windows leave nothing between them."""
    number = number_at(length, second)
    assert start_s(length, number) <= second < start_s(length, number + 1)
    assert start_s(length, number + 1) - start_s(length, number) <= longest(length).total_seconds()


def test_months_are_those_of_the_calendar():
    """However long they are, and whatever the range begins and ends with."""
    start, end = datetime(2023, 12, 31, 23, tzinfo=UTC), datetime(2024, 3, 1, 0, 0, 1, tzinfo=UTC)
    names = [window.name for window in split_range(start, end, length=Months(1))]
    assert names == [
        "20231201T000000Z-20240101T000000Z", "20240101T000000Z-20240201T000000Z",
        "20240201T000000Z-20240301T000000Z", "20240301T000000Z-20240401T000000Z",
    ]  # fmt: skip
    assert floor(end, Months(3)) == datetime(2024, 1, 1, tzinfo=UTC)
    assert start_before(datetime(2024, 3, 1, tzinfo=UTC), Months(1)).month == 2
    before_1970 = window_at(datetime(1969, 12, 31, tzinfo=UTC), Months(6))
    assert before_1970.name == "19690701T000000Z-19700101T000000Z"


def test_a_range_outside_the_calendar_is_refused():
    """As with any other length."""
    last = datetime(9999, 12, 31, tzinfo=UTC)
    with pytest.raises(UsageError, match="outside the years 1 to 9999"):
        list(split_range(last, last + timedelta(hours=1), length=Months(12)))
