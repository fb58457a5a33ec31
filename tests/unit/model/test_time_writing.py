"""Times are written in a source's own format, so that nothing is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.model.time_formats import TimeFormat
from include.ticklake.model.time_writing import TimeWriter, instant

FORMATS = [
    "%Y-%m-%d %H:%M:%S.%f",
    "%d.%m.%y %I:%M %p",
    "%a, %d %b %Y %H:%M:%S %Z",
    "%Y%j",
    "%B %d %Y",
]
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31))  # noqa: DTZ001


@given(at=TIMES, text=st.sampled_from(FORMATS))
def test_what_is_written_reads_as_the_time_that_was_meant(at, text):
    """By the reader of records, which knows the same words."""
    writer = TimeWriter.of(text)
    local = writer.start(at.replace(tzinfo=UTC))
    read = TimeFormat.of(text).parse(writer.write(local, later=False))
    assert read
    assert read.clock == local.replace(microsecond=0)
    assert at - local < writer.step


@given(at=TIMES, text=st.sampled_from(FORMATS))
def test_a_start_is_not_later_and_an_end_is_not_earlier(at, text):
    """Each is the nearest time that the format can say."""
    writer, moment = TimeWriter.of(text), at.replace(tzinfo=UTC)
    start, end = writer.start(moment), writer.end(moment)
    assert start <= at <= end
    assert end - start in (timedelta(), writer.step)


@pytest.mark.parametrize(
    ("text", "step", "says_date"),
    [
        ("%Y-%m-%d", timedelta(days=1), True), ("%Y %j", timedelta(days=1), True),
        ("%Y", timedelta(days=1), False), ("%H", timedelta(hours=1), False),
        ("%m-%d %H:%M", timedelta(minutes=1), False),
        ("%y %b %d %I%p%f", timedelta(microseconds=1), True),
    ],
)  # fmt: skip
def test_a_format_is_as_fine_as_its_finest_word(text, step, says_date):
    """A day at most: a month has no length."""
    writer = TimeWriter.of(text)
    assert (writer.step, writer.says_date) == (step, says_date)


@pytest.mark.parametrize("text", ["%Q", "%", "100%", "%Y-%"])
def test_a_word_that_there_is_not_is_refused(text):
    """With those that there are."""
    with pytest.raises(ValueError, match="is not a word of a format: %Y %y %m"):
        TimeWriter.of(text)


def test_an_instant_is_to_the_microsecond():
    """Which is as fine as a format can be."""
    assert instant(1_795_323_600_123_456_789) == datetime(2026, 11, 22, 5, 0, 0, 123_456, UTC)
