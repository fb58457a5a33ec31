"""ISO 8601 is one grammar: what it reads, and what it leaves alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.model.iso_times import parse_iso, parse_offset


def at(*parts: int) -> datetime:
    return datetime(*parts)  # noqa: DTZ001 - a clock of nowhere


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("2026-11-22", (at(2026, 11, 22), "", None)),
        ("2026-11-22T05:30:00.120Z", (at(2026, 11, 22, 5, 30), "120", timedelta())),
        ("2026-11-22 05-03:30", (at(2026, 11, 22, 5), "", timedelta(hours=-3.5))),
        ("2026-326", (at(2026, 11, 22), "", None)),
        ("2024-366T05", (at(2024, 12, 31, 5), "", None)),
        ("2026-11-22T24:00:00.0Z", (at(2026, 11, 23), "0", timedelta())),
        ("2026-12-31T2400", (at(2027, 1, 1), "", None)),
    ],
)
def test_a_text_is_taken_apart(text, parts):
    """The clock as it is written, every digit, and the offset where there is one."""
    assert parse_iso(text) == parts


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T25", "2026-366", "2026-000", "2026326", "2026-11-22T24:00:01", "9999-12-31T24:00",
     "2026-11-22T24:01", "2026-11-22T24:00:00.001", "2016-12-31T23:59:60Z", "2026-11"],
)  # fmt: skip
def test_other_texts_are_no_time(text):
    """A leap second among them: it has no number of its own since 1970."""
    assert parse_iso(text) is None


@given(st.dates(min_value=datetime(1000, 1, 1).date()))  # noqa: DTZ001
def test_the_day_of_a_year_is_the_date(date):
    """However the date is written, it is the same one."""
    expected = at(date.year, date.month, date.day)
    for text in (f"{date:%Y-%m-%d}", f"{date:%Y%m%d}", f"{date:%G-W%V-%u}", f"{date:%Y-%j}"):
        assert parse_iso(text) == (expected, "", None)


@pytest.mark.parametrize(
    ("text", "minutes"), [("Z", 0), ("z", 0), ("+05", 300), ("+0530", 330), ("-03:30", -210)]
)
def test_an_offset_is_what_is_east_of_utc(text, minutes):
    """With or without a colon."""
    assert parse_offset(text) == timedelta(minutes=minutes)
