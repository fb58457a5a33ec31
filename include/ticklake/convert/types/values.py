"""One value of a record in, the same value in its column's type out: exact, or refused.

A number may be written as a JSON number or as text, ``1.5`` or ``"1.5"``, with an
exponent too; it must fit its type exactly. Nothing is ever rounded. Times are integers
in the unit of their column.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation

from include.ticklake.lake.table_schema import Column, years
from include.ticklake.model import times
from include.ticklake.model.times import Instant

Value = int | bool | str | Decimal | None

SHOWN_CHARACTERS = 40

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_PLAIN = re.compile(r"-?[0-9]+")
_EXACT = Context(prec=100, Emax=MAX_EMAX, Emin=MIN_EMIN)
_INT64 = 2**63


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


def _integer(found: object, column: Column) -> int:
    if isinstance(found, str) and len(found) < 19 and _PLAIN.fullmatch(found):
        return int(found)
    units = _shifted(_number(found), digits=19, scale=0, what=column.field.type)
    if not -_INT64 <= units < _INT64:
        raise InvalidValueError(f"is too large for {column.field.type}")
    return units


def _timestamp(found: object, column: Column) -> int:
    instant = _instant(found, column)
    at, finer_ns = divmod(instant.ns, 10**9 // column.per_second) if instant else (None, 0)
    first, after = column.time_range or (-_INT64, _INT64)
    inside = at is not None and first <= at < after
    if at is None or not inside or column.is_doubtful(at):
        other = times.detect_other_unit(str(found), column.field.units, years=column.years)
        if at is None or not inside or other:
            raise _misplaced(at, column, other=other)
    if finer_ns or (instant and not instant.is_exact):
        raise InvalidValueError(f"is finer than {times.UNIT_NAMES[column.type.unit]}")
    return at


def _instant(found: object, column: Column) -> Instant | None:
    """The instant *found*; None where it lies outside the calendar, or in no plausible year."""
    units = column.field.units
    is_iso = units == ("iso",)
    is_written = isinstance(found, str) and not (is_iso and isinstance(found, NumberText))
    instant = times.parse_any(found, units, years=column.years) if is_written else None
    if instant is None and (is_iso or not is_written or not times.is_number(found)):
        raise InvalidValueError("is not an ISO 8601 time" if is_iso else "is not a number")
    return instant


def _misplaced(at: int | None, column: Column, *, other: str | None) -> InvalidValueError:
    """Why an instant, in lake units, has no place in *column*."""
    unit = " or ".join(column.field.units)
    doubt = f": has the source's unit changed? {other}" if other else ""
    first, last = years(*column.years)
    if not column.field.event_time and (at is not None or len(column.field.units) == 1):
        early = at is not None and column.is_doubtful(at)
        why = "lies at the beginning of 1970" if early else "is more than a timestamp can hold"
        return InvalidValueError(f"in {unit} {why}{doubt}")
    if at is not None and first.timestamp() <= at // column.per_second <= last.timestamp():
        return InvalidValueError("lies outside the window")
    return InvalidValueError(f"in {unit} lies outside the years {first.year} to {last.year}{doubt}")


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
