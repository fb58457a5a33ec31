"""A zone's clock shows most times once, some twice, and some never."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from include.ticklake.model.time_zones import ZoneName, to_utc, zone


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
