"""A decimal has every digit, and Arrow reads it where it cannot be wrong."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.types import field_types
from include.ticklake.types.decimal import DecimalType, safe_decimal
from include.ticklake.types.field_type import TimeLimits
from include.ticklake.types.values import InvalidValueError

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


@given(TYPES)
def test_arrow_cannot_overflow_in_the_type_that_it_reads(field_type):
    """All digits that it lets in still fit with those of the scale behind them."""
    read_type = safe_decimal(field_type.precision, field_type.scale)
    bits = 38 if pa.types.is_decimal128(read_type) else 76
    assert read_type.precision + read_type.scale <= max(bits, read_type.scale + 1)
    assert read_type.scale == field_type.scale


def test_a_number_with_too_many_digits_is_left_to_be_read_alone():
    """Arrow reads it in a wider type."""
    read = pa.array([Decimal("123.4")], pa.decimal128(10, 1))
    with pytest.raises(InvalidValueError):
        DecimalType(3, 1).from_arrow_read(read, LIMITS)
    assert DecimalType(4, 1).from_arrow_read(read, LIMITS).to_pylist() == [Decimal("123.4")]


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
