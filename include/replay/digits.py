"""Scaled integers in, decimal text out: the simulation never holds a float.

A price or a quantity is an integer of 1e-8 units (``_e8``), a product of two of them an integer
of 1e-16 units (``_e16``), the price of a coin one of 1e-18 units (``_e18``). Exchanges differ in
how they write them, so there are several ways.
"""

from __future__ import annotations

E8 = 10**8
E16 = 10**16
E18 = 10**18


def fixed8(value_e8: int) -> str:
    """``61234.07000000``: always eight decimals (Binance)."""
    if value_e8 < 0:
        return "-" + fixed8(-value_e8)
    return f"{value_e8 // E8}.{value_e8 % E8:08d}"


def fixed(value_e8: int, *, decimals: int) -> str:
    """``61234.1``: *decimals* of them (at most 8), the rest cut off."""
    if value_e8 < 0:
        return "-" + fixed(-value_e8, decimals=decimals)
    whole, fraction = divmod(value_e8, E8)
    return f"{whole}.{f'{fraction:08d}'[:decimals]}" if decimals else str(whole)


def trimmed(value_e8: int) -> str:
    """``61234.07``: no zeros at the end, also fit for a JSON number."""
    text = fixed8(value_e8).rstrip("0")
    return text[:-1] if text.endswith(".") else text


def ratio_e8(part: int, whole: int) -> int:
    """*part* / *whole* in 1e-8 units, cut towards minus infinity; 0 where *whole* is 0."""
    return part * E8 // whole if whole else 0


def number_e18(value_e18: int) -> str:
    """A JSON number with every digit: ``2511.71``, or ``1.234e-09`` below a ten-thousandth."""
    sign, value = ("-", -value_e18) if value_e18 < 0 else ("", value_e18)
    if 0 < value < E18 // 10_000:
        digits = str(value)
        fraction = digits[1:].rstrip("0") or "0"
        return f"{sign}{digits[0]}.{fraction}e-{19 - len(digits):02d}"
    decimals = 8 if value < 100 * E18 else 2  # as many as the aggregators show
    whole, remainder = divmod(value, E18)
    fraction = f"{remainder:018d}"[:decimals].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def percent_e5(value_e5: int) -> str:
    """A percentage with up to five decimals."""
    sign, value = ("-", -value_e5) if value_e5 < 0 else ("", value_e5)
    return f"{sign}{value // 10**5}.{f'{value % 10**5:05d}'.rstrip('0') or '0'}"
