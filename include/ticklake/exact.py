"""One record's text in, its exact values out, or why it is refused: the meaning of a record.

This and ``values`` are the definition, in plain Python and ``Decimal``, one record at a
time. ``parse`` does the same for blocks of records at once and must agree with it.

* ``null``, a missing name and, for numbers and times, an empty text are no value. A
  record without a value that must be there is refused.
* A name that a column reads may stand in its object once only: of two values, neither is it.
* A ``json`` value keeps its text as it came, to the byte; of two, the last is it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from include.ticklake.schema import Column
from include.ticklake.values import NumberText, Pairs, Unfit, Value, shape, value_of

if TYPE_CHECKING:
    from include.ticklake.rawjson import RawColumn


def row(
    record: bytes,
    columns: tuple[Column, ...],
    *,
    raw: Mapping[str, RawColumn],
    fetched_at_ms: int | None,
) -> list[Value]:
    """The values of one record's *columns*; ``Unfit`` says why it has none.

    Times are integers in the unit of their column. *raw* reads the ``json`` columns.
    """
    parsed = _parse(record)
    values: list[Value] = []
    for column in columns:
        if not column.path:
            value: Value = fetched_at_ms
        elif (reader := raw.get(column.name)) is not None:
            value = _raw(reader, record, column)
        else:
            value = value_of(_find(parsed, column.path), column)
        if value is None and column.field.must_be_there:
            raise Unfit(f"{column.name}: there is no value at {'.'.join(column.path)!r}")
        values.append(value)
    return values


def tokens(record: bytes, columns: tuple[Column, ...]) -> dict[str, str]:
    """How *record* writes each column: ``number``, ``text`` or ``blank``; nothing where null."""
    try:
        parsed = _parse(record)
        found = {
            column.name: _find(parsed, column.path)
            for column in columns
            if column.path and column.field.type != "json"
        }
    except Unfit:
        return {}
    kinds = {name: _token(value) for name, value in found.items()}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _token(value: object) -> str | None:
    if isinstance(value, NumberText):
        return "number" if value.lstrip("-").isdecimal() else "text"
    if isinstance(value, str):
        return "text" if value else "blank"
    return None


def _parse(record: bytes) -> Pairs:
    try:
        parsed = json.loads(
            record.decode(),
            parse_int=NumberText,
            parse_float=NumberText,
            parse_constant=_no_constant,
            object_pairs_hook=Pairs,
        )
    except RecursionError:
        raise Unfit("nested too deep") from None
    except UnicodeDecodeError as wrong:
        raise Unfit(f"not UTF-8 at byte {wrong.start}") from None
    except json.JSONDecodeError as wrong:
        raise Unfit(f"not JSON: {wrong.msg} at character {wrong.pos}") from None
    if not isinstance(parsed, Pairs):
        raise Unfit(f"the record is {shape(parsed)}, not an object")
    return parsed


def _no_constant(name: str) -> NoReturn:
    raise Unfit(f"not JSON: {name} is not a number")


def _find(record: Pairs, path: tuple[str, ...]) -> object:
    """The value at *path*; None where there is none."""
    here: object = record
    for depth, name in enumerate(path):
        if not isinstance(here, Pairs):
            raise Unfit(f"{'.'.join(path[:depth])!r} is {shape(here)}, not an object")
        found = [value for known, value in here if known == name]
        if len(found) > 1:
            raise Unfit(f"{'.'.join(path[: depth + 1])!r} stands there {len(found)} times")
        if not found or found[0] is None:
            return None
        here = found[0]
    return here


def _raw(reader: RawColumn, record: bytes, column: Column) -> str | None:
    try:
        return reader.text(record)
    except ValueError as wrong:
        raise Unfit(f"{column.name}: its text cannot be kept as it is ({wrong})") from None
