"""A date is a day and nothing else, read by Arrow as it is one at a time."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime

import pytest

from include.ticklake.convert.parse import record_parser
from include.ticklake.lake.table_schema import LakeSchema
from include.ticklake.model.text_times import TextTimes
from include.ticklake.sources.sql import rows as sql_rows
from include.ticklake.sources.sql.rows import RowEncoder
from include.ticklake.types.date import DateType
from include.ticklake.types.field_type import TimeLimits
from include.ticklake.types.reading import Kind
from include.ticklake.types.values import InvalidValueError, NumberText
from tests.support import sql_feeds

LIMITS = TimeLimits(years=(2009, 2100), first_s=0, end_s=2**40, is_event_time=False)
DAY_ONE = date(1970, 1, 1).toordinal()


def days(value: object) -> int:
    """The days since 1970 of *value*."""
    return DateType().parse_value(value, LIMITS)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-22", date(2026, 11, 22)),
        ("20261122", date(2026, 11, 22)),
        ("0001-01-01", date.min),
        ("9999-12-31", date.max),
        ("2024-02-29T00:00:00Z", date(2024, 2, 29)),
        ("2026-11-22 00:00", date(2026, 11, 22)),
        ("2026-11-22T00:00:00.000+00:00", date(2026, 11, 22)),
    ],
)
def test_a_day_is_read_as_iso_text(text, day):
    """Also with a time, where that is midnight in UTC."""
    assert days(text) == day.toordinal() - DAY_ONE


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("2026-11-22T00:00:01Z", "has a time of day, which a date does not hold"),
        ("2026-11-22T00:00:00.001Z", "has a time of day, which a date does not hold"),
        ("2026-11-22T00:00:00+02:00", "has a time of day, which a date does not hold"),
        ("2026-02-30", "is not an ISO 8601 date"),
        ("22.11.2026", "is not an ISO 8601 date"),
        ("0000-01-01", "is not an ISO 8601 date"),
        (NumberText("20261122"), "is not an ISO 8601 date"),
        (NumberText("20779"), "is not an ISO 8601 date"),
        (True, "is not an ISO 8601 date"),
        ([], "is not an ISO 8601 date"),
    ],
)
def test_what_is_more_or_less_than_a_day_is_refused(value, reason):
    """A number does not say what it counts; midnight elsewhere is another day in UTC."""
    with pytest.raises(InvalidValueError, match=reason):
        days(value)


def test_the_kernel_reads_iso_dates():
    """Those in another format it only finds."""
    assert DateType().reading(LIMITS).kind == Kind.ISO_DATE
    assert DateType(TextTimes("%Y%m%d")).reading(LIMITS).kind == Kind.TOKEN


def test_nothing_widens_to_a_date():
    """A text or a time may hold more than a day."""
    assert DateType().widens_from("date", LIMITS)
    for old in ("string", "timestamp[ms]", "int64"):
        assert not DateType().widens_from(old, LIMITS)


def test_a_querys_dates_become_days():
    """And its timestamps where they are midnight in UTC."""
    described = sql_feeds.feed(fields={"value": {"type": "date"}})
    encoder = RowEncoder(described, sql_rows.columns(described, ["id", "at", "value"]))
    at, day = sql_feeds.HOUR.start, date(2026, 11, 22)
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    records = encoder.encode([(1, at, day), (2, at, midnight), (3, at, None), (4, at, at)])
    columns = LakeSchema.of(described).columns
    found = []
    for record in records:
        with suppress(InvalidValueError):
            row = record_parser.row(bytes(record), columns, raw={}, fetched_at_ms=None)
            found.append((row[0], row[2]))
    assert found == [(1, 20_779), (2, 20_779), (3, None)]
