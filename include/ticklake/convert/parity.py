"""Checks that a Parquet file holds exactly what was parsed.

Two kinds of facts, both vectorised. The **statistics** of a column do not depend on the
order of its rows: nulls, least, greatest, exact sum; they are kept of the batches as
they come from the parser and of the row groups as they are read back. The **digest**
does: each column of a row group has one before it is written and one when it is read
back. The statistics prove that gathering and sorting lost nothing, the digests that every
byte came through the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from include.ticklake.convert.stored_batches import COLUMNS_AT_ONCE
from include.ticklake.errors import ParityError
from include.ticklake.types import field_types
from include.ticklake.types.field_type import FieldType

_MODULUS = 2**64  # sums wrap at the width of their type; modulo this they agree in any order
_HASHED_BYTES = 1024 * 1024
_CHARACTERS = 256  # of a text; the least and the greatest are kept all the time
_THREADS = 2  # columns that are compared at once; Arrow releases Python's lock


@dataclass(slots=True, kw_only=True)
class ColumnStats:
    """Statistics of one column; they grow with every array that is added."""

    nulls: int = 0
    least: Any = None
    greatest: Any = None
    """Of text, its first characters count."""
    total: int = 0
    """The sum in units of the type's last digit; of the lengths, for text; modulo 2**64."""

    def add(self, values: pa.Array | pa.ChunkedArray) -> None:
        """Count *values* in."""
        field_type = _type_of(values)
        comparable = field_type.comparable(values)
        self.nulls += comparable.null_count
        ends = pc.min_max(_beginnings(comparable)).as_py()
        if ends["min"] is None:
            return
        self.least = ends["min"] if self.least is None else min(self.least, ends["min"])
        self.greatest = ends["max"] if self.greatest is None else max(self.greatest, ends["max"])
        self.total = (self.total + field_type.checksum(comparable)) % _MODULUS


class ParityCheck:
    """The statistics and digests of one conversion, from the parser to the file."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._digests: list[list[tuple[int, ...]]] = []
        self.stats = {name: ColumnStats() for name in schema.names}
        self.rows = 0

    def tap_batches(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield *batches* unchanged, with their statistics taken."""
        for batch in batches:
            for name, stats in self.stats.items():
                stats.add(batch.column(name))
            self.rows += batch.num_rows
            yield batch

    def tap_row_groups(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Yield *tables* unchanged, each the content of a row group, with their digests taken."""
        for table in tables:
            self._digests.append([digest(column) for column in table.columns])
            yield table
            del table  # before the next one is gathered

    def check(self, source: Any, *, where: str) -> None:  # noqa: ANN401 - a binary file
        """Read the Parquet in *source* back; ``ParityError`` where it holds something else."""
        stored = {name: ColumnStats() for name in self._schema.names}
        try:
            rows = self._read_back(source, stored, where=where)
        except (pa.ArrowException, OSError) as error:
            raise _differs(where, f"it cannot be read back: {error}") from error
        if rows != self.rows:
            raise _differs(where, f"{self.rows} rows were parsed, {rows} are stored")
        for name, stats in self.stats.items():
            if stats != stored[name]:
                raise _differs(where, f"column {name}: parsed {stats}, stored {stored[name]}")

    def _read_back(self, source: Any, stored: dict[str, ColumnStats], *, where: str) -> int:  # noqa: ANN401
        with pq.ParquetFile(source, pre_buffer=False) as file, ThreadPoolExecutor(_THREADS) as pool:
            if not file.schema_arrow.equals(self._schema):
                raise _differs(where, f"its schema is {file.schema_arrow}")
            if file.num_row_groups != len(self._digests):
                raise _differs(where, f"it has {file.num_row_groups} row groups")
            for number, digests in enumerate(self._digests):
                for first in range(0, len(digests), COLUMNS_AT_ONCE):
                    names = self._schema.names[first : first + COLUMNS_AT_ONCE]
                    group = file.read_row_group(number, columns=names)
                    read_back = pool.map(
                        _add_and_digest, [stored[name] for name in names], group.columns
                    )
                    expected = digests[first : first + COLUMNS_AT_ONCE]
                    for name, before, after in zip(names, expected, read_back, strict=True):
                        if before != after:
                            what = f"row group {number}, column {name}: other values"
                            raise _differs(where, what)
                    del group, read_back  # before the next one is read
                pa.default_memory_pool().release_unused()
            return int(file.metadata.num_rows)


def _add_and_digest(stats: ColumnStats, column: pa.ChunkedArray) -> tuple[int, ...]:
    stats.add(column)
    return digest(column)


def digest(column: pa.ChunkedArray) -> tuple[int, ...]:
    """A hash of the values of *column* in their order, the same however they are chunked.

    It is Python's own hash, whose key differs between processes: to compare, never to store.
    """
    comparable = _type_of(column).comparable(column)
    step = _rows_hashed(comparable)
    hashes: list[int] = []
    for start in range(0, len(comparable), step):
        values = comparable.slice(start, step).combine_chunks()
        if values.null_count:
            hashes.append(_hash(values.is_valid().cast(pa.uint8())))
            values = values.drop_null()
        hashes.append(_hash(values))
    return tuple(hashes)


def _rows_hashed(column: pa.ChunkedArray) -> int:
    """How many rows are hashed at once, so that a few copies of them are small."""
    if not pa.types.is_string(column.type):
        return _HASHED_BYTES // 8
    text_bytes = pc.sum(pc.binary_length(column)).as_py() or 1
    return max(1, min(len(column) * _HASHED_BYTES // int(text_bytes), _HASHED_BYTES // 8))


def _hash(array: pa.Array) -> int:
    if pa.types.is_string(array.type):
        _, ends, text = array.buffers()
        offsets = memoryview(ends or bytes(4)).cast("b").cast("i")
        begin, end = offsets[array.offset], offsets[array.offset + len(array)]
        view = memoryview(text or b"")
        # In steps: a text may be as long as the largest record.
        steps = range(begin, end, _HASHED_BYTES)
        hashes = (hash(bytes(view[at : min(at + _HASHED_BYTES, end)])) for at in steps)
        return hash((_hash(pc.binary_length(array)), *hashes))
    width = array.type.bit_width // 8
    begin, end = array.offset * width, (array.offset + len(array)) * width
    return hash(bytes(memoryview(array.buffers()[1] or b"")[begin:end]))


def _type_of(values: pa.Array | pa.ChunkedArray) -> type[FieldType]:
    field_type = field_types.of_arrow(values.type)
    assert field_type is not None, values.type  # noqa: S101 - the schema is that of a feed
    return field_type


def _beginnings(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if pa.types.is_string(values.type):
        return pc.utf8_slice_codeunits(values, 0, _CHARACTERS)
    return values


def _differs(where: str, what: str) -> ParityError:
    return ParityError(
        f"{where}: {what}; nothing was committed. Convert it again, and if it happens again keep "
        "the file and report it"
    )
