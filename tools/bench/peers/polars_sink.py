"""Polars: ``scan_ndjson(...).sink_parquet(...)``, streaming, types given.

It has no lazy reader for arrays: staged parts are read whole, one after the other. Under a cap
one thread and small batches.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

if os.environ.get("TICKLAKE_BENCH_CAPPED"):
    os.environ["POLARS_MAX_THREADS"] = "1"

import polars as pl
from pyarrow import parquet as pq

_READ = {
    "a": pl.Int64, "p": pl.String, "q": pl.String, "f": pl.Int64, "l": pl.Int64, "T": pl.Int64,
    "m": pl.Boolean, "M": pl.Boolean,
}  # fmt: skip
_SMALL_ROWS = 10_000


def convert(*, source: list[str], array: bool, target: str, capped: bool) -> int:
    """The files *source* to one Parquet file *target*; rows."""
    if array:
        texts = (gzip.decompress(Path(path).read_bytes()) for path in source)
        frames = [pl.read_json(text, schema=_READ).lazy() for text in texts]
        lines = pl.concat(frames)
    elif capped:
        lines = pl.scan_ndjson(source, schema=_READ, batch_size=_SMALL_ROWS, low_memory=True)
    else:
        lines = pl.scan_ndjson(source, schema=_READ)
    exact = lines.with_columns(
        pl.col("p").cast(pl.Decimal(18, 8)).alias("price"),
        pl.col("q").cast(pl.Decimal(18, 8)),
        pl.col("T").cast(pl.Datetime("ms", "UTC")),
    ).drop("p")
    exact.sink_parquet(target, compression="zstd", compression_level=3)
    return int(pq.read_metadata(target).num_rows)


CASES = {"convert": convert}
