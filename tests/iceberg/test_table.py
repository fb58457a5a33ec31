"""An Iceberg table shows what the folder shows, each row once; a snapshot what it showed then."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pyarrow.compute as pc
import pytest

from include.ticklake.feed.retention import Retention
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.layout import SliceDay
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import expire
from include.ticklake.maintain.compact import compact
from include.ticklake.model.window import Window
from tests.iceberg.tables import DAY, again, folder, rows, same, sync
from tests.support import lake_factory
from tools import trades


def test_the_table_holds_what_the_folder_holds(storage, catalog, table):
    """Every column, exact, and the folders' values; each hour once however often it is synced."""
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    first = sync(storage, catalog)
    lake_factory.ingest(storage, table, lake_factory.hour(4))
    second = sync(storage, catalog)
    third = sync(storage, catalog)
    assert (first.added_files, second.added_files, third.added_files) == (1, 1, 0)
    assert third.snapshot_id == second.snapshot_id
    assert same(rows(catalog), folder(storage))
    assert same(
        rows(catalog, snapshot_id=first.snapshot_id).select(["agg_trade_id"]),
        lake_factory.of_hour(table, lake_factory.hour(3))
        .select(["a"])
        .rename_columns(["agg_trade_id"]),
    )


def test_a_window_fetched_again_takes_the_place_of_the_old_one(storage, catalog, table):
    """In one snapshot; the one before still shows what it showed."""
    for number in (3, 4):
        lake_factory.ingest(storage, table, lake_factory.hour(number))
    before, seen = sync(storage, catalog), folder(storage)
    again(storage, table, 3)
    after = sync(storage, catalog)
    assert (after.added_files, after.removed_files) == (1, 1)
    assert same(rows(catalog), folder(storage))
    assert len(rows(catalog)) < len(seen)
    assert same(rows(catalog, snapshot_id=before.snapshot_id), seen)


def test_a_window_without_rows_any_more_goes(storage, catalog, table):
    """And nothing comes in its place."""
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    sync(storage, catalog)
    lake_factory.ingest(storage, table.slice(0, 0), lake_factory.hour(3))
    assert sync(storage, catalog).removed_files == 1
    assert len(rows(catalog)) == 0


def test_a_compacted_day_is_one_file_with_the_same_rows(storage, catalog, table):
    """Time travel goes back across it, though the hourly files are gone from the folder."""
    lake_factory.ingest_day(storage, table)
    before, seen = sync(storage, catalog), folder(storage)
    compact(
        lake_factory.FEED,
        lake_factory.BTC,
        lake_factory.DAY,
        storage=storage,
        budget=lake_factory.BUDGET,
    )
    assert len(list(storage.list("parquet"))) == 1
    after = sync(storage, catalog)
    assert (after.added_files, after.removed_files) == (1, 24)
    assert same(rows(catalog), seen)
    assert same(rows(catalog, snapshot_id=before.snapshot_id), seen)

    again(storage, table, 3)  # waits for the next compaction: the folder has it as it was
    assert sync(storage, catalog).snapshot_id == after.snapshot_id
    compact(
        lake_factory.FEED,
        lake_factory.BTC,
        lake_factory.DAY,
        storage=storage,
        budget=lake_factory.BUDGET,
    )
    assert sync(storage, catalog).added_files == 1
    assert same(rows(catalog), folder(storage))
    assert len(rows(catalog)) < len(seen)


@pytest.mark.parametrize("compacted", [False, True], ids=["hourly files", "a compacted day"])
def test_what_retention_removed_goes_with_the_next_sync(storage, catalog, table, compacted):
    """And a window that is fetched again afterwards comes back, alone."""
    lake_factory.ingest_day(storage, table)
    if compacted:
        compact(
            lake_factory.FEED,
            lake_factory.BTC,
            lake_factory.DAY,
            storage=storage,
            budget=lake_factory.BUDGET,
        )
    before, seen = sync(storage, catalog), folder(storage)
    keeps = lake_factory.FEED.model_copy(update={"retention": Retention(parquet="1d")})
    now = lake_factory.DAY.end + timedelta(days=2)
    found = expire.find_expired(keeps, now=now, storage=storage)
    assert list(expire.delete(keeps, found, now=now, storage=storage))
    assert sync(storage, catalog).removed_files == before.added_files
    assert len(rows(catalog)) == 0
    assert same(rows(catalog, snapshot_id=before.snapshot_id), seen)
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    sync(storage, catalog)
    assert same(rows(catalog), folder(storage))
    assert len(rows(catalog)) == lake_factory.of_hour(table, lake_factory.hour(3)).num_rows


def test_a_query_reads_the_files_that_it_needs(storage, catalog, table):
    """Of a slice by its partition, of a minute by the extremes in the manifests."""
    for number in (3, 4):
        lake_factory.ingest(storage, table, lake_factory.hour(number))
    odd = lake_factory.Slice.of({"symbol": "BTC/USD 100%=ü"})
    lake_factory.ingest(storage, table, lake_factory.hour(3), slice_=odd)
    sync(storage, catalog, units=[*DAY, SliceDay(odd, DAY[0].date)])
    found = catalog.load_table(("ticklake", "trades"))

    def files(condition: str) -> int:
        return len(list(found.scan(row_filter=condition).plan_files()))

    assert files("symbol = 'BTC/USD 100%=ü'") == 1
    assert files("symbol = 'BTCUSDT'") == 2
    minutes = (
        "traded_at >= '2026-11-22T04:10:00+00:00' and traded_at < '2026-11-22T04:20:00+00:00' "
        "and symbol = 'BTCUSDT' and date = '2026-11-22'"
    )
    assert files(minutes) == 1
    only_ids = found.scan(row_filter=minutes, selected_fields=("agg_trade_id",)).to_arrow()
    at_ms = table["T"]
    first_ms = int(lake_factory.at("04:10").timestamp() * 1000)
    in_minutes = pc.and_(pc.greater_equal(at_ms, first_ms), pc.less(at_ms, first_ms + 600_000))
    assert only_ids["agg_trade_id"].to_pylist() == table.filter(in_minutes)["a"].to_pylist() != []


def test_a_sync_of_nothing_commits_nothing(storage, catalog):
    """Not even the first snapshot."""
    assert sync(storage, catalog, units=[]).snapshot_id is None


def test_a_sync_touches_the_days_that_it_is_about(storage, catalog, table):
    """Another slice, another day: as they were."""
    eth = lake_factory.Slice.of({"symbol": "ETHUSDT"})
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    lake_factory.ingest(storage, table, lake_factory.hour(3), slice_=eth)
    sync(storage, catalog, units=[*DAY, SliceDay(eth, DAY[0].date)])
    again(storage, table, 3)
    assert sync(storage, catalog, units=[SliceDay(eth, DAY[0].date)]).removed_files == 0
    assert sync(storage, catalog).removed_files == 1


class InterruptedStorage:
    """A storage in which another run does something before a copy, or when it was used."""

    def __init__(self, storage: Storage, other, *, moment: str = "copy") -> None:
        self._storage = storage
        self._other = other
        self._moment = moment

    def __getattr__(self, name: str):
        return getattr(self._storage, name)

    def copy(self, source: str, target: str) -> None:
        self._meanwhile("copy")
        self._storage.copy(source, target)

    def delete(self, key: str) -> None:
        self._storage.delete(key)
        self._meanwhile("delete")

    def _meanwhile(self, moment: str) -> None:
        if self._moment == moment and (other := self._other):
            self._other = None
            other()


@pytest.mark.parametrize("moment", ["copy", "delete"])
@pytest.mark.parametrize("syncs", [False, True], ids=["converts", "converts and commits"])
@pytest.mark.parametrize("empty", [False, True], ids=["later commit", "first commit"])
def test_a_run_that_is_overtaken_shows_no_row_twice(storage, catalog, table, moment, syncs, empty):
    """It begins again, with the manifests of now; no file has other rows than its name says."""
    if not empty:
        lake_factory.ingest(storage, table, lake_factory.hour(5))
        sync(storage, catalog)
    lake_factory.ingest(storage, table, lake_factory.hour(3))

    def other() -> None:
        again(storage, table, 3)
        if syncs:
            sync(storage, catalog)

    sync(InterruptedStorage(storage, other, moment=moment), catalog)
    if not syncs:
        sync(storage, catalog)  # as the other run will do
    assert same(rows(catalog), folder(storage))
    lake_factory.ingest(storage, table, lake_factory.hour(3))  # back to what the first run saw
    sync(storage, catalog)
    assert same(rows(catalog), folder(storage))


def test_a_run_killed_before_its_commit_is_made_good(storage, catalog, table):
    """The copies that it left are those of the next try; the table has not changed."""
    lake_factory.ingest(storage, table, lake_factory.hour(3))

    def killed() -> None:
        raise KeyboardInterrupt

    lake_factory.ingest(storage, table, lake_factory.hour(4))
    with pytest.raises(KeyboardInterrupt):
        sync(InterruptedStorage(storage, killed), catalog)
    assert len(rows(catalog)) == 0
    sync(storage, catalog)
    assert same(rows(catalog), folder(storage))


def test_every_row_of_the_manifests_is_in_the_table(storage, catalog, table):
    """The day's count and exact sum are those of the source's own text."""
    lake_factory.ingest_day(storage, table)
    sync(storage, catalog)
    found = rows(catalog)
    prices = [json.loads(line)["p"] for line in trades.text(table).to_pylist()]
    assert len(found) == sum(
        one.parquet.rows for one in manifest.read_all("trades", storage=storage)
    )
    assert (len(found), pc.sum(found["price"]).as_py()) == (
        len(prices),
        sum(map(Decimal, prices), Decimal()),
    )


def test_a_damaged_object_leaves_its_day_in_the_table_as_it_is(storage, catalog, table, caplog):
    """Other days are committed: of a manifest, and of a file that is not what was converted."""
    later = Window(lake_factory.DAY.end, lake_factory.DAY.end + timedelta(days=1))
    days = [*DAY, SliceDay(lake_factory.BTC, later.start.date())]
    moved = table.set_column(table.schema.get_field_index("T"), "T", pc.add(table["T"], 86_400_000))
    for number in (3, 4):
        lake_factory.ingest(storage, table, lake_factory.hour(number))
    sync(storage, catalog)
    seen = len(rows(catalog))
    of_three = lake_factory.of_hour(table, lake_factory.hour(3)).num_rows
    key = layout.manifest_key(lake_factory.FEED.name, lake_factory.BTC, lake_factory.hour(4))
    whole = storage.read(key)
    storage.put(key, b"damaged")
    again(storage, table, 3)
    lake_factory.ingest(storage, moved, lake_factory.hour(3, later))
    assert sync(storage, catalog, units=days).added_files == 1
    assert len(rows(catalog)) == seen + of_three
    assert lake_factory.hour(4).name in caplog.text
    storage.put(key, whole)
    for number in (4, 5):
        lake_factory.ingest(storage, moved, lake_factory.hour(number, later))
    parquet = layout.parquet_key(
        lake_factory.FEED.name, lake_factory.BTC, lake_factory.hour(5, later)
    )
    storage.put(parquet, b"PAR1")
    result = sync(storage, catalog, units=days)
    assert (result.added_files, result.removed_files) == (1, 1)  # of the first day
    assert lake_factory.hour(5, later).name in caplog.text
