"""pandas: ``read_json(...)`` to ``to_parquet(...)``, prices kept as text, then made decimals.

Lines go through its pyarrow engine; arrays have only its own parser. Under a cap it reads lines
in chunks, each a row group.
"""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
from pyarrow import parquet as pq

_EXACT = pd.ArrowDtype(pa.decimal128(18, 8))
_TEXT = {"p": str, "q": str}
_SMALL_ROWS = 50_000


def convert(*, source: list[str], array: bool, target: str, capped: bool) -> int:
    """The files *source* to one Parquet file *target*; rows."""
    if capped and not array:
        return _in_chunks(source[0], target)
    if array:
        read = [pd.read_json(path, compression="gzip", dtype=_TEXT) for path in source]
        frame = pd.concat(read, ignore_index=True)
    else:
        frame = pd.read_json(source[0], lines=True, engine="pyarrow", dtype_backend="pyarrow")
    _exact(frame).to_parquet(target, compression="zstd", index=False)
    return len(frame)


def _in_chunks(source: str, target: str) -> int:
    rows, writer = 0, None
    with pd.read_json(source, lines=True, dtype=_TEXT, chunksize=_SMALL_ROWS) as chunks:
        for chunk in chunks:
            table = pa.Table.from_pandas(_exact(chunk), preserve_index=False)
            writer = writer or pq.ParquetWriter(target, table.schema, compression="zstd")
            writer.write_table(table)
            rows += len(chunk)
    if writer:
        writer.close()
    return rows


def _exact(frame: pd.DataFrame) -> pd.DataFrame:
    frame["p"] = frame["p"].astype("string[pyarrow]").astype(_EXACT)
    frame["q"] = frame["q"].astype("string[pyarrow]").astype(_EXACT)
    frame["T"] = pd.to_datetime(frame["T"], unit="ms", utc=True)
    return frame.rename(columns={"p": "price"})


CASES = {"convert": convert}
