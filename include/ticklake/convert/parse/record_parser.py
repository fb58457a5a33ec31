"""The meaning of a record: its text in, its exact values out, or why it is refused.

This, with each type's ``parse_value``, is the definition, in plain Python and ``Decimal``, one
record at a time. The kernel does the same for whole blocks and must agree with it.

* ``null``, a missing name, what the field's ``null_values`` list and, for numbers and times, an
  empty text are null. A record without a required value is refused.
* A name that a column reads may occur once in its object: of two values, neither counts.
* A ``json`` value keeps its text as it came, to the byte; of two, the last counts.

Of a long record only what columns read is decoded: see ``long_record``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from include.ticklake.convert.parse.long_record import (
    LONG_BYTES,
    DuplicateNames,
    names_read,
    parse_long,
)
from include.ticklake.errors import FeedFileError
from include.ticklake.feed.read_names import NameTree
from include.ticklake.lake.table_schema import Column
from include.ticklake.model.json_path import is_position
from include.ticklake.model.nesting import MAX_LEVELS, is_too_deep
from include.ticklake.types.values import (
    CoarseColumnError,
    InvalidValueError,
    NumberText,
    Value,
    describe,
)

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
    """Return the values of one record's *columns*; ``InvalidValueError`` says why it has none.

    Times are integers in the unit of their column. *raw* reads the ``json`` columns;
    *parsed* is what ``parse`` made of the record, if it was called before.
    """
    members = parse(record, read=names_read(columns)) if parsed is None else parsed
    values: list[Value] = []
    for column in columns:
        if not column.path:
            value: Value = fetched_at_ms
        elif (reader := raw.get(column.name)) is not None:
            value = _raw(reader, record, column)
        else:
            value = _value(_find(members, column.path), column)
        if value is None and column.is_required:
            raise InvalidValueError(
                f"{column.name}: there is no value at {'.'.join(column.path)!r}"
            )
        values.append(value)
    return values


def parse(record: bytes, *, read: NameTree | None = None) -> dict[str, object]:
    """Decode a record, numbers as their own text; ``InvalidValueError`` unless it is an object.

    Of a long one only what *read* names, if it is given.
    """
    if is_too_deep(record):
        raise InvalidValueError(f"nested too deep: more than {MAX_LEVELS} levels")
    if read is not None and len(record) >= LONG_BYTES:
        return parse_long(record, read)
    try:
        parsed = _DECODER.decode(record.decode())
    except UnicodeDecodeError as error:
        raise InvalidValueError(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise InvalidValueError(f"not JSON: {error.msg} at character {error.pos}") from None
    if not isinstance(parsed, dict):
        raise InvalidValueError(f"the record is {describe(parsed)}, not an object")
    return parsed


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    return DuplicateNames(members, Counter(name for name, _ in pairs))


def _no_constant(name: str) -> NoReturn:
    raise InvalidValueError(f"not JSON: {name} is not a number")


def _find(record: dict[str, object], path: tuple[str, ...]) -> object:
    """The value at *path*; None where there is none."""
    value: object = record
    for depth, name in enumerate(path):
        if isinstance(value, list) and is_position(name):
            value = value[int(name)] if int(name) < len(value) else None
            if value is None:
                return None
            continue
        if not isinstance(value, dict):
            raise InvalidValueError(
                f"{'.'.join(path[:depth])!r} is {describe(value)}, not an object"
            )
        if isinstance(value, DuplicateNames) and value.occurrences[name] > 1:
            where = ".".join(path[: depth + 1])
            raise InvalidValueError(f"{where!r} occurs {value.occurrences[name]} times")
        value = value.get(name)
        if value is None:
            return None
    return value


def _value(value: object, column: Column) -> Value:
    """*value* as *column* holds it, None for no value; ``InvalidValueError`` says why not."""
    if column.nulls.matches(value):
        return None
    try:
        return column.field_type.parse_value(value, column.limits)
    except InvalidValueError as error:
        raise InvalidValueError(f"{column.name}: {describe(value)} {error}") from None
    except CoarseColumnError as error:
        raise FeedFileError(f"fields.{column.name}: {describe(value)} {error}") from None


def _raw(reader: RawColumn, record: bytes, column: Column) -> str | None:
    try:
        return reader.text(record)
    except ValueError as error:
        raise InvalidValueError(
            f"{column.name}: its text cannot be kept as it is ({error})"
        ) from None


_DECODER = json.JSONDecoder(
    parse_int=NumberText,
    parse_float=NumberText,
    parse_constant=_no_constant,
    object_pairs_hook=_object,
)
