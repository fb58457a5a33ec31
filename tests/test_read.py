"""Every reader sees the same rows and exact sums, and reads no more of a file than it needs."""

from __future__ import annotations

import json
from decimal import Decimal

import pyarrow.compute as pc
import pytest
from pyarrow import parquet as pq

from include.ticklake import manifest
from include.ticklake.conversion.convert import convert
from include.ticklake.lake import read
from include.ticklake.storage import Storage
from include.ticklake.upkeep import days
from tests import lakes, trades
from tests.counting import counted

ETH = lakes.Slice.of({"symbol": "ETHUSDT"})


@pytest.fixture(scope="module")
def table():
    """A day of trades."""
    return lakes.day_of_trades(30_000)


@pytest.fixture(scope="module")
def lake(table, tmp_path_factory) -> Storage:
    """Two symbols, a day of hourly files each."""
    storage = Storage.open(f"file://{tmp_path_factory.mktemp('lake')}", {})
    lakes.ingest_day(storage, table)
    lakes.ingest_day(storage, lakes.day_of_trades(5_000, seed=99), piece=ETH)
    return storage


@pytest.fixture(scope="module")
def totals(table) -> tuple[int, Decimal]:
    """Rows and the exact sum of prices of both symbols, from the source's own text."""
    both = [table, lakes.day_of_trades(5_000, seed=99)]
    prices = [json.loads(line)["p"] for one in both for line in trades.text(one).to_pylist()]
    return len(prices), sum(map(Decimal, prices), Decimal())


def test_a_scan_yields_every_row_with_its_exact_sum(lake, totals):
    """Through the manifests."""
    found = read.table(lakes.FEED, storage=lake)
    assert (found.num_rows, pc.sum(found["price"]).as_py()) == totals


def test_pyarrow_reads_the_folder(lake, totals):
    """Through the file names, partition columns included."""
    found = read.dataset(lakes.FEED, storage=lake).to_table(columns=["price", "symbol", "date"])
    assert (found.num_rows, pc.sum(found["price"]).as_py()) == totals
    assert pc.unique(found["symbol"]).to_pylist() == ["BTCUSDT", "ETHUSDT"]
    assert {str(day) for day in pc.unique(found["date"]).to_pylist()} == {"2026-11-22"}


def test_duckdb_reads_the_folder(lake, totals):
    """A sum of decimal(18,8) is a decimal in DuckDB, too."""
    duckdb = pytest.importorskip("duckdb")
    files = lake.path("parquet/trades/**/*.parquet")
    query = f"SELECT count(*), sum(price) FROM read_parquet('{files}', hive_partitioning=true)"
    assert duckdb.sql(query).fetchall() == [totals]


def test_polars_reads_the_folder(lake, totals):
    """A lazy scan; decimals stay decimals."""
    polars = pytest.importorskip("polars")
    found = polars.scan_parquet(lake.path("parquet/trades/**/*.parquet"), hive_partitioning=True)
    rows, total = found.select(polars.len(), polars.col("price").sum()).collect().row(0)
    assert (rows, total) == totals


def test_pandas_reads_the_folder(lake, totals):
    """``dtype_backend="pyarrow"`` keeps decimals exact and vectorised."""
    pandas = pytest.importorskip("pandas")
    found = pandas.read_parquet(lake.path("parquet/trades"), dtype_backend="pyarrow")
    assert (len(found), found["price"].sum()) == totals


def test_a_scan_of_a_slice_and_a_range_yields_those_rows_in_order(lake, table):
    """Half open, across an edge of files; named columns only."""
    found = read.table(
        lakes.FEED,
        storage=lake,
        slices=[{"symbol": "BTCUSDT"}],
        start=lakes.at("11:58:30"),
        end=lakes.at("12:02"),
        columns=["agg_trade_id", "symbol"],
    )
    at_ms = table["T"]
    first, after = (int(lakes.at(text).timestamp() * 1000) for text in ("11:58:30", "12:02"))
    wanted = table.filter(pc.and_(pc.greater_equal(at_ms, first), pc.less(at_ms, after)))
    assert found["agg_trade_id"].to_pylist() == wanted["a"].to_pylist()
    assert found.column_names == ["agg_trade_id", "symbol"]


def test_a_scan_of_nothing_is_an_empty_table(lake):
    """With the columns asked for."""
    found = read.table(lakes.FEED, storage=lake, slices=[{"symbol": "XRPUSDT"}], columns=["price"])
    assert (found.num_rows, found.column_names) == (0, ["price"])


def test_a_file_that_no_manifest_names_is_not_scanned(tmp_path, table):
    """A Parquet that a dead run left does not count."""
    storage = Storage.open(f"file://{tmp_path}", {})
    made = lakes.ingest(storage, table, lakes.hour(3))
    copy = made.parquet.key.replace("T040000Z", "T050000Z")
    storage.put(copy, storage.read(made.parquet.key))
    assert read.table(lakes.FEED, storage=storage).num_rows == made.parquet.rows
    assert read.dataset(lakes.FEED, storage=storage).count_rows() == 2 * made.parquet.rows


def test_a_partition_value_that_is_unsafe_in_a_path_comes_back_as_it_was(tmp_path, table):
    """``BTC/USD 100%`` is one folder, and one value."""
    storage = Storage.open(f"file://{tmp_path}", {})
    odd = lakes.Slice.of({"symbol": "BTC/USD 100%=ü"})
    lakes.ingest(storage, table, lakes.hour(3), piece=odd)
    found = read.table(lakes.FEED, storage=storage, slices=[odd.as_dict()], columns=["symbol"])
    assert pc.unique(found["symbol"]).to_pylist() == ["BTC/USD 100%=ü"]
    folder = read.dataset(lakes.FEED, storage=storage).to_table(columns=["symbol"])
    assert pc.unique(folder["symbol"]).to_pylist() == ["BTC/USD 100%=ü"]


@pytest.fixture(scope="module")
def million(tmp_path_factory) -> tuple[Storage, str]:
    """A day of a million trades in one file: as ``compact`` leaves it."""
    storage = Storage.open(f"file://{tmp_path_factory.mktemp('million')}", {})
    feed = lakes.FEED.model_copy(update={"window": days.LENGTH})
    table = lakes.day_of_trades(1_000_000)
    ends = table["T"][0].as_py(), table["T"][-1].as_py()
    lines = trades.text(table).to_pylist()
    made = lakes.stage(storage, lines, window=lakes.DAY, feed=feed, events_ms=ends)
    done = convert(made.key, feed=feed, storage=storage, budgets=lakes.BUDGETS).manifest
    return storage, done.parquet.key


def test_a_price_only_query_reads_under_15_percent_of_the_bytes(million):
    """Of a day of a million trades; counted below the reader."""
    storage, key = million
    counting, counts = counted(storage)
    found = read.table(lakes.FEED, storage=counting, columns=["price"])
    assert found.num_rows == pq.read_metadata(storage.path(key)).num_rows > 990_000
    assert (
        0 < sum(counts.values()) < 0.15 * storage.filesystem.get_file_info(storage.path(key)).size
    )


def test_a_range_of_a_minute_reads_only_the_row_groups_it_needs(million):
    """No more bytes than those row groups and the footer have."""
    storage, key = million
    start, end = lakes.at("12:00"), lakes.at("12:01")
    metadata = pq.read_metadata(storage.path(key))
    column = metadata.schema.to_arrow_schema().get_field_index("traded_at")
    needed_bytes = groups = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        known = group.column(column).statistics
        if known.min < end and known.max >= start:
            groups += 1
            needed_bytes += sum(
                group.column(n).total_compressed_size for n in range(group.num_columns)
            )
    counting, counts = counted(storage)
    found = read.table(lakes.FEED, storage=counting, start=start, end=end)
    footer_bytes = 2 * metadata.serialized_size + 128 * 1024  # read once to list, once to scan
    assert found.num_rows > 0
    assert (groups, metadata.num_row_groups >= 8) == (1, True)
    assert sum(counts.values()) <= needed_bytes + footer_bytes


def test_a_window_that_was_staged_but_not_converted_is_not_read(tmp_path, table):
    """Its JSON is there, its Parquet is not: nothing to read yet, and no error."""
    storage = Storage.open(f"file://{tmp_path}", {})
    lines = trades.text(lakes.of_hour(table, lakes.hour(1))).to_pylist()
    made = lakes.stage(storage, lines, window=lakes.hour(1))
    assert manifest.read(made.key, storage=storage).parquet is None
    assert read.table(lakes.FEED, storage=storage).num_rows == 0
