"""The rows of a file come back in batches of few bytes, and of few columns at once."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from include.ticklake.convert.stored_batches import COLUMNS_AT_ONCE, stored_batches
from include.ticklake.model.sizes import MIB


def opened(*tables: pa.Table) -> pq.ParquetFile:
    """A file with each of *tables* as a row group."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)
    return pq.ParquetFile(pa.BufferReader(sink.getvalue()))


@pytest.mark.parametrize("columns", [1, COLUMNS_AT_ONCE, 2 * COLUMNS_AT_ONCE + 1])
def test_every_row_and_column_of_the_row_groups_comes_in_order(columns):
    """Also where not all columns are read at once."""
    table = pa.table({f"c{n}": [n, n + 1, n + 2] for n in range(columns)})
    file = opened(table, table.slice(1), table.slice(2))
    read = pa.Table.from_batches(stored_batches(file, [2, 0]), file.schema_arrow)
    assert read.equals(pa.concat_tables([table.slice(2), table]))


def test_a_batch_has_few_bytes():
    """Texts of a megabyte come one or two at a time, also from several row groups."""
    texts = pa.table({"s": [f"{n}" * MIB for n in range(6)]})
    batches = list(stored_batches(opened(texts, texts), [0, 1]))
    assert sum(batch.num_rows for batch in batches) == 12
    assert max(batch.nbytes for batch in batches) < 3 * MIB
