"""What a value in a record means, and for what reason one is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.ticklake.convert.parse import record_parser
from include.ticklake.convert.parse.raw_json import RawColumn
from include.ticklake.errors import FeedFileError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import table_schema
from include.ticklake.model.window import Window
from include.ticklake.types.values import InvalidValueError, Value

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")
AT_MS = WINDOW.start_ms


AT = {"at": {"type": "timestamp", "unit": "ms", "event_time": True}}


def feed(fields: dict[str, dict[str, object]], **more: object) -> Feed:
    """A feed with *fields*."""
    source = {"kind": "http", "base_url": "https://api.example.com", "path": "/"}
    return Feed.model_validate({"name": "made_up", "source": source, "fields": fields, **more})


COLUMNS = table_schema.columns(feed(AT), window=WINDOW)


def meaning(member: str, **field: object) -> Value:
    """The value of the column ``v`` in a record with *member*."""
    columns = table_schema.columns(feed({"v": field, **AT}), window=WINDOW)
    raw = {c.name: RawColumn(c.path) for c in columns if c.field_type.is_raw_json}
    record = f'{{"at":{AT_MS}, {member}}}'.encode(errors="surrogateescape")
    value, at_ms = record_parser.row(record, columns, raw=raw, fetched_at_ms=None)
    assert at_ms == AT_MS
    return value


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int64", "7", 7),
        ("int64", '"7"', 7),
        ("int64", "-9223372036854775808", -(2**63)),
        ("int64", '"+07"', 7),
        ("int64", "7.00", 7),
        ("int64", "7e2", 700),
        ("int64", '""', None),
        ("int64", "null", None),
        ("decimal(10,2)", '"0.10"', Decimal("0.10")),
        ("decimal(10,2)", "99999999.99", Decimal("99999999.99")),
        ("decimal(10,2)", '"1.5000"', Decimal("1.50")),
        ("decimal(10,2)", "1e-2", Decimal("0.01")),
        ("decimal(10,2)", "1E+7", Decimal(10**7)),
        ("decimal(10,2)", "0e-400", Decimal(0)),
        ("decimal(10,2)", "-0.0", Decimal(0)),
        ("decimal(10,2)", '""', None),
        ("decimal(76,38)", "1" * 38 + "." + "2" * 38, Decimal("1" * 38 + "." + "2" * 38)),
        ("string", '""', ""),
        ("string", r'"\u20ac\ud83d\ude00\u0000"', "€😀\0"),
        ("bool", "true", True),
        ("bool", "null", None),
        ("json", '{"b" : [1.50, 2e999]}', '{"b" : [1.50, 2e999]}'),
        ("json", "null", None),
        ("json", '""', '""'),
        ("json", r'"\u0041"', r'"\u0041"'),
        ("json", r'"\uD83d"', r'"\uD83d"'),
        ("json", '1, "v": 2', "2"),
    ],
)
def test_a_value_is_taken_with_every_digit(kind, text, value):
    """Numbers are the same as numbers and as text; an empty text is no number."""
    found = meaning(f'"v":{text}', type=kind)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("unit", "text", "instant"),
    [
        ("s", "1795323600", 1795323600_000),
        ("ms", '"1795323600123"', 1795323600_123),
        ("us", "1795323600123456", 1795323600_123456),
        ("ns", '"1795323600123456789"', 1795323600_123456789),
        ("float_s", "1795323600.1234567", 1795323600_123456700),
        ("float_s", "1.7953236e9", 1795323600_000000000),
        ("iso", '"2026-11-22T05:00:00.123456Z"', 1795323600_123456000),
        ("iso", '"2026-11-22T05:00:00.123456789Z"', 1795323600_123456789),
        ("iso", '"2026-11-22T06:30:00+01:30"', 1795323600_000000000),
        ("iso", '"2026-11-22 05:00:00.123456000"', 1795323600_123456000),
        ("iso", '"2026-11-22"', 1795305600_000000000),
        ("iso", '""', None),
        ("ms", "0", 0),
        ("us", "86400000000", 86400_000000),
        ("iso", '"1970-01-02T00:00:00Z"', 86400_000000000),
    ],
)
def test_a_time_is_an_integer_in_the_unit_of_the_lake(unit, text, instant):
    """Seconds become milliseconds, float seconds and ISO nanoseconds; all exact."""
    assert meaning(f'"v":{text}', type="timestamp", unit=unit) == instant


@pytest.mark.parametrize(
    ("field", "member", "reason"),
    [
        ({"type": "int64"}, '"v":1.5', "v: 1.5 has more digits after the point than int64 holds"),
        ({"type": "int64"}, '"v":9223372036854775808',
         "v: 9223372036854775808 is too large for int64"),
        ({"type": "int64"}, '"v":true', "v: true is not a number"),
        ({"type": "int64"}, '"v":{"a":1}', "v: an object is not a number"),
        ({"type": "int64"}, '"v":[1]', "v: an array is not a number"),
        ({"type": "int64"}, '"v":"1_0"', 'v: "1_0" is not a number'),
        ({"type": "int64"}, '"v":"' + "x" * 99 + '"', 'v: "' + "x" * 39 + "... is not a number"),
        ({"type": "int64", "key": True}, '"w":1', "v: there is no value at 'v'"),
        ({"type": "int64", "key": True}, '"v":""', "v: there is no value at 'v'"),
        ({"type": "string", "required": True}, '"v":null', "v: there is no value at 'v'"),
        ({"type": "int64"}, '"v":1,"v":1', "'v' occurs 2 times"),
        ({"type": "int64", "from": "a.b"}, '"a":5', "'a' is 5, not an object"),
        ({"type": "int64", "from": "a.b"}, '"a":{"b":1,"b":1}', "'a.b' occurs 2 times"),
        ({"type": "decimal(4,2)"}, '"v":100', "v: 100 is too large for decimal(4,2)"),
        ({"type": "decimal(4,2)"}, '"v":"1.005"',
         'v: "1.005" has more digits after the point than decimal(4,2) holds'),
        ({"type": "decimal(4,2)"}, '"v":1e999999999999',
         "v: 1e999999999999 is too large for decimal(4,2)"),
        ({"type": "decimal(4,2)"}, '"v":1e-99999999999999999999',
         "v: 1e-99999999999999999999 has an exponent out of range"),
        ({"type": "decimal(4,2)"}, '"v":NaN', "not JSON: NaN is not a number"),
        ({"type": "decimal(4,2)"}, '"v":"NaN"', 'v: "NaN" is not a number'),
        ({"type": "string"}, '"v":5', "v: 5 is not a string"),
        ({"type": "string"}, r'"v":"\ud800"', r'v: "\ud800" is not text: half of a surrogate pair'),
        ({"type": "string"}, '"v":"\udcff"', "not UTF-8 at byte 26"),
        ({"type": "string"}, '"v":"\x01"',
         "not JSON: Invalid control character at at character 26"),
        ({"type": "bool"}, '"v":"yes"', 'v: "yes" is not a bool'),
        ({"type": "timestamp", "unit": "ms"}, '"v":"soon"', 'v: "soon" is not a number'),
        ({"type": "timestamp", "unit": "ms"}, '"v":9e18',
         "v: 9e18 in ms is more than a timestamp can hold"),
        ({"type": "timestamp", "unit": "us"}, '"v":1795323600000',
         "v: 1795323600000 in us lies at the beginning of 1970: has the source's unit changed? "
         "in ms it is 2026-11-22T05:00:00.000000Z"),
        ({"type": "timestamp", "unit": "ms"}, '"v":"1795323600000000"',
         'v: "1795323600000000" in ms is more than a timestamp can hold: has the source\'s unit '
         "changed? in us it is 2026-11-22T05:00:00.000000Z"),
        ({"type": "timestamp", "unit": "iso"}, '"v":"2026-13-01"',
         'v: "2026-13-01" is not an ISO 8601 time'),
        ({"type": "timestamp", "unit": "iso"}, '"v":5', "v: 5 is not an ISO 8601 time"),
        ({"type": "timestamp", "unit": "iso"}, '"v":"2026-11-22T05:00:00.0000000001Z"',
         'v: "2026-11-22T05:00:00.0000000001Z" is finer than a nanosecond'),
        ({"type": "timestamp", "unit": "iso"}, '"v":"2026-11-22T05:00:00+25:00"',
         'v: "2026-11-22T05:00:00+25:00" is not an ISO 8601 time'),
        ({"type": "timestamp", "unit": "iso"}, '"v":"9999-12-31"',
         'v: "9999-12-31" lies outside the years 1677 to 2262 of nanoseconds; '
         "set `precision: us` in the field"),
        ({"type": "timestamp", "unit": "float_s"}, '"v":1.0000000001',
         "v: 1.0000000001 is finer than a nanosecond"),
        ({"type": "json"}, '"v":' + "[" * 100_000 + "]" * 100_000,
         "nested too deep: more than 500 levels"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_with_its_reason(field, member, reason):
    """The reason names the field and shows the beginning of the value; nothing is rounded."""
    with pytest.raises(InvalidValueError) as refused:
        meaning(member, **field)
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("unit", "precision", "text", "message"),
    [
        ("iso", "us", '"2026-11-22T05:00:00.0000001Z"',
         'fields.v: "2026-11-22T05:00:00.0000001Z" is '
         "finer than a microsecond, the precision of its column; add `precision: ns` to the field"),
        ("ms", None, "1795323600000.25",
         "fields.v: 1795323600000.25 is finer than a millisecond, the "
         "precision of its column; add `precision: us` to the field"),
    ],
)  # fmt: skip
def test_a_time_finer_than_its_column_is_the_feeds_mistake(unit, precision, text, message):
    """The record is right, so it is not quarantined: the line to add is named."""
    with pytest.raises(FeedFileError) as error:
        meaning(f'"v":{text}', type="timestamp", unit=unit, precision=precision)
    assert str(error.value).startswith(message)
    assert meaning(f'"v":{text}', type="timestamp", unit=unit, precision="ns") is not None


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (AT_MS - 1, "lies outside the window"),
        (AT_MS + 3_600_000, "lies outside the window"),
        (AT_MS * 1000, "in ms lies outside the years 2009 to 2100: has the source's unit changed? "
         "in us it is 2026-11-22T05:00:00.000000Z"),
        (AT_MS // 1000, "in ms lies outside the years 2009 to 2100: has the source's unit changed? "
         "in s it is 2026-11-22T05:00:00.000000Z"),
        (0, "in ms lies outside the years 2009 to 2100"),
        (4102444800000 + 365 * 86_400_000, "in ms lies outside the years 2009 to 2100"),
    ],
)  # fmt: skip
def test_an_event_outside_the_window_is_refused(at, reason):
    """A time in another unit than the feed says is called that."""
    with pytest.raises(InvalidValueError) as refused:
        record_parser.row(f'{{"at":{at}}}'.encode(), COLUMNS, raw={}, fetched_at_ms=None)
    assert str(refused.value) == f"at: {at} {reason}"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"[1]", "the record is an array, not an object"),
        (b"null", "the record is null, not an object"),
        (b'"x"', 'the record is "x", not an object'),
        (b"", "not JSON: Expecting value at character 0"),
        (b'{"at":1', "not JSON: Expecting ',' delimiter at character 7"),
        (b'{"at":1} {}', "not JSON: Extra data at character 9"),
        (b'\xef\xbb\xbf{"at":1}',
         "not JSON: Expecting value at character 0"),
    ],
)  # fmt: skip
def test_a_record_that_is_no_object_is_refused(record, reason):
    """What stands where a record should be is named."""
    with pytest.raises(InvalidValueError) as refused:
        record_parser.row(record, COLUMNS, raw={}, fetched_at_ms=None)
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("v.0", "[1.50]", Decimal("1.50")),
        ("v.1.0", '[[1], ["2.50"]]', Decimal("2.50")),
        ("v.0.p", '[{"p": 3}]', Decimal(3)),
        ("v.0", '{"0": 4}', Decimal(4)),
        ("v.1", "[1]", None),
        ("v.0.1", "[null]", None),
        ("v.0", "[]", None),
    ],
)
def test_an_element_of_an_array_has_its_position(path, text, value):
    """From 0; a number is a name where there is an object."""
    assert meaning(f'"v": {text}', **{"from": path, "type": "decimal(10,2)"}) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("5", "'v' is 5, not an object"),
        ("[5]", "'v.0' is 5, not an object"),
        ('[{"1": 1, "1": 2}]', "'v.0.1' occurs 2 times"),
    ],
)
def test_what_has_no_element_is_refused(text, reason):
    """With the part of the path that is another value."""
    with pytest.raises(InvalidValueError, match=reason):
        meaning(f'"v": {text}', **{"from": "v.0.1", "type": "decimal(10,2)"})


def test_the_time_of_fetching_is_not_read_from_the_record():
    """A snapshot's event time is the manifest's, also where the record has such a name."""
    fields = {"at": {"from": "$fetched_at", "type": "timestamp", "event_time": True}}
    columns = table_schema.columns(feed(fields, snapshot=True), window=WINDOW)
    assert record_parser.row(b'{"at":1,"$fetched_at":2}', columns, raw={}, fetched_at_ms=7) == [7]
