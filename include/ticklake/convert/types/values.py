"""One value of a record in, the same value in its column's type out: exact, or refused.

A number may be written as a JSON number or as text, ``1.5`` or ``"1.5"``, with an
exponent too; it must fit its type exactly. Nothing is ever rounded. Times are integers
in the unit of their column.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation

from include.ticklake.lake.table_schema import Column, years
from include.ticklake.model import times
from include.ticklake.model.times import TimeUnit

Value = int | bool | str | Decimal | None

SHOWN_CHARACTERS = 40

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_PLAIN = re.compile(r"-?[0-9]+")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?)?"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_EXACT = Context(prec=100, Emax=MAX_EMAX, Emin=MIN_EMIN)
_INT64 = 2**63
_DAY_ONE = datetime(1970, 1, 1)  # noqa: DTZ001 - offsets are added by hand


class InvalidValueError(Exception):
    """A record or value does not fit; the message is the reason that the quarantine keeps."""


class NumberText(str):
    """A JSON number, as its own text."""

    __slots__ = ()


class DuplicateNames(dict[str, object]):
    """A JSON object in which some name stands more than once."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.times = Counter(name for name, _ in pairs)


def value_of(found: object, column: Column) -> Value:
    """*found* as *column* keeps it, None for no value; ``InvalidValueError`` says why not."""
    if found is None or (found == "" and column.field.type not in ("string", "bool", "json")):
        return None
    try:
        return _converter(column)(found, column)
    except InvalidValueError as unfit:
        raise InvalidValueError(f"{column.name}: {describe(found)} {unfit}") from None


def _converter(column: Column) -> Callable[[object, Column], Value]:
    if column.digits:
        return _decimal
    return _CONVERTERS[column.field.type]


def _text(found: object, column: Column) -> str:
    if not isinstance(found, str) or isinstance(found, NumberText):
        raise InvalidValueError(f"is not a {column.field.type}")
    try:
        found.encode()
    except UnicodeEncodeError:
        raise InvalidValueError("is not text: half of a surrogate pair") from None
    return found


def _truth(found: object, column: Column) -> bool:
    if not isinstance(found, bool):
        raise InvalidValueError(f"is not a {column.field.type}")
    return found


def _number(found: object) -> Decimal:
    if not isinstance(found, str) or not _NUMBER.fullmatch(found):
        raise InvalidValueError("is not a number")
    try:
        return Decimal(found)
    except InvalidOperation:
        raise InvalidValueError("has an exponent out of all range") from None


def _shifted(number: Decimal, *, digits: int, scale: int, what: str) -> int:
    """*number* times ten to the power of *scale*, exactly, in at most *digits* digits."""
    if not number:
        return 0
    if number.adjusted() + 1 + scale > digits:
        raise InvalidValueError(f"is too large for {what}")
    kept = number.quantize(Decimal((0, (1,), -scale)), context=_EXACT)
    if kept != number:
        raise InvalidValueError(f"has more digits after the point than {what} holds")
    return int(kept.scaleb(scale, context=_EXACT))


def _decimal(found: object, column: Column) -> Decimal:
    precision, scale = column.digits or (0, 0)
    units = _shifted(_number(found), digits=precision, scale=scale, what=column.field.type)
    return Decimal(units).scaleb(-scale, context=_EXACT)


def _whole(found: object, *, scale: int = 0, what: str) -> int:
    if not scale and isinstance(found, str) and len(found) < 19 and _PLAIN.fullmatch(found):
        return int(found)
    units = _shifted(_number(found), digits=19, scale=scale, what=what)
    if not -_INT64 <= units < _INT64:
        raise InvalidValueError(f"is too large for {what}")
    return units


def _integer(found: object, column: Column) -> int:
    return _whole(found, what=column.field.type)


def _timestamp(found: object, column: Column) -> int:
    instant = _instant(found, column)
    inside = column.time_range is None or column.time_range[0] <= instant < column.time_range[1]
    if inside and not column.is_doubtful(instant):
        return instant
    other = times.detect_other_unit(str(found), column.field.units, years=column.years)
    if inside and not other:
        return instant
    if not column.field.event_time:
        why = "lies at the beginning of 1970" if inside else "is more than a timestamp can hold"
        raise InvalidValueError(f"in {_units(column)} {why}{_doubt(other)}")
    first, last = years(*column.years)
    if first.timestamp() <= instant // column.per_second <= last.timestamp():
        raise InvalidValueError("lies outside the window")
    raise _out_of_years(found, column)


def _out_of_years(found: object, column: Column) -> InvalidValueError:
    first, last = column.years
    other = times.detect_other_unit(str(found), column.field.units, years=column.years)
    return InvalidValueError(
        f"in {_units(column)} lies outside the years {first} to {last}{_doubt(other)}"
    )


def _doubt(other: str | None) -> str:
    """What to think of a time that is one in another unit, as ``time_units.changed`` tells it."""
    return f": has the source's unit changed? {other}" if other else ""


def _units(column: Column) -> str:
    return " or ".join(column.field.units)


def _instant(found: object, column: Column) -> int:
    units, what = column.field.units, f"timestamp in {_units(column)}"
    if len(units) > 1:
        return _in_one_of(units, _whole(found, what=what), found, column)
    if units == ("iso",):
        return _iso_us(found)
    if units == ("float_s",):
        return _whole(found, scale=9, what=what)
    if units == ("s",):
        return _whole(found, what=what) * 1000
    return _whole(found, what=what)


def _in_one_of(units: Sequence[TimeUnit], number: int, found: object, column: Column) -> int:
    """*number* in lake units; 1970 itself is the same in all of them."""
    if number == 0:
        return 0
    unit = times.unit_of(number, units, years=column.years)
    if unit is None:
        raise _out_of_years(found, column)
    return number * (column.per_second // times.PER_SECOND[unit])


def _iso_us(found: object) -> int:
    matched = _INSTANT.fullmatch(found) if isinstance(found, str) else None
    if matched is None:
        raise InvalidValueError("is not an ISO 8601 time")
    date, hour, minute, second, fraction, zone = matched.groups(default="")
    try:
        moment = datetime.fromisoformat(f"{date}T{hour or '00'}:{minute or '00'}:{second or '00'}")
    except ValueError:
        raise InvalidValueError("is not an ISO 8601 time") from None
    nanoseconds = int(fraction.ljust(9, "0"))
    if nanoseconds % 1000:
        raise InvalidValueError("is finer than a microsecond")
    return (moment - _DAY_ONE - _offset(zone)) // timedelta(microseconds=1) + nanoseconds // 1000


def _offset(zone: str) -> timedelta:
    if zone in ("", "Z"):
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise InvalidValueError("has no such time zone")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset


_CONVERTERS: Mapping[str, Callable[[object, Column], Value]] = {
    "int64": _integer,
    "string": _text,
    "bool": _truth,
    "timestamp": _timestamp,
}


def describe(value: object) -> str:
    """What a value is, and its beginning: for a person who reads the quarantine."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    shown = str(value) if isinstance(value, NumberText) else json.dumps(value)
    return shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[:SHOWN_CHARACTERS]}..."
