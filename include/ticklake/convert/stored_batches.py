"""A Parquet file of the lake in, its rows out in batches: bounded in rows, bytes and columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyarrow import parquet as pq

COLUMNS_AT_ONCE = 256
"""A column that is being read takes some 20 KB, besides its values."""

_BATCH_ROWS = 8_192
_BATCH_BYTES = 2 * 1024 * 1024


def stored_batches(file: pq.ParquetFile, row_groups: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of *row_groups* in their order; small ones are one batch together."""
    names = file.schema_arrow.names
    if len(names) > COLUMNS_AT_ONCE:
        yield from (_in_stripes(file, number, names) for number in row_groups)
        return
    for numbers, rows, size_bytes in _runs(file, row_groups):
        fitting_rows = rows * _BATCH_BYTES // max(size_bytes, 1)
        # In batches: a row group would be in memory twice, here and where it is gathered.
        yield from file.iter_batches(
            min(max(fitting_rows, 1), _BATCH_ROWS), row_groups=numbers, use_threads=False
        )


def _runs(file: pq.ParquetFile, row_groups: Sequence[int]) -> Iterator[tuple[list[int], int, int]]:
    """Yield row groups that fit a batch together, or one that does not, with rows and bytes."""
    numbers: list[int] = []
    rows = size_bytes = 0
    for number in row_groups:
        group = file.metadata.row_group(number)
        more_rows, more_bytes = rows + group.num_rows, size_bytes + group.total_byte_size
        if numbers and (more_rows > _BATCH_ROWS or more_bytes > _BATCH_BYTES):
            yield numbers, rows, size_bytes
            numbers, more_rows, more_bytes = [], group.num_rows, group.total_byte_size
        numbers.append(number)
        rows, size_bytes = more_rows, more_bytes
    if numbers:
        yield numbers, rows, size_bytes


def _in_stripes(file: pq.ParquetFile, number: int, names: Sequence[str]) -> pa.RecordBatch:
    """A row group of many columns, some of which are read at once."""
    arrays: list[pa.Array] = []
    for first in range(0, len(names), COLUMNS_AT_ONCE):
        stripe = list(names[first : first + COLUMNS_AT_ONCE])
        table = file.read_row_group(number, columns=stripe, use_threads=False)
        arrays += [column.combine_chunks() for column in table.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=file.schema_arrow)
