"""How Arrow safely reads the columns of a feed, and how that becomes the lake's types.

Arrow reads decimals from numbers and from text, in one pass with all else, but it does
not check everywhere that a value fits: the types that it is given leave it no room to be
wrong, and the rest is checked afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.ticklake.lake.table_schema import Column
from include.ticklake.types.field_type import NumberStyle
from include.ticklake.types.null_values import NullValues

_ROW = "\x00"  # a name that no record has: Arrow counts no rows where no name is asked for
_NEGATIVE_EXPONENT = re.compile(rb"[eE]-([0-9]+)")
_ESCAPED = (rb"\u0045", rb"\u0065", rb"\u002d", rb"\u002D")  # e and - in a text that is a number
_INT64 = 2**63
_TEXT: frozenset[NumberStyle] = frozenset({"text"})


def read_schema(
    columns: tuple[Column, ...], styles: Mapping[str, frozenset[NumberStyle]]
) -> pa.Schema:
    """How ``pyarrow.json`` reads each column, given how the source writes it."""
    tree: dict[str, Any] = {}
    for column in columns:
        if column.path and not column.field_type.is_raw_json:
            branch = tree
            for name in column.path[:-1]:
                branch = branch.setdefault(name, {})
            branch[column.path[-1]] = column.field_type.arrow_read_type(styles[column.name])
    return pa.schema(_fields(tree or {_ROW: pa.bool_()}))


def _fields(tree: dict[str, Any]) -> list[pa.Field]:
    return [
        pa.field(name, pa.struct(_fields(below)) if isinstance(below, dict) else below)
        for name, below in tree.items()
    ]


def largest_exponent(columns: tuple[Column, ...]) -> int:
    """The largest n for which Arrow reads ``1e-n`` correctly in every decimal of *columns*.

    A value with more digits behind the point than its type has room for is divided by a
    power of ten from a table, and Arrow does not check whether the table goes that far:
    1e-103 read as decimal(38,0) is zero, or anything.
    """
    read_types = [
        column.field_type.arrow_read_type(_TEXT)
        for column in columns
        if column.path and not column.field_type.is_raw_json
    ]
    digits = {True: 38, False: 76}
    return min(
        (
            digits[pa.types.is_decimal128(read_type)] + read_type.scale - read_type.precision
            for read_type in read_types
            if pa.types.is_decimal(read_type)
        ),
        default=999,
    )


def lake_array(column: Column, read: pa.Array) -> pa.Array:
    """*read* in the lake's type; an error where a value does not fit."""
    field_type, nulls = column.field_type, column.nulls
    if nulls.texts and pa.types.is_string(read.type):
        listed = pc.is_in(read, value_set=pa.array(sorted(nulls.texts), pa.string()))
        read = pc.if_else(listed, pa.scalar(None, pa.string()), read)
        read = read.cast(field_type.arrow_read_type(_TEXT))
    if not nulls.numbers:
        return field_type.from_arrow_read(read, column.limits)
    if not pa.types.is_string(read.type):
        return field_type.from_arrow_read(_without_nulls(read, nulls), column.limits)
    array = field_type.from_arrow_read(read, column.limits)
    return _without_nulls(array, nulls) if nulls.is_numeric else array


def _without_nulls(numbers: pa.Array, nulls: NullValues) -> pa.Array:
    """*numbers*, null where they are equal to one that stands for no value."""
    for number in nulls.numbers:
        null = _scalar(number, numbers.type)
        if null is not None:
            is_null = pc.equal(numbers, null)
            numbers = pc.if_else(is_null, pa.scalar(None, numbers.type), numbers)
    return numbers


def _scalar(number: Decimal, kind: pa.DataType) -> pa.Scalar | None:
    """*number* as a value of *kind*; None where that is not of numbers, or cannot hold it."""
    if pa.types.is_floating(kind):
        return pa.array([float(number)], kind)[0]
    if pa.types.is_int64(kind):
        is_held = number == number.to_integral_value() and abs(number) < _INT64
        return pa.array([int(number)], kind)[0] if is_held else None
    if not pa.types.is_decimal(kind):
        return None
    try:  # not at once: pyarrow makes no zero with more places than digits
        return pa.array([number], pa.decimal256(76, kind.scale)).cast(kind)[0]
    except (pa.ArrowInvalid, OverflowError):
        return None


def has_only_small_exponents(largest: int, lines: bytes) -> bool:
    """Whether no number of *lines* has a negative exponent beyond *largest*, however written."""
    # One letter is looked for ten times faster than several.
    if b"\\" in lines and any(escape in lines for escape in _ESCAPED):
        return False
    if b"-" not in lines or (b"e-" not in lines and b"E-" not in lines):
        return True
    exponents = (match[1] for match in _NEGATIVE_EXPONENT.finditer(lines))
    return all(len(n) <= 3 and int(n) <= largest for n in exponents)
