"""A zone's clock shows most times once, some twice, and some never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from include.ticklake.model.time_zones import ZoneName, fixed_offset, to_utc, zone


@pytest.mark.parametrize(
    ("clock", "instant"),
    [
        ("2026-11-22T06:30", "2026-11-22T05:30"),
        ("2026-07-01T06:30", "2026-07-01T04:30"),
        ("2026-03-29T01:59:59", "2026-03-29T00:59:59"),
        ("2026-03-29T02:00", None),
        ("2026-03-29T02:59:59", None),
        ("2026-03-29T03:00", "2026-03-29T01:00"),
        ("2026-10-25T01:59:59", "2026-10-24T23:59:59"),
        ("2026-10-25T02:00", None),
        ("2026-10-25T02:59:59", None),
        ("2026-10-25T03:00", "2026-10-25T02:00"),
    ],
)
def test_a_clock_that_shows_a_time_once_says_when(clock, instant):
    """Twice at the end of summer time, and never at its beginning: then nobody knows."""
    expected = datetime.fromisoformat(instant).replace(tzinfo=UTC) if instant else None
    assert to_utc(datetime.fromisoformat(clock), zone("Europe/Paris")) == expected


def test_the_ends_of_the_calendar_are_no_error():
    """East of Greenwich the first year begins before the calendar does."""
    assert to_utc(datetime.min, zone("Asia/Tokyo")) is None  # noqa: DTZ901
    assert to_utc(datetime.max, zone("America/Lima")) is None  # noqa: DTZ901


@pytest.mark.parametrize("name", ["Europe/Pari", "", "../etc/passwd", "+01:00"])
def test_only_known_zones_are_zones(name):
    """An offset is none: it would be wrong for half a year."""
    with pytest.raises(ValidationError, match="is not a time zone, such as Europe/Berlin"):
        TypeAdapter(ZoneName).validate_python(name)
    assert TypeAdapter(ZoneName).validate_python("Europe/Paris") == "Europe/Paris"


@pytest.mark.parametrize(
    ("name", "hours"),
    [("Asia/Seoul", 9), ("Asia/Kolkata", 5.5), ("UTC", 0), ("Etc/GMT+5", -5),
     ("Europe/Berlin", None), ("America/New_York", None), ("Europe/Moscow", None)],
)  # fmt: skip
def test_a_clock_that_nobody_changes_has_one_offset(name, hours):
    """Neither twice a year, nor once by a law."""
    expected = None if hours is None else timedelta(hours=hours)
    assert fixed_offset(name) == expected
