"""The first rows of a file in, how its columns are best stored out: the same for the whole file.

Each field type says how its values are stored, chosen by measuring a million aggTrades
(``docs/decisions``); all are compressed with zstd. For decimals it depends on how they move,
so the first row group is measured: prices that rarely change are smaller plain.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from include.ticklake.types import field_types

ZSTD_LEVEL = 3

_BATCH_BYTES = 1024 * 1024
_BATCH_ROWS = 1024
_SHORT_BYTES = 1024
_FEW_ROWS = 200  # measuring them takes longer than writing them, for less than a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How the columns of one file are stored."""

    by_column: dict[str, str]
    """Parquet's encodings; columns that have none are plain or by dictionary."""
    by_dictionary: tuple[str, ...]
    with_statistics: tuple[str, ...]
    """All columns but long text."""
    batch_rows: int
    """How many rows the writer encodes before it checks the size of its pages."""

    def options(self) -> dict[str, object]:
        """The arguments of ``pq.ParquetWriter``."""
        return {
            "compression": "zstd",
            "compression_level": ZSTD_LEVEL,
            "use_dictionary": list(self.by_dictionary),
            "column_encoding": self.by_column,
            "store_decimal_as_integer": True,
            "write_page_index": True,
            "write_statistics": list(self.with_statistics),
            "write_batch_size": self.batch_rows,
        }


def choose_encoding(rows: pa.Table) -> Encoding:
    """The encoding for a file that begins with *rows*."""
    by_column: dict[str, str] = {}
    by_dictionary, with_statistics = [], []
    for name, values in zip(rows.column_names, rows.columns, strict=True):
        if pa.types.is_string(values.type) and not _is_short(values):
            continue
        with_statistics.append(name)
        field_type = field_types.of_arrow(values.type)
        if field_type is None:
            continue
        if field_type.dictionary == "always" or (
            field_type.dictionary == "if_smaller" and _is_smaller_by_dictionary(rows, name)
        ):
            by_dictionary.append(name)
        elif field_type.encoding is not None:
            by_column[name] = field_type.encoding
    fitting_rows = rows.num_rows * _BATCH_BYTES // max(rows.nbytes, 1)
    return Encoding(
        by_column=by_column,
        by_dictionary=tuple(by_dictionary),
        with_statistics=tuple(with_statistics),
        batch_rows=min(max(fitting_rows, 1), _BATCH_ROWS),
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
        by_column={}, by_dictionary=by_dictionary, with_statistics=(), batch_rows=_BATCH_ROWS
    )
    with pa.MockOutputStream() as sink:
        with pq.ParquetWriter(sink, column.schema, **encoding.options()) as writer:
            writer.write_table(column, row_group_size=max(column.num_rows, 1))
        return int(sink.size())
