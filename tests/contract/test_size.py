"""A file is about half of what other writers make of the same rows with their defaults."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert import convert
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from tools import trades

ROWS = 200_000
"""A fifth of an hour's million; the sizes of both are as far apart."""

MAX_BYTES_PER_ROW = 5.6
MAX_SHARE = 0.55


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> tuple[pa.Table, int]:
    """The rows as they are in the lake, and how many bytes their file has."""
    storage = Storage.open(f"file://{tmp_path_factory.mktemp('lake')}", {})
    made = trades.stage(storage, rows=ROWS)
    budget = budget_for(128 * MIB)
    account = convert(made.key, feed=trades.AGG_TRADES, storage=storage, budget=budget).manifest
    with storage.open_file(account.parquet.key) as source:
        return pq.ParquetFile(source).read(), account.parquet.parquet_bytes


def test_a_trade_takes_less_than_six_bytes(table, report_line):
    """Ids, times, prices and amounts of a busy hour, statistics and page index included."""
    rows, size_bytes = table
    assert rows.num_rows == ROWS
    assert size_bytes / ROWS <= MAX_BYTES_PER_ROW
    report_line(f"Parquet of {ROWS:,} trades: {size_bytes / ROWS:.2f} bytes a row")


def by_duckdb(rows: pa.Table, path: Path) -> None:
    """What ``COPY`` makes of *rows*."""
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        connection.register("trades", rows)
        connection.execute(f"COPY trades TO '{path}' (FORMAT parquet)")


def by_polars(rows: pa.Table, path: Path) -> None:
    """What ``write_parquet`` makes of *rows*."""
    polars = pytest.importorskip("polars")
    polars.from_arrow(rows).write_parquet(path)


@pytest.mark.parametrize("write", [by_duckdb, by_polars])
def test_it_is_about_half_of_what_others_write(table, write, tmp_path, report_line):
    """The same rows, the same types, exact; their defaults."""
    rows, size_bytes = table
    write(rows, tmp_path / "theirs.parquet")
    theirs_bytes = (tmp_path / "theirs.parquet").stat().st_size
    assert pq.read_metadata(tmp_path / "theirs.parquet").num_rows == ROWS
    assert size_bytes / theirs_bytes <= MAX_SHARE
    report_line(
        f"Parquet of {ROWS:,} trades: {size_bytes / theirs_bytes:.2f} of {write.__name__}'s"
    )
