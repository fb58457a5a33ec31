"""Blocks of JSON lines in, Arrow record batches and refused records out.

The kernel reads a block at once and says which of its records Python must look at; those go
through ``record_parser``, one by one, and what it makes of them takes their place. Whatever the
kernel reads is what ``record_parser`` gives; it may only leave more to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from include.ticklake.convert.parse import record_parser
from include.ticklake.convert.parse.blocks import Block
from include.ticklake.convert.parse.largest_record import LargestRecordReporter
from include.ticklake.convert.parse.long_record import names_read
from include.ticklake.convert.parse.raw_json import RawColumn
from include.ticklake.kernel.lines_reader import LinesReader, longest_line
from include.ticklake.lake.table_schema import Column, LakeSchema
from include.ticklake.sources.json.array_columns import ArrayColumns
from include.ticklake.types.values import InvalidValueError, Value

RUN_ROWS = 256
"""Records that Python reads before their rows are handed on."""

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
    """Parses the blocks of one conversion."""

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
        self._reader = LinesReader([column for column in columns if column.path])

    def parse(self, block: Block) -> Iterator[ParsedBatch]:
        """Yield the rows of *block*: at once, or in runs where Python must look at records."""
        self._report_longest(block)
        rows, unread = self._read(block)
        if not any(unread):
            yield ParsedBatch(rows=rows)
            return
        run = _Run(rows, start=0)
        for number, (offset, record) in enumerate(block.records()):
            if not unread[number]:
                continue
            run.put(number, self._read_record(record, offset, block))
            if run.records == RUN_ROWS:
                yield run.batch(end=number + 1, columns=self._columns)
                run = _Run(rows, start=number + 1)
        if run.start < block.rows:
            yield run.batch(end=block.rows, columns=self._columns)

    def read_block(self, block: Block) -> pa.RecordBatch | None:
        """All rows of *block*, or None where Python must look at some of its records."""
        rows, unread = self._read(block)
        return None if any(unread) else rows

    def _read(self, block: Block) -> tuple[pa.RecordBatch, bytes]:
        """A row for each record of *block*, and which of them Python must look at."""
        named = self._named_block(block)
        read = self._reader.read(named.text, rows=block.rows)
        fetched_ms = self._fetched_ms(block)
        is_timed = fetched_ms is not None or all(c.path or not c.is_required for c in self._columns)
        if read is None or not is_timed:
            nothing = [pa.nulls(block.rows, column.arrow_type) for column in self._columns]
            return self._batch(nothing), b"\1" * block.rows
        values = iter(read.arrays)
        arrays = [
            next(values)
            if column.path
            else pa.repeat(pa.scalar(fetched_ms, column.arrow_type), block.rows)
            for column in self._columns
        ]
        return self._batch(arrays), read.unread

    def _batch(self, arrays: list[pa.Array]) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _report_longest(self, block: Block) -> None:
        """Before it is parsed: see ``largest_record``."""
        if self._largest.should_report(block.size_bytes):
            start, length = longest_line(block.text)
            length -= block.text.endswith(b",", start, start + length)
            self._largest.observe(length, part=block.part, offset=block.offset + start)

    def _named(self, record: bytes) -> bytes:
        """A staged *record* with the names that the feed's columns have now."""
        return record if self._array_columns is None else self._array_columns.staged(record)

    def _named_block(self, block: Block) -> Block:
        columns = self._array_columns
        if columns is None or not columns.may_need_names(block.text):
            return block
        text = b",\n".join(columns.staged(record) for _, record in block.records())
        return replace(block, text=text + (b",\n" if block.text.endswith(b",\n") else b"\n"))

    def _read_record(self, record: bytes, offset: int, block: Block) -> list[Value] | RefusedRecord:
        """The values of one *record*, or why it has none."""
        try:
            if self._array_columns and (problem := self._array_columns.misfit(record)):
                raise InvalidValueError(problem)
            named = self._named(record)
            return record_parser.row(
                named,
                self._columns,
                raw=self._raw,
                fetched_at_ms=self._fetched_ms(block),
                parsed=record_parser.parse(named, read=self._names_read),
            )
        except InvalidValueError as error:
            return RefusedRecord(
                part=block.part,
                offset=offset,
                reason=str(error),
                record=record[:MAX_TEXT_BYTES],
                record_bytes=len(record),
            )

    def _fetched_ms(self, block: Block) -> int | None:
        return self._fetched_at_ms if block.fetched_at_ms is None else block.fetched_at_ms


class _Run:
    """Some of a block's rows, and what Python made of records among them."""

    def __init__(self, rows: pa.RecordBatch, *, start: int) -> None:
        self._rows = rows
        self.start = start
        self._read: dict[int, list[Value]] = {}
        self._refused: dict[int, RefusedRecord] = {}

    @property
    def records(self) -> int:
        """How many records Python read."""
        return len(self._read) + len(self._refused)

    def put(self, number: int, result: list[Value] | RefusedRecord) -> None:
        """Keep what record *number* of the block is."""
        if isinstance(result, RefusedRecord):
            self._refused[number] = result
        else:
            self._read[number] = result

    def batch(self, *, end: int, columns: tuple[Column, ...]) -> ParsedBatch:
        """The rows up to *end*, with those that Python read in their places."""
        schema = self._rows.schema
        values = zip(*self._read.values(), strict=True) if self._read else ([] for _ in columns)
        arrays = [
            pa.array(column_values, type=column.arrow_type)
            for column, column_values in zip(columns, values, strict=True)
        ]
        read = pa.RecordBatch.from_arrays(arrays, schema=schema)
        places = {number: end - self.start + n for n, number in enumerate(self._read)}
        indices = [
            places.get(number, number - self.start)
            for number in range(self.start, end)
            if number not in self._refused
        ]
        kernels = self._rows.slice(self.start, end - self.start)
        rows = pa.concat_batches([kernels, read]).take(pa.array(indices, pa.int64()))
        return ParsedBatch(rows=rows, refused=tuple(self._refused.values()))
