"""The first rows of a file in, how its columns are best stored out: the same for the whole file.

Chosen by measuring a million aggTrades (``docs/decisions``): integers and times as
deltas, short text by dictionary, all in zstd. For decimals it depends on how they move,
so the first row group is measured: prices that stay are smaller as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

ZSTD_LEVEL = 3

_AT_ONCE_BYTES = 1024 * 1024
_AT_ONCE_ROWS = 1024
_SHORT_BYTES = 1024
_FEW_ROWS = 200  # measuring them takes longer than writing them, for less than a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How the columns of one file are stored."""

    deltas: tuple[str, ...]
    by_dictionary: tuple[str, ...]
    pruned_by: tuple[str, ...]
    """Columns with statistics; all but long text."""
    rows_at_once: int
    """How many rows the writer encodes before it looks at the size of its pages."""

    def options(self) -> dict[str, object]:
        """What ``pq.ParquetWriter`` is told."""
        return {
            "compression": "zstd",
            "compression_level": ZSTD_LEVEL,
            "use_dictionary": list(self.by_dictionary),
            "column_encoding": dict.fromkeys(self.deltas, "DELTA_BINARY_PACKED"),
            "store_decimal_as_integer": True,
            "write_page_index": True,
            "write_statistics": list(self.pruned_by),
            "write_batch_size": self.rows_at_once,
        }


def choose_encoding(rows: pa.Table) -> Encoding:
    """The encoding for a file that begins with *rows*."""
    deltas, by_dictionary, pruned_by = [], [], []
    for field in rows.schema:
        if pa.types.is_string(field.type) and not _is_short(rows.column(field.name)):
            continue
        pruned_by.append(field.name)
        if pa.types.is_integer(field.type) or pa.types.is_timestamp(field.type):
            deltas.append(field.name)
        elif pa.types.is_string(field.type) or (
            pa.types.is_decimal(field.type) and _is_smaller_by_dictionary(rows, field.name)
        ):
            by_dictionary.append(field.name)
    fitting_rows = rows.num_rows * _AT_ONCE_BYTES // max(rows.nbytes, 1)
    return Encoding(
        deltas=tuple(deltas),
        by_dictionary=tuple(by_dictionary),
        pruned_by=tuple(pruned_by),
        rows_at_once=min(max(fitting_rows, 1), _AT_ONCE_ROWS),
    )


def _is_short(text: pa.ChunkedArray) -> bool:
    """Whether a dictionary and statistics are worth their memory: they hold values once more."""
    return bool((pc.mean(pc.binary_length(text)).as_py() or 0) <= _SHORT_BYTES)


def _is_smaller_by_dictionary(rows: pa.Table, name: str) -> bool:
    if rows.num_rows < _FEW_ROWS:
        return False
    column = rows.select([name])
    return _stored_bytes(column, by_dictionary=(name,)) <= _stored_bytes(column, by_dictionary=())


def _stored_bytes(column: pa.Table, *, by_dictionary: tuple[str, ...]) -> int:
    encoding = Encoding(
        deltas=(), by_dictionary=by_dictionary, pruned_by=(), rows_at_once=_AT_ONCE_ROWS
    )
    with pa.MockOutputStream() as sink:
        with pq.ParquetWriter(sink, column.schema, **encoding.options()) as writer:
            writer.write_table(column, row_group_size=max(column.num_rows, 1))
        return int(sink.size())
