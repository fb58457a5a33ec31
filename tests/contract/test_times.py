"""A time is read in one way, wherever it is read: extraction, conversion, SQL, the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from include.ticklake.convert.parse import record_parser
from include.ticklake.convert.parse.block_parser import BlockParser
from include.ticklake.convert.parse.blocks import Block
from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import table_schema
from include.ticklake.lake.table_schema import LakeSchema
from include.ticklake.model.record import Record
from include.ticklake.model.times import epoch_ns
from include.ticklake.model.window import Window, parse_instant, split_range
from include.ticklake.scaffold.infer_fields import infer_fields
from include.ticklake.sources.event_time import event_ns_of
from include.ticklake.sources.sql.rows import RowEncoder, columns
from include.ticklake.types.values import InvalidValueError
from tests.support.feed_texts import feed

HOUR = Window.parse("20261122T050000Z-20261122T060000Z")
DAY = Window.parse("20261122T000000Z-20261123T000000Z")
S = 10**9
FIVE_NS = HOUR.start_ns
HALF_PAST_NS = FIVE_NS + 1_800 * S

TEXTS: dict[str, int | None] = {
    "2026-11-22": DAY.start_ns,
    "2026-11-22T05": FIVE_NS,
    "2026-11-22T05Z": FIVE_NS,
    "2026-11-22 05+00": FIVE_NS,
    "2026-11-22T05:30": HALF_PAST_NS,
    "2026-11-22T05:30Z": HALF_PAST_NS,
    "2026-11-22 05:30": HALF_PAST_NS,
    "2026-11-22T05:30+00": HALF_PAST_NS,
    "2026-11-22T05:30+0000": HALF_PAST_NS,
    "2026-11-22T05:30+00:00": HALF_PAST_NS,
    "2026-11-22T05:30:00": HALF_PAST_NS,
    "2026-11-22T05:30:00Z": HALF_PAST_NS,
    "2026-11-22T05:30:00+00": HALF_PAST_NS,
    "2026-11-22 07:00:00+01:30": HALF_PAST_NS,
    "2026-11-21T23:30:00-06": HALF_PAST_NS,
    "2026-11-22t05:30:00z": HALF_PAST_NS,
    "20261122T053000Z": HALF_PAST_NS,
    "20261122T0530": HALF_PAST_NS,
    "2026-W47-7T05:30:00Z": HALF_PAST_NS,
    "2026-11-22T05:30:00.5Z": HALF_PAST_NS + 500_000_000,
    "2026-11-22T05:30:00,5Z": HALF_PAST_NS + 500_000_000,
    "2026-11-22T05:30:56.334Z": HALF_PAST_NS + 56_334_000_000,
    "2026-11-22T05:30:56.334320Z": HALF_PAST_NS + 56_334_320_000,
    "2026-11-22T05:30:56.3343201Z": HALF_PAST_NS + 56_334_320_100,
    "2026-11-22T05:30:56.334320128Z": HALF_PAST_NS + 56_334_320_128,
    "2026-11-22 05:30:56.334320128+00:00": HALF_PAST_NS + 56_334_320_128,
    "2026-11-22T05:30:56.334320128000Z": HALF_PAST_NS + 56_334_320_128,
    "2026-11-22T11:00:00.123456789+0530": HALF_PAST_NS + 123_456_789,
    "2026-326T05:30Z": HALF_PAST_NS,
    "2026W477T053000z": HALF_PAST_NS,
    "2026-11-22t05:30:00,250+00:00": HALF_PAST_NS + 250_000_000,
    "2026-11-21T24:00:00Z": DAY.start_ns,
    "2026-11-21T24:00:00.000": DAY.start_ns,
    "20261121T2400": DAY.start_ns,
    "2026-11-22T24:00:01Z": None,
    "2016-12-31T23:59:60Z": None,
    "2026-366": None,
    "2026326": None,
    "2026-11-22T05:30:00 Z": None,
    "2026-11-22T05:30:00 UTC": None,
    "2026-11-22T05:30:00 Europe/Paris": None,
    "Sun, 22 Nov 2026 05:30:00 GMT": None,
    "0000-00-00 00:00:00": None,
    "2026-13-22T05:30:00Z": None,
    "2026-02-30": None,
    "2026-11-22T05:30:60Z": None,
    "2026-11-22T05:3000Z": None,
    "2026-11-22T05:30+24:00": None,
    "2026-11": None,
    "22.11.2026 05:30": None,
    "now": None,
}

NUMBERS: list[tuple[str, str, int | None]] = [
    ("s", "1795325400", HALF_PAST_NS),
    ("s", "1795325400.5", HALF_PAST_NS + 500_000_000),
    ("s", "1.7953254e9", HALF_PAST_NS),
    ("ms", "1795325400123", HALF_PAST_NS + 123_000_000),
    ("ms", "1619093562050.3572", 1_619_093_562_050_357_200),
    ("ms", "1.795325400123E+12", HALF_PAST_NS + 123_000_000),
    ("us", "1795325400123456.789", HALF_PAST_NS + 123_456_789),
    ("ns", "1795325400123456789", HALF_PAST_NS + 123_456_789),
    ("ns", "1795325400123456789.000", HALF_PAST_NS + 123_456_789),
    ("float_s", "1795325400.123456789", HALF_PAST_NS + 123_456_789),
    ("s", "+1795325400", HALF_PAST_NS),
    ("s", "1795325400.", HALF_PAST_NS),
    ("s", "01795325400", HALF_PAST_NS),
    ("s", " 1795325400", None),
    ("s", "1_795_325_400", None),
    ("s", "1,795,325,400", None),
    ("s", "\uff11795325400", None),
    ("s", "NaN", None),
    ("ms", "1e999999999", None),
    ("ms", "0x1f", None),
]


FORMATS: list[tuple[str, str | None, str, int | None]] = [
    ("%Y%m%d", None, "20261122", DAY.start_ns),
    ("%Y%m%d", "America/New_York", "20261122", DAY.start_ns + 5 * 3_600 * S),
    ("%Y%m%d", None, "2026-11-22", None),
    ("%Y%m%d", None, "20261122.0", None),
    ("%Y%m%d", None, "2026112", None),
    ("%Y%m%d", None, "20260230", None),
    ("%Y%m%d%H%M", None, "202611220530", HALF_PAST_NS),
    ("%Y%m%d%H%M%S%f", None, "20261122053056334320128", HALF_PAST_NS + 56_334_320_128),
    ("%d/%m/%Y %H:%M", None, "22/11/2026 05:30", HALF_PAST_NS),
    ("%d/%m/%Y %H:%M", "Europe/Paris", "22/11/2026 6:30", HALF_PAST_NS),
    ("%d/%m/%Y %H:%M", "Europe/Paris", "29/03/2026 02:30", None),
    ("%d/%m/%Y %H:%M", "Europe/Paris", "25/10/2026 02:30", None),
    ("%d/%m/%Y %H:%M", None, "11/22/2026 05:30", None),
    ("%m/%d/%Y %I:%M:%S %p", None, "11/22/2026 5:30:00 AM", HALF_PAST_NS),
    ("%d-%b-%Y %H:%M %z", None, "22-NOV-2026 11:00 +0530", HALF_PAST_NS),
    ("%a, %d %b %Y %H:%M:%S %Z", None, "Sun, 22 Nov 2026 05:30:00 GMT", HALF_PAST_NS),
    ("%a, %d %b %Y %H:%M:%S %Z", None, "Mon, 22 Nov 2026 05:30:00 GMT", None),
    ("iso", "Europe/Paris", "2026-11-22 06:30", HALF_PAST_NS),
    ("iso", "Europe/Paris", "2026-11-22T06:30:00,5", HALF_PAST_NS + 500_000_000),
    ("iso", "Europe/Paris", "2026-11-22T05:30Z", HALF_PAST_NS),
    ("iso", "Europe/Paris", "2026-11-22T00:00-05:30", HALF_PAST_NS),
    ("iso", "Europe/Paris", "2026-03-29T02:30", None),
    ("iso", "Europe/Paris", "2026-10-25T02:30", None),
    ("iso", "Asia/Kolkata", "20261122T1100", HALF_PAST_NS),
]
"""A format or ISO 8601, a timezone, a text, and the time that it is."""


def is_json(text: str) -> bool:
    """Whether *text* is a JSON number."""
    try:
        return text == text.strip() and isinstance(
            json.loads(text, parse_constant=str), int | float
        )
    except ValueError:
        return False


def timed(unit: str, timezone: str | None = None) -> Feed:
    """A feed with one column, the event time, as fine as any; *unit* may be a format."""
    written = {"format" if "%" in unit else "unit": unit}
    field = {"type": "timestamp", "precision": "ns", "event_time": True, "timezone": timezone}
    return feed(fields={"at": field | written})


def extracted(value: str, unit: str, timezone: str | None = None) -> int | None:
    """As extraction reads it, to find its window."""
    return event_ns_of(timed(unit, timezone))(Record(f'{{"at":{value}}}'.encode()))


def converted(value: str, unit: str, timezone: str | None = None) -> int | None:
    """As conversion reads it for its column, alone; a whole block of it must be the same."""
    at_ns = converted_alone(value, unit, timezone)
    lines = f'{{"at":{value}}},\n'.encode() * 40
    parser = BlockParser(LakeSchema.of(timed(unit, timezone)))
    runs = list(parser.parse(Block(part="part", offset=1, text=lines, rows=40)))
    found = {at for run in runs for at in run.rows.column("at").cast(pa.int64()).to_pylist()}
    assert found == ({at_ns} if at_ns is not None else set())
    return at_ns


def converted_alone(value: str, unit: str, timezone: str | None) -> int | None:
    columns = table_schema.columns(timed(unit, timezone))
    try:
        row = record_parser.row(f'{{"at":{value}}}'.encode(), columns, raw={}, fetched_at_ms=None)
    except InvalidValueError:
        return None
    assert isinstance(row[0], int)
    return row[0]


def selected(text: str, unit: str = "iso", timezone: str | None = None) -> int | None:
    """As a query's text becomes a record, and that is extracted."""
    described = timed(unit, timezone)
    (column,) = columns(described, ["at"])
    encoder = RowEncoder(described, [replace(column, zone=ZoneInfo(timezone or "UTC"))])
    (record,) = encoder.encode([(text,)])
    return event_ns_of(described)(record)


def commanded(text: str) -> int | None:
    """As ``--start`` is read, which ends at the microsecond."""
    try:
        return epoch_ns(parse_instant(text))
    except UsageError:
        return None


def probed(text: str) -> str | None:
    """As ``probe`` guesses the field's type."""
    (field,) = infer_fields([{"at": text}]).fields
    return field.unit


@pytest.mark.parametrize(("text", "ns"), TEXTS.items(), ids=list(TEXTS))
def test_a_text_is_the_same_time_everywhere(text, ns):
    """One grammar: whoever reads the text reads the same nanosecond, or no time."""
    written = json.dumps(text)
    assert extracted(written, "iso") == ns
    assert converted(written, "iso") == ns
    assert selected(text) == ns
    assert commanded(text) == (None if ns is None else ns // 1_000 * 1_000)
    assert probed(text) == (None if ns is None else "iso")


@pytest.mark.parametrize(("unit", "text", "ns"), NUMBERS, ids=[text for _, text, _ in NUMBERS])
def test_a_number_is_the_same_time_everywhere(unit, text, ns):
    """As a JSON number or as text, with a fraction or an exponent: exactly."""
    written = [json.dumps(text), *([text] if is_json(text) else [])]
    assert {extracted(value, unit) for value in written} == {ns}
    assert {converted(value, unit) for value in written} == {ns}


@pytest.mark.parametrize(
    ("format_", "timezone", "text", "ns"), FORMATS, ids=[" ".join(map(str, f[:3])) for f in FORMATS]
)
def test_a_text_in_a_format_or_a_zone_is_the_same_time_everywhere(format_, timezone, text, ns):
    """As text, or as a number where it is one: 20261122."""
    written = [json.dumps(text), *([text] if is_json(text) else [])]
    for value in written:
        assert extracted(value, format_, timezone) == ns
        assert converted(value, format_, timezone) == ns
    assert selected(text, format_, timezone) == ns


@pytest.mark.parametrize(
    ("unit", "value"),
    [("iso", '"2026-11-22T05:30:56.3343201281Z"'), ("ms", "1795325400123.1234567")],
)
def test_what_is_finer_than_a_nanosecond_is_quarantined(unit, value):
    """No column holds it, and nothing is cut: its window is known, its record is refused."""
    assert extracted(value, unit) is not None
    with pytest.raises(InvalidValueError, match="is finer than a nanosecond"):
        record_parser.row(
            f'{{"at":{value}}}'.encode(), table_schema.columns(timed(unit)), raw={},
            fetched_at_ms=None,
        )  # fmt: skip


@pytest.mark.parametrize("digits", ["0000001", "000000001", "0000000001"])
def test_a_range_that_ends_just_after_a_second_includes_the_next(digits):
    """A datetime ends at the microsecond, but no window is lost to that."""
    end = parse_instant(f"2026-11-22T06:00:00.{digits}Z")
    windows = list(split_range(HOUR.start, end, length=timedelta(hours=1)))
    assert [window.name for window in windows] == [HOUR.name, "20261122T060000Z-20261122T070000Z"]
    start = parse_instant(f"2026-11-22T05:59:59.9{digits}Z")
    assert next(split_range(start, end, length=timedelta(hours=1))) == HOUR
