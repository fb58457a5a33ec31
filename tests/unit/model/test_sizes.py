"""Sizes are read as people write them, and written as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import UsageError
from include.ticklake.model.sizes import GIB, KIB, MIB, format_bytes, parse_bytes


@given(
    count=st.integers(0, 10**6),
    unit=st.sampled_from(["", "B", "KiB", "MiB", "GiB"]),
    space=st.booleans(),
)
def test_a_size_is_a_whole_number_with_a_unit(count, unit, space):
    """Powers of 1,024, or bytes where there is no unit."""
    factor = {"": 1, "B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB}[unit]
    assert parse_bytes(f"{count}{' ' * (space and bool(unit))}{unit}") == count * factor


def test_a_fraction_of_a_unit_is_read_exactly():
    """1.5 GiB is three halves of it."""
    assert parse_bytes("1.5GiB") == 3 * GIB // 2


@pytest.mark.parametrize(
    "text", ["", "MiB", "1.5.0GiB", "128MB", "128mib", "-1", "1 2", "12x", "\u0661"]
)
def test_other_texts_are_refused(text):
    """Also the units of 1,000 and other digits: nobody means them exactly."""
    with pytest.raises(UsageError, match="is not a size; write it as 128MiB, 512KiB or 1048576"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (1_023, "1023 bytes"),
        (KIB, "1 KiB"),
        (1_600 * KIB, "1.6 MiB"),
        (GIB, "1 GiB"),
    ],
)
def test_a_size_is_written_in_its_largest_unit(size_bytes, text):
    """With one digit after the point at most."""
    assert format_bytes(size_bytes) == text
