"""A question about little reads little: counted below the reader, or by the reader itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyarrow import compute as pc
from pyarrow import dataset as ds

from include.ticklake.convert.convert import convert
from include.ticklake.lake import files, layout, read
from include.ticklake.lake.storage import Storage
from tests.support import lake_factory
from tests.support.counting_storage import counted
from tools import trades

NOON, AFTER = lake_factory.at("12:00"), lake_factory.at("12:01")


@pytest.fixture(scope="module")
def million(tmp_path_factory) -> tuple[Storage, str]:
    """A day of a million trades in one file: as ``compact`` leaves it."""
    storage = Storage.open(f"file://{tmp_path_factory.mktemp('million')}", {})
    feed = lake_factory.FEED.model_copy(update={"window": layout.DAY})
    table = lake_factory.day_of_trades(1_000_000)
    lines = trades.text(table).to_pylist()
    made = lake_factory.stage(storage, lines, window=lake_factory.DAY, feed=feed)
    done = convert(made.key, feed=feed, storage=storage, budget=lake_factory.BUDGET).manifest
    return storage, done.parquet.key


@pytest.mark.slow
def test_a_price_only_query_reads_under_15_percent_of_the_bytes(million):
    """Of a day of a million trades; counted below the reader."""
    storage, key = million
    counting, counts = counted(storage)
    found = read.table(lake_factory.FEED, storage=counting, columns=["price"])
    assert found.num_rows == pq.read_metadata(storage.local_path(key)).num_rows > 990_000
    assert 0 < sum(counts.values()) < 0.15 * storage.sizes(key.rpartition("/")[0])[key]


@pytest.mark.slow
def test_a_range_of_a_minute_reads_only_the_row_groups_it_needs(million):
    """No more bytes than those row groups and the footer have."""
    storage, key = million
    start, end = lake_factory.at("12:00"), lake_factory.at("12:01")
    metadata = pq.read_metadata(storage.local_path(key))
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
    found = read.table(lake_factory.FEED, storage=counting, start=start, end=end)
    footer_bytes = 2 * metadata.serialized_size + 128 * 1024  # read once to list, once to scan
    assert found.num_rows > 0
    assert (groups, metadata.num_row_groups >= 8) == (1, True)
    assert sum(counts.values()) <= needed_bytes + footer_bytes


def duckdb_profile(query: str, folder: Path) -> dict:
    """What DuckDB itself says of a query: bytes, row groups."""
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        connection.execute("PRAGMA enable_profiling = 'json'")
        connection.execute(f"SET profiling_output = '{folder}/profile.json'")
        connection.execute(query).fetchall()
    return json.loads((folder / "profile.json").read_text())


@pytest.mark.slow
def test_duckdb_reads_under_15_percent_for_prices_only(million, tmp_path):
    """By its own count, footer included."""
    path = million[0].local_path(million[1])
    found = duckdb_profile(f"SELECT sum(price) FROM read_parquet('{path}')", tmp_path)
    assert 0 < found["io"]["total_bytes_read"] < 0.15 * Path(path).stat().st_size


def duckdb_groups(path: str, folder: Path, _) -> tuple[int, int]:
    """From its profile."""
    found = duckdb_profile(
        f"SELECT * FROM read_parquet('{path}') WHERE traded_at >= TIMESTAMPTZ '{NOON}' "
        f"AND traded_at < TIMESTAMPTZ '{AFTER}'",
        folder,
    )["query"]
    return found["total_row_groups_scanned"], found["total_row_groups_to_scan"]


def polars_groups(path: str, _, said: Callable[[], str]) -> tuple[int, int]:
    """From what it logs."""
    polars = pytest.importorskip("polars")
    at = polars.col("traded_at")
    with polars.Config(verbose=True):
        polars.scan_parquet(path).filter((at >= NOON) & (at < AFTER)).collect()
    read, in_all = re.search(r"reading (\d+) / (\d+) row groups", said()).groups()
    return int(read), int(in_all)


def pyarrow_groups(path: str, *_) -> tuple[int, int]:
    """From the fragment that a scan is made of; pandas reads through the same."""
    wanted = (pc.field("traded_at") >= NOON) & (pc.field("traded_at") < AFTER)
    (fragment,) = ds.dataset(path).get_fragments()
    return fragment.subset(wanted).num_row_groups, fragment.num_row_groups


def datafusion_groups(path: str, *_) -> tuple[int, int]:
    """From its plan."""
    return datafusion_matched(path, "row_groups_pruned_statistics")


def datafusion_matched(path: str, metric: str) -> tuple[int, int]:
    """Of how many a metric of the plan says how many had to be read."""
    datafusion = pytest.importorskip("datafusion")
    session = datafusion.SessionContext()
    session.register_parquet("day", path)
    (plan,) = session.sql(
        "EXPLAIN ANALYZE SELECT * FROM day "
        f"WHERE traded_at >= TIMESTAMP '{NOON}' AND traded_at < TIMESTAMP '{AFTER}'"
    ).collect()
    in_all, read = re.search(
        metric + r"=(\d+) total \S+ (\d+) matched", str(plan.to_pydict())
    ).groups()
    return int(read), int(in_all)


@pytest.mark.slow
@pytest.mark.parametrize(
    "groups", [duckdb_groups, polars_groups, pyarrow_groups, datafusion_groups]
)
def test_every_engine_reads_one_row_group_of_eight_for_a_minute(million, tmp_path, capfd, groups):
    """It says so itself."""
    path = million[0].local_path(million[1])
    assert groups(path, tmp_path, lambda: capfd.readouterr().err) == (1, 8)


@pytest.mark.slow
def test_an_engine_that_knows_the_page_index_reads_one_page_of_seven(million):
    """The files have one; DataFusion uses it, and says what it left out."""
    path = million[0].local_path(million[1])
    assert datafusion_matched(path, "page_index_pages_pruned") == (1, 7)


def test_the_files_of_a_slice_are_found_without_listing_the_others(tmp_path, monkeypatch):
    """Day by day, only as far as they are asked for; the same ranges as through the whole list."""
    storage = Storage.open(f"file://{tmp_path}", {})
    table = lake_factory.day_of_trades(6_000)
    other = lake_factory.Slice.of({"symbol": "ETHUSDT"})
    for slice_ in (lake_factory.BTC, other):
        for number in (2, 3):
            lake_factory.ingest(storage, table, lake_factory.hour(number), slice_=slice_)
    of_range = {"start": lake_factory.at("02:30"), "end": lake_factory.at("02:40")}
    expected = files.manifest_files(
        lake_factory.FEED, storage=storage, slices=[lake_factory.BTC.as_dict()], **of_range
    )
    listed: list[str] = []
    list_keys = Storage.list
    monkeypatch.setattr(
        Storage, "list", lambda self, prefix: listed.append(prefix) or list_keys(self, prefix)
    )
    found = files.slice_files(lake_factory.FEED, lake_factory.BTC, storage=storage, **of_range)
    assert listed == []
    assert list(found) == expected != []
    assert listed == ["manifests/trades/symbol=BTCUSDT/date=2026-11-22"]
