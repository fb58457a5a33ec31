"""Every reader sees the same rows and exact sums, and reads no more of a file than it needs."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pyarrow.compute as pc
import pytest

from include.ticklake.lake import manifest, read
from include.ticklake.lake.storage import Storage
from tests.conftest import REPOSITORY
from tests.support import lake_factory
from tools import trades

ETH = lake_factory.Slice.of({"symbol": "ETHUSDT"})


@pytest.fixture(scope="module")
def table():
    """A day of trades."""
    return lake_factory.day_of_trades(30_000)


@pytest.fixture(scope="module")
def lake(table, tmp_path_factory) -> Storage:
    """Two symbols, a day of hourly files each."""
    storage = Storage.open(f"file://{tmp_path_factory.mktemp('lake')}", {})
    lake_factory.ingest_day(storage, table)
    lake_factory.ingest_day(storage, lake_factory.day_of_trades(5_000, seed=99), slice_=ETH)
    return storage


@pytest.fixture(scope="module")
def totals(table) -> tuple[int, Decimal]:
    """Rows and the exact sum of prices of both symbols, from the source's own text."""
    both = [table, lake_factory.day_of_trades(5_000, seed=99)]
    prices = [json.loads(line)["p"] for one in both for line in trades.text(one).to_pylist()]
    return len(prices), sum(map(Decimal, prices), Decimal())


def test_a_scan_yields_every_row_with_its_exact_sum(lake, totals):
    """Through the manifests."""
    found = read.table(lake_factory.FEED, storage=lake)
    assert (found.num_rows, pc.sum(found["price"]).as_py()) == totals


def test_pyarrow_reads_the_folder(lake, totals):
    """Through the file names, partition columns included."""
    found = read.dataset(lake_factory.FEED, storage=lake).to_table(
        columns=["price", "symbol", "date"]
    )
    assert (found.num_rows, pc.sum(found["price"]).as_py()) == totals
    assert pc.unique(found["symbol"]).to_pylist() == ["BTCUSDT", "ETHUSDT"]
    assert {str(day) for day in pc.unique(found["date"]).to_pylist()} == {"2026-11-22"}


def test_duckdb_reads_the_folder(lake, totals):
    """A sum of decimal(18,8) is a decimal in DuckDB, too."""
    duckdb = pytest.importorskip("duckdb")
    files = lake.local_path("parquet/trades/**/*.parquet")
    query = f"SELECT count(*), sum(price) FROM read_parquet('{files}', hive_partitioning=true)"
    assert duckdb.sql(query).fetchall() == [totals]


def test_polars_reads_the_folder(lake, totals):
    """A lazy scan; decimals stay decimals."""
    polars = pytest.importorskip("polars")
    found = polars.scan_parquet(
        lake.local_path("parquet/trades/**/*.parquet"), hive_partitioning=True
    )
    rows, total = found.select(polars.len(), polars.col("price").sum()).collect().row(0)
    assert (rows, total) == totals


def test_pandas_reads_the_folder(lake, totals):
    """``dtype_backend="pyarrow"`` keeps decimals exact and vectorised."""
    pandas = pytest.importorskip("pandas")
    found = pandas.read_parquet(lake.local_path("parquet/trades"), dtype_backend="pyarrow")
    assert (len(found), found["price"].sum()) == totals


def test_a_scan_of_a_slice_and_a_range_yields_those_rows_in_order(lake, table):
    """Half open, across an edge of files; named columns only."""
    found = read.table(
        lake_factory.FEED,
        storage=lake,
        slices=[{"symbol": "BTCUSDT"}],
        start=lake_factory.at("11:58:30"),
        end=lake_factory.at("12:02"),
        columns=["agg_trade_id", "symbol"],
    )
    at_ms = table["T"]
    first, after = (int(lake_factory.at(text).timestamp() * 1000) for text in ("11:58:30", "12:02"))
    wanted = table.filter(pc.and_(pc.greater_equal(at_ms, first), pc.less(at_ms, after)))
    assert found["agg_trade_id"].to_pylist() == wanted["a"].to_pylist()
    assert found.column_names == ["agg_trade_id", "symbol"]


def test_a_scan_of_nothing_is_an_empty_table(lake):
    """With the columns asked for."""
    found = read.table(
        lake_factory.FEED, storage=lake, slices=[{"symbol": "XRPUSDT"}], columns=["price"]
    )
    assert (found.num_rows, found.column_names) == (0, ["price"])


def test_a_file_that_no_manifest_names_is_not_scanned(tmp_path, table):
    """A Parquet that a dead run left does not count."""
    storage = Storage.open(f"file://{tmp_path}", {})
    made = lake_factory.ingest(storage, table, lake_factory.hour(3))
    copy = made.parquet.key.replace("T040000Z", "T050000Z")
    storage.put(copy, storage.read(made.parquet.key))
    assert read.table(lake_factory.FEED, storage=storage).num_rows == made.parquet.rows
    assert read.dataset(lake_factory.FEED, storage=storage).count_rows() == 2 * made.parquet.rows


def test_a_partition_value_that_is_unsafe_in_a_path_comes_back_as_it_was(tmp_path, table):
    """``BTC/USD 100%`` is one folder, and one value."""
    storage = Storage.open(f"file://{tmp_path}", {})
    odd = lake_factory.Slice.of({"symbol": "BTC/USD 100%=ü"})
    lake_factory.ingest(storage, table, lake_factory.hour(3), slice_=odd)
    found = read.table(
        lake_factory.FEED, storage=storage, slices=[odd.as_dict()], columns=["symbol"]
    )
    assert pc.unique(found["symbol"]).to_pylist() == ["BTC/USD 100%=ü"]
    folder = read.dataset(lake_factory.FEED, storage=storage).to_table(columns=["symbol"])
    assert pc.unique(folder["symbol"]).to_pylist() == ["BTC/USD 100%=ü"]


def test_what_the_page_shows_reads_the_lake(lake):
    """The Python of docs/how-to/read.md, with another lake and feed in it."""
    page = (REPOSITORY / "docs" / "how-to" / "read.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (shown,) = [block for block in blocks if "read.table(" in block]
    shown = shown.replace("s3://bucket/prefix", lake.root_uri)
    shown = shown.replace('loader.load("binance_agg_trades")', "FEED")
    names: dict[str, object] = {"FEED": lake_factory.FEED}
    exec(shown, names)  # noqa: S102 - the documentation's own code
    assert names["prices"].column_names == ["price"]
    assert 0 < names["prices"].num_rows < 200


def test_a_window_that_was_staged_but_not_converted_is_not_read(tmp_path, table):
    """Its JSON is there, its Parquet is not: nothing to read yet, and no error."""
    storage = Storage.open(f"file://{tmp_path}", {})
    lines = trades.text(lake_factory.of_hour(table, lake_factory.hour(1))).to_pylist()
    made = lake_factory.stage(storage, lines, window=lake_factory.hour(1))
    assert manifest.read(made.key, storage=storage).parquet is None
    assert read.table(lake_factory.FEED, storage=storage).num_rows == 0
