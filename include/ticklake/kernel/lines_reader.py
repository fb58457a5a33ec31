"""A block's text in, its Arrow arrays out, and which of its records Python must look at.

The kernel writes into buffers that are Arrow's: nothing is copied but text, once.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from include.ticklake.kernel.library import Output, kernel
from include.ticklake.kernel.reading_plan import ReadColumn, ReadingPlan
from include.ticklake.types.reading import Kind, Reading
from include.ticklake.types.values import CoarseColumnError, InvalidValueError, Value

MAX_TEXT_BYTES = 2**31 - 1
"""A longer text is left to Python."""


@dataclass(frozen=True, slots=True)
class ReadLines:
    """The values of a text's records, empty for those that Python must look at."""

    arrays: list[pa.Array]
    unread: bytes
    """By record: 1 if Python must look at it, else 0."""


class LinesReader:
    """Reads *columns*, which all have a path; several threads may use it at once."""

    def __init__(self, columns: Sequence[ReadColumn]) -> None:
        self._plan = ReadingPlan(columns)

    def read(self, text: bytes, *, rows: int) -> ReadLines | None:
        """The values of *text*, of *rows* lines; None where Python must look at all of it."""
        columns = [_Buffers(column.arrow_type, reading, rows) for column, reading in self._pairs]
        outputs = (Output * max(len(columns), 1))(*(buffers.output for buffers in columns))
        unread = ctypes.create_string_buffer(rows)
        scratch = (ctypes.c_int32 * (3 * self._plan.nodes))()
        found = kernel().ticklake_parse(
            self._plan.plan, text, len(text), rows, outputs, unread, scratch
        )
        if found < 0:
            return None
        marks = bytearray(unread.raw)
        arrays = []
        for (column, reading), buffers in zip(self._pairs, columns, strict=True):
            array = buffers.array(text)
            arrays.append(_parsed(array, column, marks) if reading.kind == Kind.TOKEN else array)
        return ReadLines(arrays, bytes(marks))

    @property
    def _pairs(self) -> Iterator[tuple[ReadColumn, Reading]]:
        return zip(self._plan.columns, self._plan.readings, strict=True)


class _Buffers:
    """The memory of one column's values."""

    def __init__(self, arrow_type: pa.DataType, reading: Reading, rows: int) -> None:
        self._type = pa.string() if reading.is_text else arrow_type
        self._is_text = reading.is_text
        self._rows = rows
        self._valid = _zeros(-(-rows // 8))
        bits = 32 * (rows + 1) if self._is_text else self._type.bit_width * rows
        self._values = _zeros(-(-bits // 8))
        self._starts = pa.allocate_buffer(4 * rows) if self._is_text else None
        starts = self._starts.address if self._starts else None
        self.output = Output(self._valid.address, self._values.address, starts)

    def array(self, text: bytes) -> pa.Array:
        """The values, of which those of text are copied out of *text*."""
        valid = int.from_bytes(self._valid, "little").bit_count()
        bitmap = self._valid if valid < self._rows else None
        buffers = [bitmap, self._values]
        if self._starts is not None:
            offsets = memoryview(self._values).cast("i")
            data = pa.allocate_buffer(offsets[self._rows])
            kernel().ticklake_text(
                text,
                len(text),
                self._rows,
                self._starts.address,
                self._values.address,
                data.address,
            )
            buffers.append(data)
        return pa.Array.from_buffers(self._type, self._rows, buffers, self._rows - valid)


def longest_line(text: bytes) -> tuple[int, int]:
    """Where the longest line of *text* begins, and how long it is without its line break."""
    start = ctypes.c_int64()
    length = kernel().ticklake_longest(text, len(text), start)
    return start.value, length


def count_lines(text: bytes) -> int:
    """How many line breaks *text* has."""
    return int(kernel().ticklake_count(text, len(text)))


def _zeros(size: int) -> pa.Buffer:
    buffer = pa.allocate_buffer(size)
    ctypes.memset(buffer.address, 0, size)
    return buffer


def _parsed(tokens: pa.Array, column: ReadColumn, unread: bytearray) -> pa.Array:
    """The values of *tokens*, each different one read once; what cannot be read is *unread*."""
    encoded = tokens.dictionary_encode()
    values: list[Value] = []
    misfits: set[int] = set()
    for number, token in enumerate(encoded.dictionary.to_pylist()):
        try:
            values.append(column.field_type.parse_value(token, column.limits))
        except (InvalidValueError, CoarseColumnError):
            values.append(None)
            misfits.add(number)
    if misfits:
        for row, number in enumerate(encoded.indices.to_pylist()):
            if number in misfits:
                unread[row] = 1
    width = pa.int32() if column.arrow_type.bit_width == 32 else pa.int64()
    return pa.array(values, width).take(encoded.indices).cast(column.arrow_type)
