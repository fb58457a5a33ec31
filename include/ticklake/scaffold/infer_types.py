"""The type of a column that holds all values of a sample, with room for larger ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from include.ticklake.model.times import UNIT_NS, TimeUnit, parse_ns
from include.ticklake.types.timestamp import LakeUnit, TimestampType

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_PRECISIONS: tuple[LakeUnit, ...] = ("ms", "us", "ns")
_INT64 = 2**63
_MAX_EXPONENT = 1_000
"""1e999999999 is valid JSON, and too large to compute with."""
_MORE_WHOLE_DIGITS, _MORE_PLACES = 6, 2


def finest_unit(values: list[object], unit: TimeUnit) -> LakeUnit | None:
    """The precision that all *values* need, where it is not the unit's default.

    Microseconds are enough for most texts, and every engine has them.
    """
    instants = [parse_ns(value, unit=unit) or 0 for value in values]
    finest: LakeUnit = "ns"
    for precision in _PRECISIONS:
        if all(ns % UNIT_NS[precision] == 0 for ns in instants):
            finest = precision
            break
    if unit == "iso":
        return None if finest == "ns" else "us"
    default = TimestampType((unit,)).unit
    return finest if UNIT_NS[finest] < UNIT_NS[default] else None


def infer_type(values: list[object]) -> tuple[str, str]:
    if not values:
        return "string", "always null in this page"
    if all(isinstance(value, bool) for value in values):
        return "bool", ""
    if any(isinstance(value, bool | list | Mapping) for value in values):
        return "json", ""
    numbers = as_numbers(values)
    if numbers is None:
        all_text = all(isinstance(value, str) for value in values)
        return (
            ("string", "")
            if all_text
            else ("json", "not all are numbers, or some are out of range")
        )
    kind, reason = _number_type(numbers)
    if kind == "string" and not all(isinstance(value, str) for value in values):
        return "json", reason  # a number is no text, and its JSON has each digit
    return kind, reason


def as_numbers(values: list[object]) -> list[Decimal] | None:
    """The values as numbers, ignoring empty texts; None where one is not a number."""
    numbers = []
    for value in values:
        if value == "":
            continue
        is_text = isinstance(value, str) and not _NUMBER.fullmatch(value)
        if is_text or isinstance(value, bool | list | Mapping):
            return None
        number = Decimal(value)  # type: ignore[arg-type]
        if abs(number.adjusted()) > _MAX_EXPONENT:
            return None
        numbers.append(number)
    return numbers or None


def _number_type(numbers: list[Decimal]) -> tuple[str, str]:
    places = max(max(0, -int(number.as_tuple().exponent)) for number in numbers)
    whole = max(max(1, number.adjusted() + 1) for number in numbers)
    if places == 0 and all(abs(number) < _INT64 for number in numbers):
        return "int64", ""
    scale = min(places + _MORE_PLACES, 60) if places else 0
    digits = whole + _MORE_WHOLE_DIGITS + scale
    if whole + scale > 76 or places > 60:
        return (
            "string",
            f"too many digits for a decimal: {whole} before the point, {places} after it",
        )
    precision = next((size for size in (18, 28, 38, 76) if digits <= size), 76)
    before = f"{whole} digit{'' if whole == 1 else 's'} before the point"
    return (
        f"decimal({precision},{scale})",
        f"at most {before} and {places} after it in this page",
    )
