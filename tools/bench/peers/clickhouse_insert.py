"""ClickHouse without a server (chdb): ``INSERT INTO FUNCTION file(...) SELECT ... FROM file(...)``.

Its format JSONEachRow reads lines and arrays alike, and gzip by the file's name. Under a cap one
thread, small blocks, and a limit below the cap.
"""

from __future__ import annotations

from pathlib import Path

import chdb
from pyarrow import parquet as pq

_COLUMNS = "a Int64, p Decimal(18, 8), q Decimal(18, 8), f Int64, l Int64, T Int64, m Bool, M Bool"
_SMALL = ", max_memory_usage = 100000000, max_block_size = 8192, max_insert_block_size = 65536"


def convert(*, source: list[str], array: bool, target: str, capped: bool) -> int:
    """The files *source* to one Parquet file *target*; rows."""
    # Parts lie in a folder of their own, and a list of whole paths is no pattern that it reads.
    files = str(Path(source[0]).parent / "*.json.gz") if array else source[0]
    settings = f"max_threads = {1 if capped else 2}{_SMALL if capped else ''}"
    # Paths and options are our own.
    chdb.query(
        f"INSERT INTO FUNCTION file('{target}', Parquet) "  # noqa: S608
        f"SELECT a, p AS price, q, f, l, fromUnixTimestamp64Milli(T) AS at, m, M "
        f"FROM file('{files}', JSONEachRow, '{_COLUMNS}') "
        f"SETTINGS output_format_parquet_compression_method = 'zstd', {settings}"
    )
    return int(pq.read_metadata(target).num_rows)


CASES = {"convert": convert}
