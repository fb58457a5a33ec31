"""Times are read exactly, in integers, whatever way a source writes them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.ticklake.feed.feed import Feed
from include.ticklake.model.record import Record
from include.ticklake.model.times import parse_ns
from include.ticklake.sources.event_time import event_ns_of, event_times_of
from tests.support.feed_texts import feed
from tests.support.json_texts import NUMBERS

UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1, "float_s": 10**9}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_NS = -62_135_596_800 * 10**9  # year 1
END_NS = 253_402_300_800 * 10**9  # year 10000

INSTANTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001
PLAUSIBLE = st.builds(
    "{}.{}".format,
    st.integers(-(10**12), 10**19),
    st.text("0123456789", min_size=1, max_size=60),
)


def timed(unit: str | list[str], *, path: str = "T") -> Feed:
    """A feed whose event time is at *path*."""
    field = {"from": path, "type": "timestamp", "unit": unit, "event_time": True}
    return feed(fields={"at": field})


def read(text: str, *, unit: str) -> int | None:
    """The event time of a record that has the JSON *text* as its time."""
    record = Record(b'{"a":{"T":1},"T":%b,"z":[1]}' % text.encode())
    return event_ns_of(timed(unit))(record)


def exactly(number: str, *, unit: str) -> int | None:
    """The same by fractions: slow, and without any limit of digits."""
    if abs(int((number.upper() + "E0").split("E")[1])) > 400:  # fractions would write it out
        value = Fraction(0) if not Decimal(number) else None
        if value is None and "-" in number.upper().partition("E")[2]:
            value = Fraction(-1 if number.startswith("-") else 1, 10**400)
    else:
        value = Fraction(number)
    if value is None:
        return None
    at_ns = value * UNITS[unit] // 1
    return at_ns if FIRST_NS <= at_ns < END_NS else None


@pytest.mark.parametrize("unit", UNITS)
@given(number=NUMBERS | PLAUSIBLE | st.integers(0, 2 * 10**18).map(str))
@example(number="1534614056.99999999999999999999999999999999")
@example(number="1577836800000.0")
@example(number="1.5778368e12")
@example(number="253402300799.999999999999")
@example(number="253402300800")
@example(number="-0.0000000000001")
@example(number="0e999999")
@example(number="1e-999999999")
@example(number="-1e-999999999")
def test_numbers_agree_with_fractions(unit, number):
    """As a number or as a string, with any number of digits: rounded down to a nanosecond."""
    expected = exactly(number, unit=unit)
    assert read(number, unit=unit) == expected
    assert read(f'"{number}"', unit=unit) == expected
    assert parse_ns(Decimal(number), unit=unit) == expected


@given(
    moment=INSTANTS,
    fraction=st.text("0123456789", max_size=15),
    offset_minutes=st.integers(-14 * 60, 14 * 60),
    colon=st.booleans(),
    between=st.sampled_from("T "),
)
def test_iso_times_agree_with_datetime(moment, fraction, offset_minutes, colon, between):
    """Any offset, any number of digits behind the second, cut at the nanosecond."""
    local = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset_minutes)))
    sign, minutes = "-" if offset_minutes < 0 else "+", abs(offset_minutes)
    offset = f"{sign}{minutes // 60:02}{':' if colon else ''}{minutes % 60:02}"
    text = f"{local:%Y-%m-%d}".zfill(10) + f"{between}{local:%H:%M:%S}"
    text += f".{fraction}{offset}" if fraction else offset
    seconds = (local - EPOCH) // timedelta(seconds=1)
    expected = seconds * 10**9 + int(fraction[:9].ljust(9, "0"))
    assert read(json.dumps(text), unit="iso") == expected


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), id="Z"),
        pytest.param("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), id="bare"),
    ],
)
def test_a_time_without_an_offset_is_utc(text, at):
    """Sources that leave it away mean UTC."""
    assert parse_ns(text, unit="iso") == int(at.timestamp()) * 10**9


NONSENSE = [
    "null", "true", "[]", "{}", r'"\ud83d"', r'"1577836800000\ud83d"', '""', '"x"', '" 1"',
    '"1_000"', '"\uff11\uff12"', '"0x10"', '"NaN"',
    '"Infinity"', '"-Infinity"', '"sNaN"', "1e999999999", '"1e999999999"', "1e99999999999999999999",
    "9" * 5_000, "-" + "9" * 5_000, '"+-1"', '"."', '"1e"', '"--1"', "1e30", "-1e30",
]  # fmt: skip


@pytest.mark.parametrize("unit", [*UNITS, "iso"])
@pytest.mark.parametrize("text", NONSENSE, ids=lambda text: text[:24])
def test_nonsense_is_no_time_and_takes_no_time(text, unit):
    """It gives None, at once: nothing is computed from it."""
    began_s = time.process_time()
    assert read(text, unit=unit) is None
    assert time.process_time() - began_s < 1


@pytest.mark.parametrize(
    "text",
    [
        "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:01Z",
        "2026-01-01T23:59:60Z", "2026-01", "2026-01-01T00:0Z", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+99:99", "26-01-01T00:00:00Z", "\uff12\uff1026-01-01T00:00:00Z", "now",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00Z\n",
        "2026-W54-7T05:00:00Z", "2026-11-22T05:00,5Z", "2026-11-22T24:30:00Z", "2026-11-22Z",
        "2026-11-22T05:3000Z", "2026-11-22T05:00:00 Europe/Berlin",
    ],
)  # fmt: skip
def test_what_is_no_iso_time_gives_none(text):
    """Also at the edges of the calendar, where an offset leads out of it."""
    assert parse_ns(text, unit="iso") is None


@pytest.mark.parametrize("value", [None, True, 1.5, [], {}, b"1"], ids=repr)
@pytest.mark.parametrize("unit", [*UNITS, "iso"])
def test_only_numbers_and_texts_are_times(value, unit):
    """A float is none either: it would have lost digits already."""
    assert parse_ns(value, unit=unit) is None


def test_a_number_is_no_iso_time():
    """The feed says how the source writes times; anything else is not guessed at."""
    assert read("1577836800000", unit="iso") is None


@pytest.mark.parametrize(
    ("path", "record", "expected"),
    [
        pytest.param("T", b'{"T":1}', 10**6, id="a field"),
        pytest.param("a.b.T", b'{"a":{"b":{"x":0,"T":1}}}', 10**6, id="nested"),
        pytest.param("é", '{"é":1}'.encode(), 10**6, id="not ASCII"),
        pytest.param("T", rb'{"\u0054":1}', 10**6, id="an escaped name"),
        pytest.param("T", b'{"t":1}', None, id="another case"),
        pytest.param("T", b"{}", None, id="missing"),
        pytest.param("a.T", b'{"a":null}', None, id="nothing on the way"),
        pytest.param("a.T", b'{"a":5}', None, id="a number on the way"),
        pytest.param("a.T", b'{"a":[{"T":1}]}', None, id="an array on the way"),
        pytest.param("T", b"[1,2]", None, id="an array"),
        pytest.param("T", b'"T"', None, id="a text"),
        pytest.param("T", b'{"s":"\\ud83d","T":1}', 10**6, id="half a surrogate pair"),
        pytest.param("T", b'{"s":' + b"[" * 990 + b"]" * 990 + b',"T":1}', None, id="deep"),
        pytest.param("T", b'{"T":' + b"[" * 990 + b"]" * 990 + b"}", None, id="deep inside"),
    ],
)
def test_the_value_is_found_by_its_path(path, record, expected):
    """Whatever the rest of the record holds; what is not there or unreadable gives None."""
    at_ns = event_ns_of(timed("ms", path=path))(Record(record))
    assert at_ns in ((expected, 10**6) if b"[[[" in record else (expected,))


@pytest.mark.parametrize("unit", ["ms", ["ms", "us"], "float_s"])
def test_a_text_is_read_whatever_its_escapes(unit):
    """Its characters count, not how JSON writes them."""
    assert read(r'"\u0031577836800"', unit="s") == 1577836800 * 10**9
    text = r'"\u0031577836800"' if unit == "float_s" else r'"157783680\u0030000"'
    assert read(text, unit=unit) == 1577836800 * 10**9


@pytest.mark.parametrize("value", ["1577836800000", "1577836800000000", "1577836800000000000"])
def test_a_unit_that_is_too_coarse_is_noticed(value):
    """Milliseconds read as seconds are no time, so they do not pass for another window's."""
    assert read(value, unit="s") is None


@pytest.mark.parametrize("path", ["T", "a.T", "a.0.T"])
@pytest.mark.parametrize("unit", ["ms", "ns", "iso", ["s", "ms"]], ids=str)
@given(
    st.lists(
        st.integers(0, 2 * 10**12).map(str)
        | st.sampled_from(
            ["null", '"1795323600153"', "1.5", "1e3", "true", "[]", "{}", '"\\ud800"']
        )
        | st.integers(-(10**22), 10**22).map(str),
        min_size=1,
    )
)
@example(texts=["1795323600153", "1795323600154"])
@example(texts=["1", "-99999999999999999"])
def test_the_times_of_a_block_are_those_of_its_records(unit, path, texts):
    """Also where a record of it has none, another kind of value, or a time of no calendar."""
    described = timed(unit, path=path)
    block = [
        Record(b'{"T":%b,"a":{"T":%b,"0":{"T":%b}}}' % ((text.encode(),) * 3)) for text in texts
    ]
    block.append(block[0])
    lacking = (b'{"a":null}', b"[1]", b'{"T":1,"a":{"T":1},"b":"\\ud800"}')
    event_ns = event_ns_of(described)
    for some in (block, block[:1], *([*block, Record(text)] for text in lacking)):
        assert event_times_of(described)(some) == [event_ns(record) for record in some]
