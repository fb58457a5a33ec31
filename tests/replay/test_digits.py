"""Scaled integers become the text that exchanges write, with every digit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.replay import digits, time_formats


@pytest.mark.parametrize(
    ("value_e8", "fixed8", "trimmed", "two"),
    [
        pytest.param(0, "0.00000000", "0", "0.00", id="zero"),
        pytest.param(1, "0.00000001", "0.00000001", "0.00", id="smallest"),
        pytest.param(-150_000_000, "-1.50000000", "-1.5", "-1.50", id="negative"),
        pytest.param(6_123_407_000_000, "61234.07000000", "61234.07", "61234.07", id="price"),
        pytest.param(10**10, "100.00000000", "100", "100.00", id="whole"),
        pytest.param(10**30 + 1, f"1{'0' * 22}.00000001", f"1{'0' * 22}.00000001",
                     f"1{'0' * 22}.00", id="beyond a float"),
    ],
)  # fmt: skip
def test_amounts(value_e8, fixed8, trimmed, two):
    """Eight decimals, as few as needed, or so many."""
    assert digits.fixed8(value_e8) == fixed8
    assert digits.trimmed(value_e8) == trimmed
    assert digits.fixed(value_e8, decimals=2) == two


@given(st.integers(-(10**40), 10**40))
def test_no_digit_is_lost(value):
    """Read as a Decimal, the text is the number again."""
    assert Decimal(digits.fixed8(value)).scaleb(8) == value or abs(value) >= 10**28
    assert Decimal(digits.trimmed(value)) == Decimal(digits.fixed8(value))


@pytest.mark.parametrize(
    ("value_e18", "text"),
    [
        pytest.param(2_511_710_000_000_000_000_000, "2511.71", id="price"),
        pytest.param(42_652 * 10**18, "42652", id="whole"),
        pytest.param(432_979_000_000_000_000, "0.432979", id="cents"),
        pytest.param(1_234_000_000, "1.234e-09", id="dust"),
        pytest.param(-99_999_999_999_999, "-9.9999999999999e-05", id="negative dust"),
        pytest.param(1, "1.0e-18", id="smallest"),
        pytest.param(0, "0", id="zero"),
    ],
)
def test_json_numbers(value_e18, text):
    """Exponents below a ten-thousandth, as the aggregators write them."""
    assert digits.number_e18(value_e18) == text


@given(st.integers(1, 10**14 - 1))
def test_dust_keeps_every_digit(value_e18):
    """An exponent hides nothing."""
    assert Decimal(digits.number_e18(value_e18)).scaleb(18) == value_e18


def test_moments():
    """Each exchange's way to write a time."""
    time_ns = 1_643_565_003_195_410_999
    assert time_formats.iso_s(time_ns // 10**6) == "2022-01-30T17:50:03Z"
    assert time_formats.iso_ms(time_ns // 10**6) == "2022-01-30T17:50:03.195Z"
    assert time_formats.iso_micros(time_ns) == "2022-01-30T17:50:03.19541Z"
    assert time_formats.iso_micros(time_ns // 10**9 * 10**9) == "2022-01-30T17:50:03Z"
    assert time_formats.decimal_s(time_ns) == "1643565003.1954109"
    assert time_formats.decimal_s(10**9) == "1.0"
