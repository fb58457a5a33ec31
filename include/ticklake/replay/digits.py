"""Scaled integers in, decimal text out: the simulation never holds a float.

A price or a quantity is an integer of 1e-8 units (``_e8``), a product of two of them an integer
of 1e-16 units (``_e16``). Exchanges differ in how they write them, so there are three ways.
"""

from __future__ import annotations

E8 = 10**8
E16 = 10**16


def fixed8(value_e8: int) -> str:
    """``61234.07000000``: always eight decimals (Binance)."""
    if value_e8 < 0:
        return "-" + fixed8(-value_e8)
    return f"{value_e8 // E8}.{value_e8 % E8:08d}"


def fixed(value_e8: int, *, decimals: int) -> str:
    """``61234.1``: *decimals* of them (at most 8), the rest cut off."""
    if value_e8 < 0:
        return "-" + fixed(-value_e8, decimals=decimals)
    whole, rest = divmod(value_e8, E8)
    return f"{whole}.{f'{rest:08d}'[:decimals]}" if decimals else str(whole)


def trimmed(value_e8: int) -> str:
    """``61234.07``: no zeros at the end, also fit for a JSON number."""
    text = fixed8(value_e8).rstrip("0")
    return text[:-1] if text.endswith(".") else text


def ratio_e8(part: int, whole: int) -> int:
    """*part* / *whole* in 1e-8 units, cut towards minus infinity; 0 where *whole* is 0."""
    return part * E8 // whole if whole else 0
