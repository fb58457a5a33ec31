"""Decide which columns of a sample are times, and how they are written.

A column is a time only where its name and its values say so: an id of 13 digits and a volume of
1.7 billion are plausible times in milliseconds and in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from include.ticklake.model import times
from include.ticklake.model.iso_times import parse_iso
from include.ticklake.model.times import UNIT_NS, TimeUnit
from include.ticklake.scaffold.name_words import words

UNNAMED = "value_"
"""Prefix of the names that values of arrays are given."""

_TIME = re.compile(
    r"time|date|stamp|epoch|^ts|ts$|^(t|e|at|on|when|day|dt)$|(_|-|[a-z](?=A))(at|on)$|since|until|"
    r"created|updated|expir|deadline|start|begin|^end$",
    re.IGNORECASE,
)
_UNIT_WORDS = {
    "ms", "us", "ns", "s", "sec", "secs", "second", "seconds", "millis", "milliseconds", "micros",
    "nanos", "utc", "gmt", "kst", "iso", "unix", "epoch", "in",
}  # fmt: skip
_OTHER = {
    "id", "ids", "tid", "uid", "uuid", "oid", "seq", "sequence", "nonce", "number", "num", "no",
    "key", "hash", "block", "height", "version", "index", "rank", "volume", "vol", "amount", "qty",
    "quantity", "size", "price", "value", "cost", "fee", "cap", "supply", "count", "total", "sum",
    "balance", "turnover", "interest", "liquidity", "notional", "usd", "quote", "base", "bid",
    "ask", "high", "low", "close", "open", "rate", "interval", "duration", "length", "offset",
    "ttl", "delay", "latency", "limit", "score", "weight",
}  # fmt: skip
_YEARS = (2009, 2034)
_NEAR_NS = 400 * 86_400 * 10**9
_UNITS: tuple[TimeUnit, ...] = ("ms", "us", "ns")

Numbers = list[Decimal]


def name_says_time(name: str) -> bool | None:
    """Whether the last part of a path is a time's name; None where it says nothing."""
    last = name.rpartition(".")[2]
    if last.startswith(UNNAMED):
        return None
    named = words(last)
    while len(named) > 1 and named[-1] in _UNIT_WORDS:
        named.pop()
    if named and named[-1] in _OTHER:
        return False
    if _TIME.search(last) or {"ts", "time", "date", "at"} & set(named):
        return True
    return False if _OTHER.intersection(named) else None


def number_units(
    columns: Mapping[str, Numbers], *, known: Sequence[Numbers] = ()
) -> dict[str, TimeUnit]:
    """The unit of each column of numbers that is a time; *known* are times in nanoseconds.

    Columns with a time's name come first: others must be near them, row by row.
    """
    units: dict[str, TimeUnit] = {}
    anchors = list(known)
    for name, numbers in columns.items():
        if name_says_time(name) and (unit := plausible_unit(numbers)):
            units[name] = unit
            anchors.append(_as_ns(numbers, unit))
    silent = {
        name: unit
        for name, numbers in columns.items()
        if name_says_time(name) is None and (unit := _silent_unit(name, numbers))
    }
    for name, unit in sorted(silent.items(), key=lambda item: item[1] in ("s", "float_s")):
        numbers = columns[name]
        at_ns = _as_ns(numbers, unit)
        if anchors:
            # An id of ten digits may be of the right years, but is not of the same day.
            near_ns = _NEAR_NS if unit in _UNITS else 86_400 * 10**9
            is_time = any(_are_near(at_ns, anchor, near_ns) for anchor in anchors)
        else:
            is_time = _could_be_alone(numbers, unit)
        if is_time:
            units[name] = unit
            anchors.append(at_ns)
    return units


def plausible_unit(numbers: Numbers) -> TimeUnit | None:
    """The unit in which all *numbers* are of plausible years."""
    is_whole = all(number == number.to_integral_value() for number in numbers)
    for unit in ("s", "ms", "us", "ns") if is_whole else ("s", "ms", "us"):
        if _in_years(numbers, unit):
            return unit if is_whole or unit != "s" else "float_s"
    return None


def _silent_unit(name: str, numbers: Numbers) -> TimeUnit | None:
    """The unit of a column whose name says nothing; seconds only for the values of arrays."""
    unit = plausible_unit(numbers)
    if unit in ("s", "float_s") and not name.startswith(UNNAMED):
        return None
    if unit is None or (len(numbers) > 2 and _is_counter(numbers)):
        return None
    return unit


def _could_be_alone(numbers: Numbers, unit: TimeUnit) -> bool:
    """Whether values without a name are times with no other time beside them.

    Times rise or fall; a single one is a time if it is a whole minute, as candles are, or is
    of 13 digits or more.
    """
    if len(numbers) > 1:
        return is_monotonic(numbers)
    return unit in _UNITS or numbers[0] % 60 == 0


def is_monotonic(numbers: Numbers) -> bool:
    """Whether *numbers* only rise, or only fall."""
    return all(a <= b for a, b in pairwise(numbers)) or all(a >= b for a, b in pairwise(numbers))


def _is_counter(numbers: Numbers) -> bool:
    """Whether each number is the next one: an id, not a time."""
    return all(abs(b - a) == 1 for a, b in pairwise(numbers))


def _in_years(numbers: Numbers, unit: TimeUnit) -> bool:
    first, after = times.plausible_range(_YEARS, unit=unit)
    return all(first <= number < after for number in numbers)


def _as_ns(numbers: Numbers, unit: TimeUnit) -> Numbers:
    scale = UNIT_NS["s" if unit == "float_s" else unit]
    return [number * scale for number in numbers]


def _are_near(first: Numbers, second: Numbers, near_ns: int) -> bool:
    return len(first) == len(second) and all(
        abs(a - b) <= near_ns for a, b in zip(first, second, strict=True)
    )


def are_iso(texts: Sequence[str]) -> bool:
    """Whether all *texts* are times as ISO 8601 writes them."""
    return all(
        times.parse_ns(text, unit="iso") is not None and not times.is_number(text) for text in texts
    )


def are_exact(values: Sequence[object], unit: TimeUnit) -> bool:
    """Whether a column holds all *values*: none is finer than a nanosecond."""
    found = (times.parse(value, unit=unit) for value in values)
    return all(instant is None or instant.is_exact for instant in found)


def has_zone(text: str) -> bool:
    """Whether a time's text says its zone."""
    parsed = parse_iso(text)
    return parsed is not None and parsed.offset is not None
