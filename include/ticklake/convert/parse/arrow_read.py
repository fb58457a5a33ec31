"""A feed's columns in, how Arrow reads them safely out, and how that becomes the lake's type.

Arrow reads decimals from numbers and from text, in one pass with all else, but it does
not look everywhere that a value fits: what it is told here leaves it no room to be
wrong, and what is left is looked at afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.ticklake.convert.types.values import InvalidValueError
from include.ticklake.lake.table_schema import Column
from include.ticklake.model import times

_ROW = "\x00"  # a name that no record has: Arrow counts no rows where no name is asked for
_NEGATIVE_EXPONENT = re.compile(rb"[eE]-([0-9]+)")
_ESCAPED = (rb"\u0045", rb"\u0065", rb"\u002d", rb"\u002D")  # e and - in a text that is a number


def read_schema(columns: tuple[Column, ...], tokens: Mapping[str, frozenset[str]]) -> pa.Schema:
    """How ``pyarrow.json`` reads each column, given how the source writes it."""
    tree: dict[str, Any] = {}
    for column in columns:
        if column.path and column.field.type != "json":
            here = tree
            for name in column.path[:-1]:
                here = here.setdefault(name, {})
            here[column.path[-1]] = _read_type(column, tokens[column.name])
    return pa.schema(_fields(tree or {_ROW: pa.bool_()}))


def _fields(tree: dict[str, Any]) -> list[pa.Field]:
    return [
        pa.field(name, pa.struct(_fields(below)) if isinstance(below, dict) else below)
        for name, below in tree.items()
    ]


def _read_type(column: Column, tokens: frozenset[str]) -> pa.DataType:
    if column.field.type in ("string", "bool"):
        return column.type
    if "blank" in tokens and "number" not in tokens:
        return pa.string()
    if column.field.unit == "iso":
        return column.type
    if column.field.unit != "float_s" and not column.digits:
        # Arrow reads an int64 from plain digits only, a decimal from text and 1.0 as well.
        return pa.int64() if tokens == {"number"} else pa.decimal128(19, 0)
    return _decimal_read_type(column)


def _decimal_read_type(column: Column) -> pa.DataType:
    """A decimal in which Arrow cannot overflow.

    Arrow checks the digits as they are written, then moves the point without looking
    again: 38 nines read as decimal(38,2) come out as another number. So what it lets
    in must still fit the storage with all digits of the scale behind it.
    """
    precision, scale = column.digits or (19, 9)
    if precision + scale <= 38:
        return pa.decimal128(precision, scale)
    return pa.decimal256(max(min(precision, 76 - scale), 1), scale)


def largest_exponent(columns: tuple[Column, ...]) -> int:
    """The largest n for which Arrow reads ``1e-n`` rightly in every decimal of *columns*.

    A value with more digits behind the point than its type has room for is divided by a
    power of ten from a table, and Arrow does not look whether the table goes that far:
    1e-103 read as decimal(38,0) is nought, or anything.
    """
    read = [_read_type(column, frozenset({"text"})) for column in columns]
    decimals = [kind for kind in read if pa.types.is_decimal(kind)]
    digits = {True: 38, False: 76}
    return min(
        (digits[pa.types.is_decimal128(kind)] + kind.scale - kind.precision for kind in decimals),
        default=999,
    )


def lake_array(column: Column, read: pa.Array) -> pa.Array:
    """*read* in the lake's type; an error where a value does not fit."""
    if column.field.type in ("string", "bool"):
        return read
    if pa.types.is_string(read.type):
        read = pc.if_else(pc.equal(read, ""), pa.scalar(None, pa.string()), read)
        read = read.cast(_read_type(column, frozenset({"text"})))
    if digits := column.digits:
        return _within_digits(read, column, *digits)
    if column.field.type == "int64":
        return read.cast(pa.int64())
    return _timestamps(column, read)


def _within_digits(read: pa.Array, column: Column, precision: int, scale: int) -> pa.Array:
    ends = pc.min_max(read).as_py()
    limit = 10 ** (precision - scale)
    if ends["min"] is not None and not -limit < ends["min"] <= ends["max"] < limit:
        raise InvalidValueError
    return read if read.type == column.type else read.cast(column.type)


def _timestamps(column: Column, read: pa.Array) -> pa.Array:
    unit = column.field.unit
    if unit == "float_s":
        # The same 128 bits without their point are the nanoseconds.
        units = pa.Array.from_buffers(
            pa.decimal128(38, 0), len(read), read.buffers(), read.null_count, read.offset
        )
        instants = units.cast(pa.int64()).cast(column.type)
    elif unit == "s":
        instants = read.cast(pa.int64()).cast(pa.timestamp("s", "UTC")).cast(column.type)
    elif unit == "iso":
        instants = read
    elif len(column.field.units) > 1:
        instants = _in_one_of(column, read.cast(pa.int64())).cast(column.type)
    else:
        instants = read.cast(pa.int64()).cast(column.type)
    ends = pc.min_max(instants.cast(pa.int64())).as_py()
    if ends["min"] is not None and column.time_range is not None:
        first, after = column.time_range
        if not first <= ends["min"] <= ends["max"] < after or _any_doubtful(
            column, instants, least=ends["min"]
        ):
            raise InvalidValueError
    return instants


def _any_doubtful(column: Column, instants: pa.Array, *, least: int) -> bool:
    if column.field.event_time or least > 0:
        return column.is_doubtful(least)
    later = instants.cast(pa.int64()).filter(pc.greater(instants.cast(pa.int64()), 0))
    return len(later) > 0 and column.is_doubtful(pc.min(later).as_py())


def _in_one_of(column: Column, numbers: pa.Array) -> pa.Array:
    """*numbers*, each in the one of the column's units that leads to a plausible year."""
    instants = pc.if_else(pc.equal(numbers, 0), numbers, pa.scalar(None, pa.int64()))
    for unit in column.field.units:
        first, after = times.plausible_range(column.years, unit=unit)
        mine = pc.and_(pc.greater_equal(numbers, first), pc.less(numbers, after))
        factor = column.per_second // times.PER_SECOND[unit]
        instants = pc.if_else(mine, pc.multiply(pc.if_else(mine, numbers, 0), factor), instants)
    if instants.null_count != numbers.null_count:
        raise InvalidValueError
    return instants


def has_only_small_exponents(largest: int, lines: bytes) -> bool:
    """Whether no number of *lines* has a negative exponent beyond *largest*, however written."""
    # One letter is looked for ten times faster than several.
    if b"\\" in lines and any(escape in lines for escape in _ESCAPED):
        return False
    if b"-" not in lines or (b"e-" not in lines and b"E-" not in lines):
        return True
    return all(len(n) <= 3 and int(n) <= largest for n in _NEGATIVE_EXPONENT.findall(lines))
