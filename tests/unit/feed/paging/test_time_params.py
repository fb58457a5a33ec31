"""Paging by time asks in whatever form the source takes, and for no less than is meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from pydantic import ValidationError

from include.ticklake.feed.paging.time_params import TimeParams
from include.ticklake.model.times import epoch_ns
from include.ticklake.model.window import Window
from tests.support.paging import SIZES, UNIQUE, WINDOW, PageAnswer, check, paging, records

AT_NS = 1_795_323_600_123_456_789


@pytest.mark.parametrize(
    ("times", "start", "included", "excluded"),
    [
        (TimeParams("s"), 1_795_323_600, 1_795_323_600, 1_795_323_601),
        (TimeParams("min"), 29_922_060, 29_922_060, 29_922_061),
        (TimeParams("float_s"), Decimal("1795323600.123456789"), Decimal("1795323600.123456789"),
         Decimal("1795323600.123456790")),
        (TimeParams("iso"), "2026-11-22T05:00:00.123Z", "2026-11-22T05:00:00.123Z",
         "2026-11-22T05:00:00.124Z"),
        (TimeParams("ms", "%Y-%m-%d"), "2026-11-22", "2026-11-22", "2026-11-23"),
        (TimeParams("ms", "%d.%m.%Y %H:%M"), "22.11.2026 05:00", "22.11.2026 05:00",
         "22.11.2026 05:01"),
        (TimeParams("ms", "%Y%m%d %H:%M", "Asia/Kolkata"), "20261122 10:30", "20261122 10:30",
         "20261122 10:31"),
        (TimeParams("ms", "%Y%m%d%H", "Asia/Kolkata"), "2026112210", "2026112210", "2026112211"),
        (TimeParams("ms", "%Y-%m-%d", "Asia/Seoul"), "2026-11-22", "2026-11-22", "2026-11-23"),
        (TimeParams("ms", "%Y-%m-%dT%H:%M%z", "Europe/Berlin"), "2026-11-22T06:00+0100",
         "2026-11-22T06:00+0100", "2026-11-22T06:01+0100"),
    ],
)  # fmt: skip
def test_times_are_written_as_the_source_takes_them(times, start, included, excluded):
    """An end that is inclusive is the instant itself, another one the next."""
    at = times.of(AT_NS)
    assert times.start(at) == start
    assert times.end(at, is_inclusive=True) == included
    assert times.end(at, is_inclusive=False) == excluded


@given(times=UNIQUE, size=SIZES)
@pytest.mark.parametrize(
    ("form", "offset"),
    [
        ({"unit": "iso"}, "+00:00"),
        ({"format": "%Y-%m-%dT%H:%M:%S.%f"}, "+00:00"),
        ({"format": "%Y-%m-%dT%H:%M:%S.%f", "timezone": "Asia/Kolkata"}, "+05:30"),
    ],
    ids=str,
)
@pytest.mark.parametrize("end", ["inclusive", "exclusive"])
@pytest.mark.parametrize("kind", ["time_forward", "time_backward"])
def test_pages_by_texts_lose_no_record(kind, end, form, offset, times, size):
    """Every record once, and from every cursor on the rest."""
    rows, page_rows = records(times), size + 1

    def read(text: object) -> int:
        written = str(text).removesuffix("Z") + offset
        return epoch_ns(datetime.fromisoformat(written).astimezone(UTC))

    def source(request) -> PageAnswer:
        first, last = read(request.params["from"]), read(request.params["to"])
        last -= end == "exclusive"
        found = [row for row in rows if first <= row["t"] * 10**6 <= last]
        return PageAnswer(
            rows=found[:page_rows] if kind == "time_forward" else found[-page_rows:][::-1]
        )

    check(paging(kind, start_param="from", end_param="to", end=end, **form), source, rows)


def test_a_window_shorter_than_an_instant_is_asked_for_whole():
    """An hour, of a source that knows days: the day; its other hours are dropped."""
    style = paging("time_steps", start_param="from", end_param="to", format="%Y-%m-%d", step="1d")
    request = next(style.pages(WINDOW))
    assert request.params == {"from": "2026-11-22", "to": "2026-11-22"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "iso", "format": "%Y-%m-%d"}, "remove it, or unit"),
        ({"format": "%H:%M"}, "a time needs a year, a month and a day"),
        ({"format": "%Q"}, "'%Q' is not a word of a format"),
        ({"format": "%Y-%m-%d"}, "shorter than what the time parameters can tell apart"),
    ],
)
def test_times_that_cannot_be_asked_for_are_refused(options, message):
    """When the feed is read."""
    with pytest.raises(ValidationError, match=message):
        paging("time_steps", start_param="a", end_param="b", step="1h", **options)


def test_the_hours_of_a_day_in_a_zone_are_asked_for_by_that_day():
    """15:00 to 16:00 UTC is the first hour of the next day in Seoul, and of that day only."""
    days = TimeParams("ms", "%Y-%m-%d", "Asia/Seoul")
    start = datetime(2026, 11, 22, 15, tzinfo=UTC)
    first, stop = days.bounds(Window(start, start + timedelta(hours=1)))
    assert stop - first == 1
    assert (days.start(first), days.end(first, is_inclusive=True)) == ("2026-11-23", "2026-11-23")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timezone": "Asia/Seoul"}, "is for times in a format; write one, or remove it"),
        ({"timezone": "Asia/Soul", "format": "%Y%m%d"}, "'Asia/Soul' is not a time zone"),
        ({"timezone": "Asia/Seoul", "format": "%Y%m%d %Z"}, "%Z says UTC, whatever the zone"),
        ({"timezone": "Europe/Berlin", "format": "%Y%m%d %H"}, "shows an hour twice; write %z"),
        ({"timezone": "Europe/Berlin", "format": "%Y%m%d %z"}, "shows an hour twice; write %z"),
    ],
    ids=str,
)
def test_a_zone_of_which_no_instant_is_clear_is_refused(options, message):
    """And one without times that it could be the clock of."""
    with pytest.raises(ValidationError, match=message):
        paging("time_forward", start_param="from", **options)
