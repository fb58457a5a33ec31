"""DuckDB: ``COPY (SELECT ... FROM read_json(...)) TO ... (FORMAT parquet)``, types given.

Its columns are case-insensitive: of ``m`` and ``M`` it can read one. Under a cap as its guide on
limited memory says: a memory limit, one thread, no order kept, and small read buffers.
"""

from __future__ import annotations

import duckdb

_COLUMNS = (
    "{a: 'BIGINT', p: 'DECIMAL(18,8)', q: 'DECIMAL(18,8)', f: 'BIGINT', l: 'BIGINT', "
    "T: 'BIGINT', m: 'BOOLEAN'}"
)
_SMALL = ("SET memory_limit = '80MB'", "SET threads = 1", "SET preserve_insertion_order = false")
_RECORD_BYTES = 1_000_000


def convert(*, source: list[str], array: bool, target: str, capped: bool) -> int:
    """The files *source* to one Parquet file *target*; rows."""
    for setting in _SMALL if capped else ("SET threads = 2",):
        duckdb.execute(setting)
    buffers = f", maximum_object_size = {_RECORD_BYTES}" if capped else ""
    kind = "array" if array else "newline_delimited"
    # Paths and options are our own.
    [rows] = duckdb.execute(
        f"COPY (SELECT a, p AS price, q, f, l, make_timestamp(T * 1000) AS at, m "  # noqa: S608
        f"FROM read_json({source!r}, format = '{kind}', columns = {_COLUMNS}{buffers})) "
        f"TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
    ).fetchone() or (0,)
    return int(rows)


CASES = {"convert": convert}
