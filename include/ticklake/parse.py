"""Blocks of JSON lines in, Arrow record batches and refused records out.

A block goes through ``pyarrow.json`` with the feed's schema in one step. Where that
refuses it, or anything in it needs a second look, the block is halved until what is
left is small, and that goes through ``exact`` record by record: one bad record costs a
few more looks at its block, not the block. Whatever the fast way lets through is what
``exact`` says; it may only refuse more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from include.ticklake import exact
from include.ticklake.blocks import Block
from include.ticklake.rawjson import RawColumn
from include.ticklake.schema import Column
from include.ticklake.values import Unfit, Value

SMALL_ROWS = 64  # from here on, halving costs more than it saves

_ROW = "\x00"  # a name that no record has: Arrow counts no rows where no name is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A record for the quarantine."""

    part: str
    offset: int
    """Of its first byte in the part's text."""
    reason: str
    record: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What one run of lines held: the good rows, in their order, and the others."""

    rows: pa.RecordBatch
    refused: tuple[Refused, ...] = ()


class Parser:
    """Reads the blocks of one conversion; it learns how the source writes its numbers."""

    def __init__(
        self, columns: tuple[Column, ...], schema: pa.Schema, *, fetched_at_ms: int | None = None
    ) -> None:
        self._columns = columns
        self._schema = schema
        self._fetched_at_ms = fetched_at_ms
        self._raw = {
            column.name: RawColumn(column.path) for column in columns if column.field.type == "json"
        }
        self._tokens: dict[str, frozenset[str]] = {column.name: frozenset() for column in columns}
        self._read_schema = read_schema(columns, self._tokens)
        self._learned = False

    def parse(self, block: Block) -> Iterator[Parsed]:
        """The rows of *block*, whole where possible, in smaller runs where not."""
        if not self._learned:
            self.learn(block.first_record)
            self._learned = True
        rows = self.at_once(block)
        if rows is not None:
            yield Parsed(rows=rows)
        elif block.rows <= SMALL_ROWS:
            yield self._one_by_one(block)
        else:
            for half in block.halves():
                yield from self.parse(half)

    def learn(self, record: bytes) -> None:
        """Take note of how *record* writes its numbers: it only makes reading faster."""
        for name, token in exact.tokens(record, self._columns).items():
            self._tokens[name] |= {token}
        self._read_schema = read_schema(self._columns, self._tokens)

    def at_once(self, block: Block) -> pa.RecordBatch | None:
        """All rows of *block*, or None where it needs a second look."""
        lines = block.objects()
        if lines is None:
            return None
        try:
            table = arrow_json.read_json(
                pa.BufferReader(lines),
                read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
                parse_options=arrow_json.ParseOptions(
                    explicit_schema=self._read_schema, unexpected_field_behavior="ignore"
                ),
            )
            if table.num_rows != block.rows:
                return None
            arrays = [self._array(column, table, block) for column in self._columns]
        except (pa.ArrowInvalid, Unfit):
            return None
        for column, array in zip(self._columns, arrays, strict=True):
            if array.null_count and column.field.must_be_there:
                return None
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _array(self, column: Column, table: pa.Table, block: Block) -> pa.Array:
        if (reader := self._raw.get(column.name)) is not None:
            if (array := reader.array(block.text)) is None:
                raise Unfit
            return array
        if not column.path:
            return pa.repeat(pa.scalar(self._fetched_at_ms, column.type), table.num_rows)
        read = table.column(column.path[0])
        if len(column.path) > 1:
            read = pc.struct_field(read, list(column.path[1:]))
        return lake_array(column, read.combine_chunks())

    def _one_by_one(self, block: Block) -> Parsed:
        good: list[list[Value]] = []
        refused = []
        for offset, record in block.records():
            try:
                good.append(self._row(record))
            except Unfit as unfit:
                refused.append(
                    Refused(part=block.part, offset=offset, reason=str(unfit), record=record)
                )
            else:
                self.learn(record)
        values = zip(*good, strict=True) if good else ([] for _ in self._columns)
        arrays = [
            pa.array(column_values, type=column.type)
            for column, column_values in zip(self._columns, values, strict=True)
        ]
        rows = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        return Parsed(rows=rows, refused=tuple(refused))

    def _row(self, record: bytes) -> list[Value]:
        return exact.row(record, self._columns, raw=self._raw, fetched_at_ms=self._fetched_at_ms)


def read_schema(columns: tuple[Column, ...], tokens: dict[str, frozenset[str]]) -> pa.Schema:
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
    if column.field.unit != "float_s" and not column.field.decimal_digits:
        # Arrow reads an int64 from plain digits only, a decimal from text and 1.0 as well.
        return pa.int64() if tokens == {"number"} else pa.decimal128(38, 0)
    return _decimal_read_type(column)


def _decimal_read_type(column: Column) -> pa.DataType:
    """A decimal in which Arrow cannot overflow.

    Arrow checks the digits as they are written, then moves the point without looking
    again: 38 nines read as decimal(38,2) come out as another number. So what it lets
    in must still fit the storage with all digits of the scale behind it.
    """
    precision, scale = column.field.decimal_digits or (19, 9)
    if precision + scale <= 38:
        return pa.decimal128(precision, scale)
    return pa.decimal256(max(min(precision, 76 - scale), 1), scale)


def lake_array(column: Column, read: pa.Array) -> pa.Array:
    """*read* in the lake's type; ``Unfit`` or ``ArrowInvalid`` where a value does not fit."""
    if column.field.type in ("string", "bool"):
        return read
    if pa.types.is_string(read.type):
        read = pc.if_else(pc.equal(read, ""), pa.scalar(None, pa.string()), read)
        read = read.cast(_read_type(column, frozenset({"text"})))
    if digits := column.field.decimal_digits:
        return _within_digits(read, column, *digits)
    if column.field.type == "int64":
        return read.cast(pa.int64())
    return _timestamps(column, read)


def _within_digits(read: pa.Array, column: Column, precision: int, scale: int) -> pa.Array:
    ends = pc.min_max(read).as_py()
    limit = 10 ** (precision - scale)
    if ends["min"] is not None and not -limit < ends["min"] <= ends["max"] < limit:
        raise Unfit
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
    else:
        instants = read.cast(pa.int64()).cast(column.type)
    ends = pc.min_max(instants.cast(pa.int64())).as_py()
    if ends["min"] is not None and column.time_range is not None:
        first, after = column.time_range
        if not first <= ends["min"] <= ends["max"] < after:
            raise Unfit
    return instants
