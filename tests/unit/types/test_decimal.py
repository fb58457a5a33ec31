"""A decimal has every digit, and Arrow reads it where it cannot be wrong."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.types import field_types
from include.ticklake.types.decimal import DecimalType
from include.ticklake.types.field_type import TimeLimits
from include.ticklake.types.reading import Kind

LIMITS = TimeLimits(years=(2009, 2100), first_s=0, end_s=2**40, is_event_time=False)
TYPES = st.integers(1, 76).flatmap(lambda p: st.builds(DecimalType, st.just(p), st.integers(0, p)))


@given(TYPES, st.data())
def test_every_number_of_its_digits_is_one(field_type, data):
    """With its scale, and as the arrow type holds it."""
    units = data.draw(st.integers(-(10**field_type.precision) + 1, 10**field_type.precision - 1))
    number = Decimal(f"{units}e-{field_type.scale}")
    value = field_type.parse_value(f"{number:f}", LIMITS)
    assert value == number
    assert pa.array([value], field_type.arrow_type()).to_pylist() == [number]


@pytest.mark.parametrize("spelling", ["decimal(0,0)", "decimal(77,0)", "decimal(8,18)"])
def test_digits_are_in_range(spelling):
    """At most 76, and no more behind the point than there are."""
    with pytest.raises(ValueError, match="is out of range; use at most 76 digits"):
        field_types.from_spelling(spelling)


def test_a_blank_in_the_spelling_makes_no_difference():
    """Histories have the name."""
    assert field_types.from_spelling("decimal(18, 8)").name == "decimal(18,8)"


def test_the_kernel_reads_it_with_every_digit():
    """Before the point and behind it."""
    reading = DecimalType(18, 8).reading(LIMITS)
    assert (reading.kind, reading.digits, reading.scale) == (Kind.DECIMAL, 18, 8)


@pytest.mark.parametrize(
    ("old", "new", "widens"),
    [
        ("int64", DecimalType(19, 0), True),
        ("int64", DecimalType(18, 0), False),
        ("decimal(18,8)", DecimalType(20, 10), True),
        ("decimal(18,8)", DecimalType(18, 9), False),
        ("decimal(18,8)", DecimalType(20, 7), False),
        ("string", DecimalType(76, 0), False),
        ("timestamp[ms]", DecimalType(76, 0), False),
    ],
)
def test_it_widens_from_what_has_fewer_digits_on_both_sides(old, new, widens):
    """Of integers, 19."""
    assert new.widens_from(old, LIMITS) is widens


def test_more_digits_than_sql_has_are_text_in_iceberg():
    """And a note says so of every engine."""
    names = DecimalType(60, 20).engine_names()
    assert (names.iceberg, names.trino, names.polars) == ("string", None, None)
    assert names.notes["trino"].startswith("has 60 digits, trino has 38")
    assert DecimalType(60, 20).iceberg_arrow_type() == pa.string()
