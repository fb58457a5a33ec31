"""A number is taken from its text exactly, or refused with a reason."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.types.values import (
    InvalidValueError,
    NumberText,
    describe,
    number_text,
    scaled_integer,
)


@given(st.integers(-(10**60) + 1, 10**60 - 1))
def test_a_scaled_integer_is_the_number_times_a_power_of_ten(number):
    """However it is written: with an exponent, or with zeros behind."""
    for text in (f"{number}e-8", f"{number}.000E-8", f"{number}00e-10"):
        assert scaled_integer(text, digits=60, scale=8, type_name="decimal(60,8)") == number


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1000", "is too large for decimal(4,2)"),
        ("1e999999999999", "is too large for decimal(4,2)"),
        ("0.001", "has more digits after the point than decimal(4,2) holds"),
        ("1e-99999999999999999999", "has an exponent out of range"),
        ("x", "is not a number"),
    ],
)
def test_what_does_not_fit_is_never_rounded(text, reason):
    """The reason names the type."""
    with pytest.raises(InvalidValueError) as refused:
        scaled_integer(text, digits=4, scale=2, type_name="decimal(4,2)")
    assert str(refused.value) == reason


@pytest.mark.parametrize("text", ["1", "-1.5", "+.5", "5.", "1e-5", "1E+5", "007"])
def test_a_number_may_be_text(text):
    """As JSON numbers are written, and somewhat freer."""
    assert number_text(text) == number_text(NumberText(text)) == text


@pytest.mark.parametrize(
    "value", ["", " 1", "1_0", "\u0661", "NaN", "inf", "0x1", "1e", ".", True, None, 1, Decimal(1)]
)
def test_other_texts_and_values_are_not_numbers(value):
    """Nor what Python would read as one."""
    with pytest.raises(InvalidValueError, match="is not a number"):
        number_text(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1}, "an object"),
        ([1], "an array"),
        (NumberText("1.50"), "1.50"),
        ("1.50", '"1.50"'),
        (None, "null"),
        ("x" * 99, '"' + "x" * 39 + "..."),
    ],
)
def test_a_value_is_described_by_how_it_begins(value, text):
    """Text in quotes, numbers with their own digits."""
    assert describe(value) == text
