"""When candles open, and when they are over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.model.candles import parse_candles, parse_opens
from include.ticklake.model.window import Window


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def opens(length: str, at: str | None, start: str, end: str) -> list[str]:
    found = parse_candles(length, at).opens_s(seconds(start), seconds(end))
    return [f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M}" for second in found]


@pytest.mark.parametrize(
    ("length", "at", "found"),
    [
        ("1d", None, ["2026-11-02T00:00", "2026-11-03T00:00"]),
        ("1d", "16:00", ["2026-11-02T16:00", "2026-11-03T16:00"]),
        ("1d", "00:00+08:00", ["2026-11-02T16:00", "2026-11-03T16:00"]),
        ("1d", "17:00-05:00", ["2026-11-02T22:00", "2026-11-03T22:00"]),
        ("12h", "11:00", ["2026-11-02T11:00", "2026-11-02T23:00",
                          "2026-11-03T11:00", "2026-11-03T23:00"]),
        ("1w", None, ["2026-11-02T00:00"]),
        ("1w", "monday", ["2026-11-02T00:00"]),
        ("1w", "Tuesday 21:00", ["2026-11-03T21:00"]),
        ("1w", "wednesday 00:00+08:00", ["2026-11-03T16:00"]),
        ("1mo", None, []),
    ],
)  # fmt: skip
def test_candles_of_two_days(length, at, found):
    """Monday and Tuesday: days open at any hour, weeks on Monday."""
    assert opens(length, at, "2026-11-02", "2026-11-04") == found


@pytest.mark.parametrize(
    ("length", "at", "found"),
    [
        ("1mo", None, ["2026-01-01T00:00", "2026-02-01T00:00", "2026-03-01T00:00"]),
        ("1month", "16:00", ["2026-01-01T16:00", "2026-02-01T16:00", "2026-03-01T16:00"]),
        ("1mo", "00:00+08:00", ["2026-01-31T16:00", "2026-02-28T16:00", "2026-03-31T16:00"]),
        ("2mo", None, ["2026-01-01T00:00", "2026-03-01T00:00"]),
        ("12mo", None, ["2026-01-01T00:00"]),
    ],
)
def test_candles_of_a_quarter(length, at, found):
    """Months open on the first, wherever that is the first."""
    assert opens(length, at, "2026-01-01", "2026-04-01") == found


@pytest.mark.parametrize(
    ("length", "at", "opened", "over"),
    [
        ("1d", None, "2026-11-02T16:00", "2026-11-03T16:00"),
        ("1w", None, "2026-11-02", "2026-11-09"),
        ("1mo", None, "2026-02-01", "2026-03-01"),
        ("1mo", "00:00+08:00", "2026-02-28T16:00", "2026-03-31T16:00"),
        ("1mo", None, "2026-02-28T16:00", "2026-03-31T16:00"),
        ("3mo", None, "2026-10-01", "2027-01-01"),
    ],
)
def test_a_candle_is_over_when_the_next_one_opens(length, at, opened, over):
    """Also one that opens at another hour than expected."""
    candles = parse_candles(length, at)
    assert candles.end_ns(seconds(opened) * 10**9) == seconds(over) * 10**9


@pytest.mark.parametrize(
    ("length", "at", "is_certain"),
    [("1m", None, True), ("15m", None, True), ("30m", None, False), ("1d", None, False),
     ("1w", None, False), ("1mo", None, False), ("1d", "00:00", True), ("1mo", "00:00", True)],
)  # fmt: skip
def test_time_zones_differ_by_quarters_of_an_hour(length, at, is_certain):
    """What divides one opens at the same instants in all of them."""
    assert parse_candles(length, at).is_certain is is_certain


@pytest.mark.parametrize("length", ["3m", "7m", "4h", "1d", "3d", "1w", "1mo", "3mo"])
@given(opened_s=st.integers(seconds("1980-01-01"), seconds("2090-01-01")))
def test_the_grid_through_a_candle_has_that_candle(length, opened_s):
    """It opens there, and the next one opens when it is over."""
    grid = parse_candles(length).through(opened_s * 10**9)
    over_s = grid.end_ns(opened_s * 10**9) // 10**9
    assert grid.is_certain
    assert list(grid.opens_s(opened_s, over_s + 1)) == [opened_s, over_s]


@pytest.mark.parametrize("length", ["15m", "4h", "1d", "1w", "1mo", "5mo"])
@given(start_s=st.integers(0, seconds("2090-01-01")), wide_s=st.integers(1, 10**8))
def test_candles_follow_each_other(length, start_s, wide_s):
    """Each is over when the next one opens, and ranges side by side have each once."""
    grid = parse_candles(length, "16:00")
    found = list(grid.opens_s(start_s, start_s + wide_s))
    ends = [grid.end_ns(second * 10**9) // 10**9 for second in found]
    assert found[1:] == ends[:-1]
    middle_s = start_s + wide_s // 2
    halves = [*grid.opens_s(start_s, middle_s), *grid.opens_s(middle_s, start_s + wide_s)]
    assert halves == found


@pytest.mark.parametrize(
    ("length", "at", "whole"),
    [
        pytest.param("1d", "00:00", "2026-11-23", id="over with the day"),
        pytest.param("1d", "16:00", "2026-11-23T16:00", id="opens at 16:00"),
        pytest.param("1d", None, "2026-11-24", id="may open at any hour"),
        pytest.param("1w", "monday", "2026-11-23", id="none opens on a Sunday"),
        pytest.param("1w", "sunday", "2026-11-29", id="opens on Sunday"),
        pytest.param("1m", None, "2026-11-23", id="minutes"),
    ],
)
def test_a_window_is_whole_when_its_last_candle_is_over(length, at, whole):
    """Of Sunday, 22 November 2026."""
    sunday = Window(*(datetime(2026, 11, day, tzinfo=UTC) for day in (22, 23)))
    assert parse_candles(length, at).whole_at_s(sunday) == seconds(whole)


@pytest.mark.parametrize(
    ("length", "at", "may"),
    [("1d", "16:00", False), ("1d", None, False), ("1w", "monday", True), ("1w", "sunday", False),
     ("1w", None, True), ("1mo", "00:00", True), ("1mo", None, True)],
)  # fmt: skip
def test_a_window_may_have_no_candle(length, at, may):
    """Of Sunday, 22 November 2026: where candles are longer."""
    sunday = Window(*(datetime(2026, 11, day, tzinfo=UTC) for day in (22, 23)))
    assert parse_candles(length, at).may_have_none_in(sunday) is may


def test_months_are_counted_with_their_days():
    """January from the first to the first of February."""
    january = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    assert parse_candles("1mo", "00:00").whole_at_s(january) == seconds("2026-02-01")
    assert parse_candles("1mo").length_s == timedelta(days=31).total_seconds()


@pytest.mark.parametrize(
    ("text", "found"),
    [("16:00", (None, 57600)), ("00:00+08:00", (None, -28800)), ("23:59Z", (None, 86340)),
     ("17:00-05:00", (None, 79200)), ("monday", (0, 0)), ("Sunday 16:00", (6, 57600))],
)  # fmt: skip
def test_a_time_of_day_and_a_weekday(text, found):
    """In UTC, or with an offset from it."""
    assert parse_opens(text) == found


@pytest.mark.parametrize(
    "text", ["", "4pm", "24:00", "9:00", "16:60", "monday ", "monday16:00", "16:00 monday",
             "16:00+15:00", "16:00 UTC", "1st", "mon"]
)  # fmt: skip
def test_other_texts_are_refused(text):
    """With what to write."""
    with pytest.raises(ValueError, match="write a time of day in UTC as 16:00"):
        parse_opens(text)


@pytest.mark.parametrize("text", ["1M", "month", "0mo", "1 d", "-1d", "0d", "1d\n", "\u0661d"])
def test_a_length_is_a_number_and_a_unit(text):
    """``1M`` may be a month or a minute."""
    with pytest.raises(ValueError, match="write it as 15m, 1h, 1d, 1w or 1mo"):
        parse_candles(text)
