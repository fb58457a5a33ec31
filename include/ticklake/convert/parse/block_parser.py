"""Blocks of JSON lines in, Arrow record batches and refused records out.

A block goes through ``pyarrow.json`` with the feed's schema in one step. Where that
refuses it, or anything in it needs a second look, the block is halved until its halves are
small, and those go through ``record_parser`` record by record: one bad record costs a
few more looks at its block, not the block. Whatever the fast way accepts is what
``record_parser`` gives; it may only refuse more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from include.ticklake.convert.parse import record_parser
from include.ticklake.convert.parse.arrow_read import (
    has_only_small_exponents,
    lake_array,
    largest_exponent,
    read_schema,
)
from include.ticklake.convert.parse.blocks import Block
from include.ticklake.convert.parse.largest_record import LargestRecordReporter
from include.ticklake.convert.parse.long_record import LONG_BYTES, names_read
from include.ticklake.convert.parse.raw_json import RawColumn
from include.ticklake.lake.table_schema import Column, LakeSchema
from include.ticklake.model.json_path import has_positions
from include.ticklake.sources.json.array_columns import ArrayColumns
from include.ticklake.types.field_type import NumberStyle
from include.ticklake.types.values import InvalidValueError, Value

SMALL_ROWS = 32  # from here on, halving costs more than it saves
MAX_TEXT_BYTES = 64 * 1024
"""What is kept of a refused record: the part has all of it."""

_OBJECT_BYTES = 400  # of a refused record, besides its text


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRecord:
    """A record for the quarantine."""

    part: str
    offset: int
    """Of its first byte in the part's text."""
    reason: str
    record: bytes
    """At most ``MAX_TEXT_BYTES`` of its text."""
    record_bytes: int
    """The length of its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedBatch:
    """A run of lines: the good rows, in their order, and the others."""

    rows: pa.RecordBatch
    refused: tuple[RefusedRecord, ...] = ()

    @property
    def size_bytes(self) -> int:
        """About how much memory it holds."""
        refused_bytes = sum(len(record.record) + _OBJECT_BYTES for record in self.refused)
        return int(self.rows.nbytes) + refused_bytes


class BlockParser:
    """Parses the blocks of one conversion; it learns how the source writes its numbers."""

    def __init__(
        self,
        schema: LakeSchema,
        *,
        fetched_at_ms: int | None = None,
        largest: LargestRecordReporter | None = None,
    ) -> None:
        self._columns = columns = schema.columns
        self._schema = schema.arrow
        self._names_read = names_read(columns)
        names = schema.array_columns
        self._array_columns = None if names is None else ArrayColumns(names)
        self._fetched_at_ms = fetched_at_ms
        self._largest = largest or LargestRecordReporter()
        self._raw = {
            column.name: RawColumn(column.path)
            for column in columns
            if column.field_type.is_raw_json
        }
        self._styles: dict[str, frozenset[NumberStyle]] = {
            column.name: frozenset() for column in columns
        }
        self._read_schema = read_schema(columns, self._styles)
        self._largest_exponent = largest_exponent(columns)
        self._has_observed = False
        # Arrow has no column for one element of an array.
        self._is_for_arrow = not any(has_positions(column.path) for column in columns)

    def parse(self, block: Block) -> Iterator[ParsedBatch]:
        """Yield the rows of *block*: whole where possible, in smaller runs where not."""
        if not self._has_observed:
            self._has_observed = True
            with suppress(InvalidValueError):
                self.observe_number_style(self._members(self._named(block.first_record)))
        if block.rows == 1 and block.size_bytes >= LONG_BYTES:
            yield self._one_by_one(block)  # Arrow would hold its text four times
            return
        rows = self.parse_block(self._named_block(block))
        if rows is not None:
            yield ParsedBatch(rows=rows)
        elif block.rows <= SMALL_ROWS:
            yield self._one_by_one(block)
        else:
            for half in block.halves():
                yield from self.parse(half)

    def observe_number_style(self, record: dict[str, object]) -> None:
        """Take note of how *record* writes its numbers: it only makes parsing faster."""
        styles = record_parser.number_styles(record, self._columns)
        new = {name: style for name, style in styles.items() if style not in self._styles[name]}
        if new:
            self._styles |= {name: self._styles[name] | {style} for name, style in new.items()}
            self._read_schema = read_schema(self._columns, self._styles)

    def parse_block(self, block: Block) -> pa.RecordBatch | None:
        """Return all rows of *block* at once, or None where it needs a second look."""
        if not self._is_for_arrow:
            return None
        lines = block.objects(largest=self._largest)
        if lines is None or not has_only_small_exponents(self._largest_exponent, lines):
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
        except (pa.ArrowInvalid, InvalidValueError):
            return None
        for column, array in zip(self._columns, arrays, strict=True):
            if array.null_count and column.is_required:
                return None
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _named(self, record: bytes) -> bytes:
        """A staged *record* with the names that the feed's columns have now."""
        return record if self._array_columns is None else self._array_columns.staged(record)

    def _named_block(self, block: Block) -> Block:
        columns = self._array_columns
        if columns is None or not columns.may_need_names(block.text):
            return block
        text = b",\n".join(columns.staged(record) for _, record in block.records())
        return replace(block, text=text + (b",\n" if block.text.endswith(b",\n") else b"\n"))

    def _array(self, column: Column, table: pa.Table, block: Block) -> pa.Array:
        if (reader := self._raw.get(column.name)) is not None:
            if (array := reader.array(block.text)) is None:
                raise InvalidValueError
            return array
        if not column.path:
            return pa.repeat(pa.scalar(self._fetched_ms(block), column.arrow_type), table.num_rows)
        read = table.column(column.path[0])
        if len(column.path) > 1:
            read = pc.struct_field(read, list(column.path[1:]))
        return lake_array(column, read.combine_chunks())

    def _one_by_one(self, block: Block) -> ParsedBatch:
        good: list[list[Value]] = []
        refused = []
        for offset, record in block.records():
            self._largest.observe(len(record), part=block.part, offset=offset)
            try:
                named = self._named(record)
                parsed = self._parse(named)
                good.append(self._row(named, parsed, fetched_at_ms=self._fetched_ms(block)))
            except InvalidValueError as error:
                refused.append(
                    RefusedRecord(
                        part=block.part,
                        offset=offset,
                        reason=str(error),
                        record=record[:MAX_TEXT_BYTES],
                        record_bytes=len(record),
                    )
                )
            else:
                self.observe_number_style(parsed)
        values = zip(*good, strict=True) if good else ([] for _ in self._columns)
        arrays = [
            pa.array(column_values, type=column.arrow_type)
            for column, column_values in zip(self._columns, values, strict=True)
        ]
        rows = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        return ParsedBatch(rows=rows, refused=tuple(refused))

    def _parse(self, record: bytes) -> dict[str, object]:
        if self._array_columns and (problem := self._array_columns.misfit(record)):
            raise InvalidValueError(problem)
        return self._members(record)

    def _members(self, record: bytes) -> dict[str, object]:
        return record_parser.parse(record, read=self._names_read)

    def _row(
        self, record: bytes, parsed: dict[str, object], *, fetched_at_ms: int | None
    ) -> list[Value]:
        return record_parser.row(
            record, self._columns, raw=self._raw, fetched_at_ms=fetched_at_ms, parsed=parsed
        )

    def _fetched_ms(self, block: Block) -> int | None:
        return self._fetched_at_ms if block.fetched_at_ms is None else block.fetched_at_ms
