"""Windows tile the time line: every instant lies in exactly one of them, under one name."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import UsageError
from include.ticklake.model.window import Window, parse_instant, split_range

FIVE = datetime(2026, 11, 22, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)

SECONDS = st.integers(-30_610_224_000, 253_402_300_799 - 86_400)
MOMENTS = SECONDS.map(lambda s: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
RECENT = st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
LENGTHS = st.integers(1, 40 * 86_400).map(lambda s: timedelta(seconds=s))


@given(
    start=RECENT, more=st.timedeltas(timedelta(microseconds=1), timedelta(days=40)), data=st.data()
)
def test_cutting_covers_the_interval_without_gaps(start, more, data):
    """Windows follow each other, are aligned to 1970, and none is outside what was asked for."""
    length = data.draw(st.integers(max(1, int(more.total_seconds()) // 50), 40 * 86_400))
    end, length = start + more, timedelta(seconds=length)
    windows = list(split_range(start, end, length=length))
    assert windows[0].start <= start < windows[0].end
    assert windows[-1].start < end <= windows[-1].end
    for before, after in pairwise(windows):
        assert before.end == after.start
    for window in windows:
        assert window.end - window.start == length
        assert (window.start - datetime(1970, 1, 1, tzinfo=UTC)) % length == timedelta(0)


@given(start=RECENT, length=LENGTHS, more=st.timedeltas(timedelta(seconds=1), timedelta(days=2)))
def test_an_instant_lies_in_the_same_window_however_it_was_asked_for(start, length, more):
    """Asking for a longer interval does not move the windows."""
    [alone] = split_range(start, start + timedelta(microseconds=1), length=length)
    longer = split_range(start, start + more, length=length)
    assert next(longer) == alone


@given(start=MOMENTS, length=LENGTHS)
def test_a_name_leads_back_to_its_window(start, length):
    """In every year of four digits."""
    window = Window(start, start + min(length, timedelta(days=1)))
    assert len(window.name) == 33
    assert Window.parse(window.name) == window


@given(one=MOMENTS, other=MOMENTS)
def test_names_sort_by_time(one, other):
    """A listing of objects is in the order of time."""
    first, second = Window(one, one + HOUR), Window(other, other + HOUR)
    assert (first.name < second.name) == (first < second)


def test_a_window_of_an_hour():
    """Its name, and its bounds in milliseconds: the end is the first instant after it."""
    window = Window(FIVE, FIVE + HOUR)
    assert window.name == "20261122T050000Z-20261122T060000Z"
    assert (window.start_ms, window.end_ms) == (1_795_323_600_000, 1_795_327_200_000)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(FIVE, FIVE, id="no length"),
        pytest.param(FIVE + HOUR, FIVE, id="backwards"),
        pytest.param(FIVE.replace(tzinfo=None), FIVE + HOUR, id="no time zone"),
        pytest.param(FIVE, (FIVE + HOUR).astimezone(timezone(HOUR)), id="not UTC"),
        pytest.param(FIVE.replace(microsecond=1), FIVE + HOUR, id="within a second"),
    ],
)
def test_what_is_no_window_is_refused(start, end):
    """Both ends are whole seconds in UTC, in this order."""
    with pytest.raises(UsageError, match="window"):
        Window(start, end)


@pytest.mark.parametrize(
    "name",
    [
        "", "-", "x", "20261122T050000Z", "20261122T050000Z-", "20261122T050000-20261122T060000",
        "20261122T050000Z-20261122T060000Z.json", "20261132T050000Z-20261122T060000Z",
        "2026112T050000Z-20261122T060000Z", "20261122T05000Z-20261122T060000Z",
        " 20261122T050000Z-20261122T060000Z", "20261122T060000Z-20261122T050000Z",
    ],
)  # fmt: skip
def test_what_is_no_name_of_a_window_is_refused(name):
    """The message shows how one is written; a window has one name only."""
    with pytest.raises(UsageError, match="window"):
        Window.parse(name)


@given(st.text(alphabet="0123456789TZ-", min_size=20, max_size=36))
def test_any_text_is_the_name_of_a_window_or_refused(text):
    """Nothing that is read as a window has another name than the one it was read from."""
    try:
        window = Window.parse(text)
    except UsageError:
        return
    assert window.name == text


def test_bounds_are_numbers_too():
    """Milliseconds and nanoseconds since 1970, exactly."""
    window = Window(FIVE, FIVE + HOUR)
    assert (window.start_ms, window.end_ms) == (1_795_323_600_000, 1_795_327_200_000)
    assert (window.start_ns, window.end_ns) == (window.start_ms * 10**6, window.end_ms * 10**6)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2026-11-22T05:00:00Z", FIVE, id="UTC"),
        pytest.param("2026-11-22T05:00", FIVE, id="no offset is UTC"),
        pytest.param("2026-11-22T06:30:00+01:30", FIVE, id="an offset"),
        pytest.param("2026-11-22", FIVE.replace(hour=0), id="a date"),
        pytest.param("20261122T050000Z", FIVE, id="basic format"),
    ],
)
def test_times_are_read_as_utc(text, moment):
    """ISO 8601 in its usual forms."""
    assert parse_instant(text) == moment
    assert parse_instant(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text", ["", "now", "2026-13-01", "05:00", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"]
)
def test_what_is_no_time_is_refused(text):
    """Also what an offset leads out of the calendar."""
    with pytest.raises(UsageError, match="is not a time; write it as 2026-11-22T05:00:00Z"):
        parse_instant(text)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_refused(text):
    """No other error comes out."""
    with suppress(UsageError):
        assert parse_instant(text).utcoffset() == timedelta(0)


def test_cutting_nothing_is_refused():
    """An empty interval is a mistake of the caller, not an empty plan."""
    with pytest.raises(UsageError, match="is not after start"):
        next(split_range(FIVE, FIVE, length=HOUR))


def test_windows_end_with_the_calendar():
    """The last hour of the year 9999 has no end that could be written."""
    with pytest.raises(UsageError, match="years 1 to 9999"):
        list(
            split_range(
                parse_instant("9999-12-31T22:30"), parse_instant("9999-12-31T23:30"), length=HOUR
            )
        )


def test_windows_are_made_one_at_a_time():
    """An interval of centuries is not a list of millions in memory."""
    windows = split_range(
        parse_instant("1000-01-01"), parse_instant("9999-12-31"), length=timedelta(seconds=1)
    )
    assert next(windows).name == "10000101T000000Z-10000101T000001Z"
