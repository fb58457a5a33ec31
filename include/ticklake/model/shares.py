"""Shares of a whole, such as 2%: exact, and as people read them."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction


def format_share(share: float) -> str:
    """``2%``, with as many digits as it has."""
    return f"{Decimal(repr(share)) * 100:f}".rstrip("0").rstrip(".") + "%" if share else "0%"


def allowed_part(whole: int, share: float) -> int:
    """The largest part of *whole* that is not more than *share* of it, exactly.

    Of 1000, 1.1% are 11, although ``0.011 * 1000`` is a little less.
    """
    return int(Fraction(repr(share)) * whole)


def share_that_allows(part: int, whole: int) -> str:
    """The share to write for *part* of *whole* to be allowed: two digits, rounded up."""
    exact = Decimal(100 * part) / Decimal(whole)
    return format_share(float(Context(prec=2, rounding=ROUND_CEILING).plus(exact) / 100))
