"""What was parsed in, what the Parquet holds beside it: both must be the same.

Two kinds of facts, both vectorised. The **tally** of a column does not depend on the
order of its rows: nulls, least, greatest, exact sum; one is kept of the batches as
they come from the parser, one of the row groups as they are read back. The **digest**
does: each column of a row group has one before it is written and one when it is read
back. The tallies show that gathering and sorting lost nothing, the digests that every
byte came through the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from include.ticklake.errors import ParityError

_MODULUS = 2**64  # sums wrap at the width of their type; modulo this they agree in any order
_PIECE_BYTES = 1024 * 1024
_LETTERS = 256  # of a text; the least and the greatest are kept all the time
_WIDE = Context(prec=100)
_THREADS = 2  # columns that are compared at once; Arrow lets go of Python's lock


@dataclass(slots=True, kw_only=True)
class ColumnStats:
    """Facts of one column; they grow with every array that is added."""

    nulls: int = 0
    least: Any = None
    greatest: Any = None
    """Of text, its first letters count."""
    total: int = 0
    """The sum in units of the type's last digit; of the lengths, for text; modulo 2**64."""

    def add(self, values: pa.Array | pa.ChunkedArray) -> None:
        """Count *values* in."""
        plain = _plain(values)
        self.nulls += plain.null_count
        ends = pc.min_max(_beginnings(plain)).as_py()
        if ends["min"] is None:
            return
        self.least = ends["min"] if self.least is None else min(self.least, ends["min"])
        self.greatest = ends["max"] if self.greatest is None else max(self.greatest, ends["max"])
        self.total = (self.total + _sum(plain)) % _MODULUS


class ParityCheck:
    """The facts of one conversion, from the parser to the file."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._digests: list[list[tuple[int, ...]]] = []
        self.tallies = {name: ColumnStats() for name in schema.names}
        self.rows = 0

    def parsed(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """*batches* as they are, counted on the way."""
        for batch in batches:
            _add(self.tallies, batch)
            self.rows += batch.num_rows
            yield batch

    def gathered(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """*tables* as they are, each the content of a row group, digested on the way."""
        for table in tables:
            self._digests.append([digest(column) for column in table.columns])
            yield table
            del table  # before the next one is gathered

    def check(self, source: Any, *, where: str) -> None:  # noqa: ANN401 - a binary file
        """Read the Parquet in *source* back; ``ParityError`` where it holds something else."""
        stored = {name: ColumnStats() for name in self._schema.names}
        try:
            rows = self._read_back(source, stored, where=where)
        except (pa.ArrowException, OSError) as wrong:
            raise _differs(where, f"it cannot be read back: {wrong}") from wrong
        if rows != self.rows:
            raise _differs(where, f"{self.rows} rows were parsed, {rows} are stored")
        for name, tally in self.tallies.items():
            if tally != stored[name]:
                raise _differs(where, f"column {name}: parsed {tally}, stored {stored[name]}")

    def _read_back(self, source: Any, stored: dict[str, ColumnStats], *, where: str) -> int:  # noqa: ANN401
        with pq.ParquetFile(source, pre_buffer=False) as file, ThreadPoolExecutor(_THREADS) as pool:
            if not file.schema_arrow.equals(self._schema):
                raise _differs(where, f"its schema is {file.schema_arrow}")
            if file.num_row_groups != len(self._digests):
                raise _differs(where, f"it has {file.num_row_groups} row groups")
            for number, digests in enumerate(self._digests):
                group = file.read_row_group(number)
                found = pool.map(_seen, stored.values(), group.columns)
                for name, known, seen in zip(stored, digests, found, strict=True):
                    if seen != known:
                        raise _differs(where, f"row group {number}, column {name}: other values")
                del group, found  # before the next one is read
                pa.default_memory_pool().release_unused()
            return int(file.metadata.num_rows)


def _seen(tally: ColumnStats, column: pa.ChunkedArray) -> tuple[int, ...]:
    """The digest of *column*, which is counted in."""
    tally.add(column)
    return digest(column)


def digest(column: pa.ChunkedArray) -> tuple[int, ...]:
    """A hash of the values of *column* in their order, the same however they are chunked.

    It is Python's own keyed hash, made anew in every process: to compare, never to keep.
    """
    plain = _plain(column)
    step = _rows_per_piece(plain)
    hashes: list[int] = []
    for start in range(0, len(plain), step):
        piece = plain.slice(start, step).combine_chunks()
        if piece.null_count:
            hashes.append(_hash(piece.is_valid().cast(pa.uint8())))
            piece = piece.drop_null()
        hashes.append(_hash(piece))
    return tuple(hashes)


def _rows_per_piece(column: pa.ChunkedArray) -> int:
    """How many rows are hashed at once: no more than make a few copies of them small."""
    if not pa.types.is_string(column.type):
        return _PIECE_BYTES // 8
    letters = pc.sum(pc.binary_length(column)).as_py() or 1
    return max(1, min(len(column) * _PIECE_BYTES // int(letters), _PIECE_BYTES // 8))


def _hash(array: pa.Array) -> int:
    if pa.types.is_string(array.type):
        _, ends, text = array.buffers()
        offsets = memoryview(ends or bytes(4)).cast("b").cast("i")
        begin, end = offsets[array.offset], offsets[array.offset + len(array)]
        return hash((_hash(pc.binary_length(array)), bytes(memoryview(text or b"")[begin:end])))
    width = array.type.bit_width // 8
    begin, end = array.offset * width, (array.offset + len(array)) * width
    return hash(bytes(memoryview(array.buffers()[1] or b"")[begin:end]))


def _add(tallies: dict[str, ColumnStats], rows: pa.RecordBatch | pa.Table) -> None:
    for name, tally in tallies.items():
        tally.add(rows.column(name))


def _plain(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """*values* as numbers where they are times or truths."""
    if pa.types.is_timestamp(values.type):
        return values.cast(pa.int64())
    if pa.types.is_boolean(values.type):
        return values.cast(pa.uint8())  # a bit of a neighbour may share a byte
    return values


def _beginnings(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if pa.types.is_string(values.type):
        return pc.utf8_slice_codeunits(values, 0, _LETTERS)
    return values


def _sum(values: pa.Array | pa.ChunkedArray) -> int:
    if pa.types.is_string(values.type):
        values = pc.binary_length(values)
    total = pc.sum(values).as_py()
    if isinstance(total, Decimal):
        return int(total.scaleb(values.type.scale, context=_WIDE))
    return int(total)


def _differs(where: str, what: str) -> ParityError:
    return ParityError(
        f"{where}: {what}; nothing was committed. Convert it again, and if it happens again keep "
        "the file and report it"
    )
