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

from include.ticklake.convert.types.values import (
    DuplicateNames,
    InvalidValueError,
    NumberText,
    Value,
    describe,
    value_of,
)
from include.ticklake.lake.table_schema import Column
from include.ticklake.model.nesting import MAX_LEVELS, is_too_deep

if TYPE_CHECKING:
    from include.ticklake.convert.parse.raw_json import RawColumn


def row(
    record: bytes,
    columns: tuple[Column, ...],
    *,
    raw: Mapping[str, RawColumn],
    fetched_at_ms: int | None,
    parsed: dict[str, object] | None = None,
) -> list[Value]:
    """The values of one record's *columns*; ``InvalidValueError`` says why it has none.

    Times are integers in the unit of their column. *raw* reads the ``json`` columns;
    *parsed* is what ``parse`` made of the record, if it was called before.
    """
    here = parse(record) if parsed is None else parsed
    values: list[Value] = []
    for column in columns:
        if not column.path:
            value: Value = fetched_at_ms
        elif (reader := raw.get(column.name)) is not None:
            value = _raw(reader, record, column)
        else:
            value = value_of(_find(here, column.path), column)
        if value is None and column.is_required:
            raise InvalidValueError(
                f"{column.name}: there is no value at {'.'.join(column.path)!r}"
            )
        values.append(value)
    return values


def tokens(parsed: dict[str, object], columns: tuple[Column, ...]) -> dict[str, str]:
    """How a record writes each column: ``number``, ``text`` or ``blank``; nothing where null."""
    kinds = {}
    for column in columns:
        if column.path and column.field.type not in ("json", "string", "bool"):
            kind = _token(_find(parsed, column.path))
            if kind is not None:
                kinds[column.name] = kind
    return kinds


def _token(value: object) -> str | None:
    if isinstance(value, NumberText):
        return "number" if value.lstrip("-").isdecimal() else "text"
    if isinstance(value, str):
        return "text" if value else "blank"
    return None


def parse(record: bytes) -> dict[str, object]:
    """Decode a record, numbers as their own text; ``InvalidValueError`` unless it is an object."""
    if is_too_deep(record):
        raise InvalidValueError(f"nested too deep: more than {MAX_LEVELS} levels")
    try:
        parsed = _DECODER.decode(record.decode())
    except UnicodeDecodeError as wrong:
        raise InvalidValueError(f"not UTF-8 at byte {wrong.start}") from None
    except json.JSONDecodeError as wrong:
        raise InvalidValueError(f"not JSON: {wrong.msg} at character {wrong.pos}") from None
    if not isinstance(parsed, dict):
        raise InvalidValueError(f"the record is {describe(parsed)}, not an object")
    return parsed


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else DuplicateNames(pairs)


def _no_constant(name: str) -> NoReturn:
    raise InvalidValueError(f"not JSON: {name} is not a number")


def _find(record: dict[str, object], path: tuple[str, ...]) -> object:
    """The value at *path*; None where there is none."""
    here: object = record
    for depth, name in enumerate(path):
        if not isinstance(here, dict):
            raise InvalidValueError(
                f"{'.'.join(path[:depth])!r} is {describe(here)}, not an object"
            )
        if isinstance(here, DuplicateNames) and here.times[name] > 1:
            where = ".".join(path[: depth + 1])
            raise InvalidValueError(f"{where!r} stands there {here.times[name]} times")
        here = here.get(name)
        if here is None:
            return None
    return here


def _raw(reader: RawColumn, record: bytes, column: Column) -> str | None:
    try:
        return reader.text(record)
    except ValueError as wrong:
        raise InvalidValueError(
            f"{column.name}: its text cannot be kept as it is ({wrong})"
        ) from None


_DECODER = json.JSONDecoder(
    parse_int=NumberText,
    parse_float=NumberText,
    parse_constant=_no_constant,
    object_pairs_hook=_object,
)
