"""A length of time is a number and a unit, everywhere in a feed file."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from include.ticklake.model.durations import Duration, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_a_number_and_a_unit(text, length):
    """Seconds, minutes, hours, days and weeks."""
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "15", "m", "1.5h", "-1h", "0s", "1h30m", "1M", "٣m", "99999w"]
)
def test_anything_else_is_refused(text):
    """The message shows how to write one."""
    with pytest.raises(ValueError, match="write it as 1h, 15m or 1d"):
        parse_duration(text)


def test_a_clock_time_is_not_a_number_of_seconds():
    """YAML reads 1:30 as 90, which is refused instead of guessed."""
    with pytest.raises(ValidationError, match="'90' is not a length of time"):
        TypeAdapter(Duration).validate_python(90)


def test_a_duration_is_written_in_seconds():
    """And read back as it was."""
    adapter = TypeAdapter(Duration)
    written = adapter.dump_python(timedelta(hours=1))
    assert written == "3600s"
    assert adapter.validate_python(written) == timedelta(hours=1)


@pytest.mark.parametrize("value", [None, [], ["1h"], {"1h": None}, True])
def test_what_is_no_text_is_refused(value):
    """In the same words, whatever it is."""
    with pytest.raises(ValidationError, match="must be a length of time, such as 1h, 15m or 1d"):
        TypeAdapter(Duration).validate_python(value)


@pytest.mark.parametrize(
    "text", ["30s", "90s", "15m", "90m", "7h", "36h", "1d", "40d", "1w", "520w"]
)
def test_a_length_is_shown_in_the_largest_unit_that_leaves_nothing_over(text):
    """As a feed file would write it."""
    assert format_duration(parse_duration(text)) == text
