"""A day's hourly files become one; through manifests each row is seen once at every step."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from datetime import timedelta

import pyarrow.compute as pc
import pytest
from msgspec import structs
from pyarrow import parquet as pq

from include.ticklake.convert.convert import convert
from include.ticklake.errors import ParityError, UsageError
from include.ticklake.lake import day_manifest, layout, manifest, read
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact
from include.ticklake.memory import capped_process
from include.ticklake.model.sizes import MIB
from include.ticklake.model.window import split_range
from tests.conftest import REPOSITORY
from tests.support import lake_factory, manifests
from tests.support.crashing_storage import Crash, crashing
from tools import trades

DAY_KEY = "parquet/trades/symbol=BTCUSDT/date=2026-11-22/20261122T000000Z-20261123T000000Z.parquet"


@pytest.fixture(scope="module")
def table():
    """A day of trades."""
    return lake_factory.day_of_trades(3_000)


@pytest.fixture
def lake(tmp_path, table) -> Storage:
    """A day in hourly files."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest_day(storage, table)
    return storage


def compacted(storage: Storage) -> compact.CompactResult:
    return compact.compact(
        lake_factory.FEED,
        lake_factory.BTC,
        lake_factory.DAY,
        storage=storage,
        budget=lake_factory.BUDGET,
    )


def ids(storage: Storage) -> list[int]:
    """What a reader through the manifests sees."""
    found = read.table(lake_factory.FEED, storage=storage, columns=["agg_trade_id"])
    return found["agg_trade_id"].to_pylist()


def folder_ids(storage: Storage) -> list[int]:
    """What a reader of the folder sees."""
    found = read.dataset(lake_factory.FEED, storage=storage).to_table(columns=["agg_trade_id"])
    return sorted(found["agg_trade_id"].to_pylist())


def without(table, number: int, rows: int):
    """*table* without the last *rows* of an hour: what an API sends once it mended its data."""
    window = lake_factory.hour(number)
    dropped = set(lake_factory.of_hour(table, window)["a"].to_pylist()[-rows:])
    keep = [value not in dropped for value in table["a"].to_pylist()]
    return table.filter(keep)


def test_a_whole_day_becomes_one_sorted_file(lake, table):
    """The hourly files are gone, every row is there once, in order, and the file says so."""
    before = read.table(lake_factory.FEED, storage=lake)
    report = compacted(lake)
    assert (report.files, report.rows, report.skipped) == (24, table.num_rows, None)
    assert list(lake.list("parquet")) == [DAY_KEY]
    assert read.table(lake_factory.FEED, storage=lake).equals(before)
    assert folder_ids(lake) == table["a"].to_pylist()
    group = pq.read_metadata(lake.local_path(DAY_KEY)).row_group(0)
    assert [group.column(s.column_index).path_in_schema for s in group.sorting_columns] == [
        "traded_at"
    ]


def test_compacting_again_changes_nothing(lake):
    """The same bytes at the same key; the manifest too."""
    compacted(lake)
    before = {key: lake.read(key) for key in lake.list("")}
    compacted(lake)
    assert {key: lake.read(key) for key in lake.list("")} == before


def test_a_day_with_a_window_missing_is_left_alone(tmp_path, table):
    """It says which is missing: nothing is read or written."""
    storage = Storage.open(f"file://{tmp_path}", {})
    for number in range(23):
        lake_factory.ingest(storage, table, lake_factory.hour(number))
    before = list(storage.list(""))
    assert "1 of 24 windows" in compacted(storage).skipped
    assert list(storage.list("")) == before


def test_a_day_with_an_unfinished_window_is_left_alone(lake):
    """It is compacted once all of it was fetched: folder readers see its windows until then."""
    key = layout.manifest_key(lake_factory.FEED.name, lake_factory.BTC, lake_factory.hour(7))
    whole = manifest.read(key, storage=lake)
    json_section = structs.replace(whole.json, unfinished_until_ms=1)
    unfinished = structs.replace(whole, json=json_section)
    manifests.put(unfinished, storage=lake)
    assert compacted(lake).skipped == (
        "20261122T070000Z-20261122T080000Z is unfinished, and is fetched again"
    )
    manifests.put(whole, storage=lake)
    assert compacted(lake).skipped is None


def test_a_day_without_a_row_has_a_manifest_and_no_file(tmp_path, table):
    """Windows without trades are whole, too."""
    storage = Storage.open(f"file://{tmp_path}", {})
    lake_factory.ingest_day(storage, table.slice(0, 0))
    assert compacted(storage).skipped is None
    assert list(storage.list("parquet")) == []
    assert ids(storage) == []


def test_a_window_fetched_again_waits_beside_the_day_until_it_is_compacted_again(lake, table):
    """Manifest readers see it at once; folder readers see the day as it was, then as it is."""
    compacted(lake)
    mended = without(table, 7, 5)
    lake_factory.ingest(lake, mended, lake_factory.hour(7))
    assert ids(lake) == mended["a"].to_pylist()
    assert folder_ids(lake) == table["a"].to_pylist()
    assert len(list(lake.list("late"))) == 1
    compacted(lake)
    assert ids(lake) == folder_ids(lake) == mended["a"].to_pylist()
    assert list(lake.list("late")) == []
    assert list(lake.list("parquet")) == [DAY_KEY]


def test_a_window_that_became_empty_is_left_out_of_the_day(lake, table):
    """No rows replace some."""
    compacted(lake)
    mended = without(table, 7, 10**6)
    lake_factory.ingest(lake, mended, lake_factory.hour(7))
    assert ids(lake) == mended["a"].to_pylist()
    compacted(lake)
    assert ids(lake) == folder_ids(lake) == mended["a"].to_pylist()
    assert list(lake.list("late")) == []


def test_a_window_converted_again_to_the_same_rows_leaves_the_day_as_it_is(lake):
    """A rebuild after compaction writes nothing where nothing changed."""
    compacted(lake)
    before = {key: lake.read(key) for key in lake.list("")}
    for number in range(24):
        key = layout.manifest_key(
            lake_factory.FEED.name, lake_factory.BTC, lake_factory.hour(number)
        )
        convert(key, feed=lake_factory.FEED, storage=lake, budget=lake_factory.BUDGET)
    assert {key: lake.read(key) for key in lake.list("")} == before


def test_a_window_put_back_as_it_was_is_in_the_day_again(lake, table):
    """A mended window that is mended back leaves nothing behind."""
    compacted(lake)
    before = folder_ids(lake)
    lake_factory.ingest(lake, without(table, 7, 5), lake_factory.hour(7))
    lake_factory.ingest(lake, table, lake_factory.hour(7))
    assert list(lake.list("late")) == []
    assert ids(lake) == folder_ids(lake) == before


def test_an_unsorted_hour_is_put_in_order(tmp_path, table):
    """Its day is sorted, and says so."""
    storage = Storage.open(f"file://{tmp_path}", {})
    lake_factory.ingest_day(storage, table)
    rows = lake_factory.of_hour(table, lake_factory.hour(2))
    budget = replace(lake_factory.BUDGET, block_bytes=1024, row_group_rows=16)
    lines = trades.text(rows).to_pylist()
    made = lake_factory.stage(storage, [*lines[1:], lines[0]], window=lake_factory.hour(2))
    done = convert(made.key, feed=lake_factory.FEED, storage=storage, budget=budget).manifest
    assert not done.parquet.sorted
    compact.compact(
        lake_factory.FEED, lake_factory.BTC, lake_factory.DAY, storage=storage, budget=budget
    )
    [day] = day_manifest.read_all(lake_factory.FEED.name, storage=storage)
    times = read.table(lake_factory.FEED, storage=storage, columns=["traded_at"])[
        "traded_at"
    ].to_pylist()
    assert (day.sorted, times == sorted(times)) == (True, True)
    assert sorted(ids(storage)) == table["a"].to_pylist()


def test_a_file_that_was_changed_is_refused(lake):
    """Nothing is committed, and the hourly files stay."""
    made = manifest.read(
        layout.manifest_key(lake_factory.FEED.name, lake_factory.BTC, lake_factory.hour(3)),
        storage=lake,
    ).parquet
    rows = pq.read_table(lake.local_path(made.key), partitioning=None)
    pq.write_table(rows.slice(1), lake.local_path(made.key))
    with pytest.raises(ParityError, match="20261122T030000Z"):
        compacted(lake)
    assert DAY_KEY not in list(lake.list("parquet"))
    assert len(list(lake.list("parquet"))) == 24
    assert list(lake.list("_incomplete")) == []


def test_a_feed_of_days_is_not_compacted(tmp_path):
    """Its windows are days already."""
    feed = lake_factory.FEED.model_copy(update={"window": layout.DAY})
    storage = Storage.open(f"file://{tmp_path}/days", {})
    with pytest.raises(UsageError, match="nothing to compact"):
        compact.compact(
            feed, lake_factory.BTC, lake_factory.DAY, storage=storage, budget=lake_factory.BUDGET
        )


@pytest.mark.parametrize("after_steps", [0, 1, 2, 3, 4, 5, 6, 20, 40, 51, 52, 53])
def test_a_crash_at_any_step_leaves_each_row_once_and_the_next_run_ends_it(
    tmp_path, table, after_steps
):
    """First a whole day, then the same day with a window fetched again."""
    storage = Storage.open(f"file://{tmp_path}", {})
    few = table.slice(0, 0)
    for number in range(24):
        lake_factory.ingest(
            storage, table if number in (3, 4, 20) else few, lake_factory.hour(number)
        )
    for wanted in (ids(storage), ids(storage)[:-4]):
        if len(wanted) < len(ids(storage)):
            lake_factory.ingest(storage, without(table, 20, 4), lake_factory.hour(20))
        dying = crashing(storage, after_steps=after_steps)
        try:
            compacted(dying)
        except Crash:
            assert ids(storage) == wanted
        compacted(storage)
        assert ids(storage) == folder_ids(storage) == wanted
        assert [key for key in storage.list("") if key.startswith(("late", "_inc"))] == []


@pytest.mark.s3
def test_a_day_on_s3_is_compacted_and_compacted_again(s3, table):
    """One object is left, and not an empty one in place of a folder."""
    storage = Storage.open(s3.root, s3.environment)
    feed = lake_factory.FEED.model_copy(update={"window": timedelta(hours=6)})
    quarters = list(split_range(lake_factory.DAY.start, lake_factory.DAY.end, length=feed.window))
    for window in quarters:
        lake_factory.ingest(storage, table, window, feed=feed)
    for rows in (table, without(table, 7, 5)):
        lake_factory.ingest(storage, rows, quarters[1], feed=feed)
        done = compact.compact(
            feed, lake_factory.BTC, lake_factory.DAY, storage=storage, budget=lake_factory.BUDGET
        )
        assert done.rows == rows.num_rows
        assert ids(storage) == folder_ids(storage) == rows["a"].to_pylist()
    assert list(storage.list("parquet")) == [DAY_KEY]
    assert list(storage.list("late")) == list(storage.list("_incomplete")) == []
    assert all(size for size in storage.sizes("").values())


@pytest.mark.memory
def test_a_million_records_from_24_files_are_compacted_under_128_mib(tmp_path):
    """By the command line, in a child under the cap."""
    storage = Storage.open(f"file://{tmp_path}", {})
    table = lake_factory.day_of_trades(1_000_000)
    for number in range(24):
        lake_factory.ingest(storage, table, lake_factory.hour(number))
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    described = lake_factory.FEED.model_dump(mode="json", by_alias=True, exclude_unset=True)
    (feeds / "trades.yaml").write_text(
        json.dumps({name: value for name, value in described.items() if name != "name"})
    )
    lines: list[str] = []
    argv = [sys.executable, "-m", "include.ticklake", "compact", "trades"]
    argv += ["--slice", "symbol=BTCUSDT", "--start", "2026-11-22", "--end", "2026-11-23"]
    done = capped_process.run_capped(
        [*argv, "--root", storage.root_uri],
        cap_bytes=128 * MIB,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPOSITORY),
            "TICKLAKE_FEEDS": str(feeds),
        },
        on_line=lines.append,
    )
    assert (done.exit_code, done.out_of_memory) == (0, False), lines
    report = json.loads(next(line for line in lines if line.startswith("{")))
    assert (report["rows"], report["files"]) == (table.num_rows, 24)
    [file] = storage.list("parquet")
    at = pq.read_table(storage.local_path(file), columns=["agg_trade_id"], partitioning=None)
    assert pc.count_distinct(at["agg_trade_id"]).as_py() == table.num_rows
