"""A format reads the texts that are in it, exactly, and no others."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.model.time_formats import TimeFormat


def at(*parts: int) -> datetime:
    return datetime(*parts)  # noqa: DTZ001 - a clock of nowhere


@pytest.mark.parametrize(
    ("format_", "text", "parts"),
    [
        ("%Y%m%d", "20261122", (at(2026, 11, 22), "", None)),
        ("%y%m%d", "261122", (at(2026, 11, 22), "", None)),
        ("%y%m%d", "690101", (at(1969, 1, 1), "", None)),
        ("%d/%m/%Y %H:%M", "22/11/2026 05:30", (at(2026, 11, 22, 5, 30), "", None)),
        ("%d/%m/%Y %H:%M", "2/1/2026 5:30", (at(2026, 1, 2, 5, 30), "", None)),
        ("%m/%d/%Y %I:%M %p", "11/22/2026 12:05 am", (at(2026, 11, 22, 0, 5), "", None)),
        ("%m/%d/%Y %I:%M %p", "11/22/2026 12:05 PM", (at(2026, 11, 22, 12, 5), "", None)),
        ("%Y%m%d%H%M%S%f", "20261122053000123", (at(2026, 11, 22, 5, 30), "123", None)),
        ("%Y.%j", "2026.326", (at(2026, 11, 22), "", None)),
        ("%d-%b-%Y", "22-NOV-2026", (at(2026, 11, 22), "", None)),
        ("%B %d, %Y", "November 22, 2026", (at(2026, 11, 22), "", None)),
        ("%Y%%%m%%%d", "2026%11%22", (at(2026, 11, 22), "", None)),
        ("%a, %d %b %Y %H:%M:%S %Z", "Sun, 22 Nov 2026 05:30:00 GMT",
         (at(2026, 11, 22, 5, 30), "", timedelta())),
        ("%Y-%m-%dT%H:%M:%S.%f%z", "2026-11-22T05:30:00.123456789+0530",
         (at(2026, 11, 22, 5, 30), "123456789", timedelta(hours=5.5))),
    ],
)  # fmt: skip
def test_a_text_in_the_format_is_taken_apart(format_, text, parts):
    """In the words of ``strptime``, with every digit of a fraction."""
    assert TimeFormat.of(format_).parse(text) == parts


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        ("%Y%m%d", "2026112"), ("%Y%m%d", "20261322"), ("%Y%m%d", "20260230"),
        ("%Y%m%d", " 20261122"), ("%Y%m%d", "20261122\n"), ("%Y%m%d", "2026112\uff12"),
        ("%Y%m%d", "20261122.0"), ("%Y%m%d", "2.0261122e7"), ("%y%m%d", "20261122"),
        ("%d/%m/%Y", "11/22/2026"), ("%d/%m/%Y", "2026-11-22"), ("%d/%m/%Y", "22 /11/2026"),
        ("%d/%m/%Y %H:%M", "22/11/2026 24:00"), ("%Y-%jT%H", "2026-366T05"),
        ("%Y-%m-%dT%H", "2026-11-22t05"), ("%d %b %Y", "22 Nov. 2026"), ("%d %b %Y", "22 Mai 2026"),
        ("%a %d.%m.%Y", "Mon 22.11.2026"), ("%m/%d/%Y %I%p", "11/22/2026 13PM"),
        ("%Y-%m-%d %Z", "2026-11-22 CET"), ("%Y-%m-%d %z", "2026-11-22 +24:00"),
        ("%Y-%m-%d %H:%M:%S", "2026-11-22 23:59:60"),
    ],
)  # fmt: skip
def test_other_texts_are_not(format_, text):
    """Neither what ``strptime`` takes loosely, nor what looks like another format."""
    assert TimeFormat.of(format_).parse(text) is None


@pytest.mark.parametrize(
    ("format_", "message"),
    [
        ("%H:%M", "a time needs a year, a month and a day"),
        ("%Y-%m", "a time needs a year, a month and a day"),
        ("%m-%d", "a time needs a year, a month and a day"),
        ("YYYY-MM-DD", "a time needs a year, a month and a day"),
        ("%Y-%m-%j", "a time needs a year, a month and a day"),
        ("%Y-%m-%d %q", "'%q' is not a word of a format: %Y"),
        ("%Y-%m-%d %", "'%' is not a word of a format: %Y"),
        ("%Y-%m-%d %Y", "%Y is in it more than once"),
        ("%Y-%m-%d %b", "%m and %b say the same; leave one out"),
        ("%Y-%m-%d %I:%M", "%I needs %p with it"),
        ("%Y-%m-%d %H %p", "%p needs %I with it"),
        ("%Y-%m-%d :%M", "%M needs %H or %I with it"),
        ("%Y-%m-%d %H:%S", "%S needs %M with it"),
        ("%f%Y%m%d%H%M%S", "%f has any number of digits; no other number can follow at once"),
    ],
)
def test_a_format_that_says_no_time_is_refused(format_, message):
    """When the feed is read, with what is missing."""
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        TimeFormat.of(format_)


@given(
    st.datetimes(min_value=at(1969, 1, 1), max_value=at(2068, 12, 31)),
    st.sampled_from(
        [
            "%Y%m%d%H%M%S%f",
            "%d/%m/%Y %H:%M:%S.%f",
            "%A %d %B %Y %I:%M:%S.%f %p",
            "%Y-%jT%H:%M:%S.%f",
        ]
    ),
)
def test_what_strftime_writes_is_read(moment, format_):
    """To the microsecond, as ``datetime`` has it."""
    parts = TimeFormat.of(format_).parse(moment.strftime(format_))
    assert parts == (moment.replace(microsecond=0), f"{moment.microsecond:06}", None)


@given(st.text(max_size=30), st.sampled_from(["%Y%m%d", "%y%j", "%d.%m.%Y %H:%M:%S.%f %z"]))
def test_any_text_is_a_time_or_none(text, format_):
    """No error comes out, whatever the text."""
    TimeFormat.of(format_).parse(text)
