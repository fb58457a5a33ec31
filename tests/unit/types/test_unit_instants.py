"""Numbers since 1970 become instants, exactly or not at all."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from include.ticklake.types.unit_instants import first_after_1970, from_numbers
from include.ticklake.types.values import InvalidValueError

NS = pa.timestamp("ns", "UTC")
AT_S = 1_795_325_400


def instants(numbers: pa.Array, units: tuple[str, ...]) -> list[int]:
    read = from_numbers(numbers, units, as_type=NS, per_second=10**9, years=(2009, 2100))
    return read.cast(pa.int64()).to_pylist()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_number_counts_its_unit(unit):
    """From 1970 on; null stays null."""
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    numbers = pa.array([AT_S * per_second, None], pa.int64())
    assert instants(numbers, (unit,)) == [AT_S * 10**9, None]


def test_a_fraction_of_a_second_has_nine_digits():
    """As a decimal, every one of them counts."""
    numbers = pa.array([Decimal("1795325400.123456789")], pa.decimal128(19, 9))
    assert instants(numbers, ("float_s",)) == [AT_S * 10**9 + 123_456_789]


def test_of_several_units_the_plausible_one_counts():
    """And where none is, the definition decides."""
    numbers = pa.array([AT_S * 10**3, AT_S * 10**6, 0], pa.int64())
    assert instants(numbers, ("ms", "us")) == [AT_S * 10**9, AT_S * 10**9, 0]
    with pytest.raises(InvalidValueError):
        instants(pa.array([5], pa.int64()), ("ms", "us"))


@pytest.mark.parametrize(
    ("values", "first"), [([-5, 3, 7, 0], 3), ([-5, 0, None], None), ([], None)]
)
def test_the_first_instant_after_1970_is_found(values, first):
    """It may be one in a coarser unit."""
    assert first_after_1970(pa.array(values, NS)) == first
