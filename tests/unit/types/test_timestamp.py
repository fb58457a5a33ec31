"""A timestamp is an exact instant in a plausible unit, one at a time as by Arrow."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from include.ticklake.model.text_times import TextTimes
from include.ticklake.types.field_type import TimeLimits
from include.ticklake.types.reading import Kind
from include.ticklake.types.timestamp import TimestampType
from include.ticklake.types.values import InvalidValueError

LIMITS = TimeLimits(
    years=(2009, 2100), first_s=-62_135_596_800, end_s=253_402_300_799, is_event_time=False
)
HOUR_S = 1_795_323_600  # 2026-11-22T05:00:00Z
EVENT = replace(LIMITS, first_s=HOUR_S, end_s=HOUR_S + 3600, is_event_time=True)


@pytest.mark.parametrize(
    ("units", "unit"),
    [((), "ms"), (("s",), "ms"), (("ms",), "ms"), (("us",), "us"), (("ns",), "ns"),
     (("iso",), "ns"), (("ms", "us"), "us"), (("s", "ns"), "ns")],
)  # fmt: skip
def test_the_lake_has_a_unit_that_is_fine_enough(units, unit):
    """Of several, the finest."""
    field_type = TimestampType(units)
    assert field_type.arrow_type() == pa.timestamp(unit, "UTC")
    assert field_type.name == f"timestamp[{unit}]"


@pytest.mark.parametrize(
    ("limits", "value", "reason"),
    [
        (EVENT, str(HOUR_S * 1000 - 1), "lies outside the window"),
        (EVENT, str(HOUR_S), "in ms lies outside the years 2009 to 2100: has the source's unit"),
        (
            LIMITS,
            str(HOUR_S * 10**9),
            "in ms is more than a timestamp can hold: has the source's unit",
        ),
        (LIMITS, "x", "is not a number"),
    ],
)
def test_an_implausible_instant_is_refused_with_what_it_may_be(limits, value, reason):
    """Another unit is named where one gives a plausible year."""
    with pytest.raises(InvalidValueError) as refused:
        TimestampType(("ms",)).parse_value(value, limits)
    assert str(refused.value).startswith(reason)


@pytest.mark.parametrize(
    ("units", "value"),
    [
        (("iso",), "9999-12-31"),
        (("iso",), "2262-04-11T23:47:16.854775808Z"),
        (("iso",), "1677-09-21T00:12:43.145224191Z"),
        (("float_s",), "9999999999.5"),
    ],
)
def test_a_time_beyond_nanoseconds_is_refused_with_the_line_to_add(units, value):
    """It is a time, and a column of microseconds holds it where its digits allow."""
    with pytest.raises(InvalidValueError, match="2262 of nanoseconds; set `precision: us`"):
        TimestampType(units).parse_value(value, LIMITS)
    if len(value) <= len("9999999999.5"):
        assert TimestampType(units, precision="us").parse_value(value, LIMITS) > 2**52


@pytest.mark.parametrize("limits", [LIMITS, replace(LIMITS, is_event_time=True)])
def test_nanoseconds_of_the_source_have_no_line_to_add(limits):
    """A column is never coarser than its unit."""
    with pytest.raises(InvalidValueError) as refused:
        TimestampType(("ns",)).parse_value(str(2**63), limits)
    assert "precision" not in str(refused.value)


@pytest.mark.parametrize(
    ("field_type", "kind", "shifts"),
    [
        (TimestampType(("ms", "us")), Kind.TIME, (3, 0)),
        (TimestampType(("ms",), precision="ns"), Kind.TIME, (6,)),
        (TimestampType(("float_s",)), Kind.TIME, (9,)),
        (TimestampType(("iso",), text=TextTimes()), Kind.ISO_TIME, ()),
        (TimestampType(("iso",), text=TextTimes(timezone="Europe/Paris")), Kind.TOKEN, ()),
        (TimestampType((), text=TextTimes("%Y%m%d")), Kind.TOKEN, ()),
    ],
)
def test_the_kernel_reads_numbers_and_iso_times(field_type, kind, shifts):
    """Other texts it only finds."""
    reading = field_type.reading(LIMITS)
    assert (reading.kind, reading.shifts) == (kind, shifts)
    assert reading.takes_numbers is bool(field_type.text and field_type.text.format)


def test_the_kernel_leaves_implausible_instants_to_python():
    """Of events, those outside the window; of others, those of early 1970."""
    event, other = (TimestampType(("us",)).reading(limits) for limits in (EVENT, LIMITS))
    assert event.instants == (HOUR_S * 10**6, (HOUR_S + 3600) * 10**6)
    assert (event.early, other.early) == (0, 60 * 86_400 * 10**6)


@pytest.mark.parametrize(
    ("old", "units", "limits", "widens"),
    [
        ("timestamp[ms]", ("us",), LIMITS, True),
        ("timestamp[us]", ("ms",), LIMITS, False),
        ("timestamp[ms]", ("ns",), LIMITS, False),
        ("timestamp[ms]", ("ns",), EVENT, True),
        ("timestamp[ms]", ("ns",), replace(EVENT, years=(2009, 2300)), False),
        ("timestamp[us]", ("iso",), LIMITS, False),
        ("timestamp[us]", ("iso",), EVENT, True),
        ("int64", ("ms",), LIMITS, False),
    ],
)
def test_it_widens_from_a_coarser_unit(old, units, limits, widens):
    """To nanoseconds, which end in 2262, only where years are limited to those before."""
    assert TimestampType(units).widens_from(old, limits) is widens


def test_engines_without_nanoseconds_get_numbers():
    """And a note says how to read them."""
    names = TimestampType(("ns",)).engine_names()
    assert (names.spark, names.iceberg, names.trino) == ("bigint", "long", "timestamp(9)")
    assert "nanosAsLong" in names.notes["spark"]
    assert TimestampType(("ns",)).iceberg_arrow_type() == pa.int64()


@pytest.mark.parametrize("unit", ["ms", "us"])
def test_an_iceberg_table_has_microseconds(unit):
    """The only unit of Iceberg's files: Spark refuses those with another."""
    assert TimestampType((unit,)).iceberg_arrow_type() == pa.timestamp("us", "UTC")
