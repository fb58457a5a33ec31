"""An int64 is a whole number of 64 bits, however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.types.field_type import TimeLimits
from include.ticklake.types.integer import IntegerType
from include.ticklake.types.reading import Kind
from include.ticklake.types.values import InvalidValueError

LIMITS = TimeLimits(years=(2009, 2100), first_s=0, end_s=2**40, is_event_time=False)


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_whole_number_of_64_bits_is_one(number):
    """Also with a point and zeros."""
    for text in (str(number), f"{number}.0", f"{number}e0"):
        assert IntegerType().parse_value(text, LIMITS) == number


@pytest.mark.parametrize("text", [str(2**63), str(-(2**63) - 1), "1e19"])
def test_a_larger_number_is_refused(text):
    """It would need another bit."""
    with pytest.raises(InvalidValueError, match="is too large for int64"):
        IntegerType().parse_value(text, LIMITS)


def test_the_kernel_reads_it():
    """However it is written."""
    assert IntegerType().reading(LIMITS).kind == Kind.INT64


def test_nothing_but_itself_widens_to_it():
    """Whole decimals may have more digits."""
    assert IntegerType().widens_from("int64", LIMITS)
    assert not IntegerType().widens_from("decimal(5,0)", LIMITS)
