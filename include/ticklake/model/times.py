"""A time as a source writes it in, the unit that it must be in out: by the years that follow.

Seconds, milliseconds, microseconds and nanoseconds of the same century share no number,
so a number that lies in no plausible year in the unit that the feed declares, and in one
in another unit, is of a source that has changed its unit. Binance did on 2025-01-01.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

TimeUnit = Literal["s", "ms", "us", "ns", "float_s", "iso"]
"""How a source writes a time; ``float_s``: seconds with a fraction."""

UNIT_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
PER_SECOND: dict[TimeUnit, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

Years = tuple[int, int]
"""First and last year of an event, both inside."""

_DAY_ONE = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?([eE][+]?\d\d?)?", re.ASCII)


def plausible_range(years: Years, *, unit: TimeUnit) -> tuple[int, int]:
    """The first instant of *years* in *unit*, and the first after them."""
    first, last = years
    per_second = PER_SECOND[unit]
    begin = int(datetime(first, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(last, 12, 31, tzinfo=UTC).timestamp()) + 86_400
    return begin * per_second, end * per_second


def detect_other_unit(text: str, units: Sequence[TimeUnit], *, years: Years) -> str | None:
    """``in us it is 2025-01-01T00:00:00.000001Z`` where *text* is a time in another unit.

    None where it is no time in any unit, or one in a unit of *units*.
    """
    found = _read(text, years)
    if found is None or found[0] in units or (found[0] == "s" and "float_s" in units):
        return None
    unit, moment = found
    return f"{'as' if unit == 'iso' else 'in'} {unit} it is {moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def suggest_unit(text: str, units: Sequence[TimeUnit], *, years: Years) -> str:
    """What to write into the feed where *text* is a time in another unit than *units*."""
    unit, _ = _read(text, years) or ("ms", _DAY_ONE)
    if unit in PER_SECOND and set(units) <= set(PER_SECOND):
        both = ", ".join([*units, unit])
        return f"set unit: {unit}, or unit: [{both}] where both occur"
    return f"set unit: {unit}"


def unit_of(number: int | Decimal, units: Sequence[TimeUnit], *, years: Years) -> TimeUnit | None:
    """The one of *units* in which *number* lies in *years*."""
    for unit in units:
        first, after = plausible_range(years, unit=unit)
        if first <= number < after:
            return unit
    return None


def _read(text: str, years: Years) -> tuple[TimeUnit, datetime] | None:
    if not _NUMBER.fullmatch(text):
        moment = _iso(text)
        return ("iso", moment) if moment and years[0] <= moment.year <= years[1] else None
    number = Decimal(text)
    unit = unit_of(number, tuple(PER_SECOND), years=years)
    if unit is None:
        return None
    microseconds = int(number * 10**6) // PER_SECOND[unit]
    return unit, _DAY_ONE + timedelta(microseconds=microseconds)


def _iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
