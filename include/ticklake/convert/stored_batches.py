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
    """Yield the rows of *row_groups* in their order; no batch has rows of two of them."""
    names = file.schema_arrow.names
    for number in row_groups:
        group = file.metadata.row_group(number)
        if len(names) > COLUMNS_AT_ONCE:
            yield _in_stripes(file, number, names)
            continue
        fitting_rows = group.num_rows * _BATCH_BYTES // max(group.total_byte_size, 1)
        # In batches: a row group would be in memory twice, here and where it is gathered.
        yield from file.iter_batches(
            min(max(fitting_rows, 1), _BATCH_ROWS), row_groups=[number], use_threads=False
        )


def _in_stripes(file: pq.ParquetFile, number: int, names: Sequence[str]) -> pa.RecordBatch:
    """A row group of many columns, some of which are read at once."""
    arrays: list[pa.Array] = []
    for first in range(0, len(names), COLUMNS_AT_ONCE):
        stripe = list(names[first : first + COLUMNS_AT_ONCE])
        table = file.read_row_group(number, columns=stripe, use_threads=False)
        arrays += [column.combine_chunks() for column in table.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=file.schema_arrow)
