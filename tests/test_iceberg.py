"""An Iceberg table shows what the folder shows, each row once; a snapshot what it showed then."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from include.ticklake import manifest
from include.ticklake.errors import CallInvalid
from include.ticklake.feeds import Feed
from include.ticklake.lake import publish, read
from include.ticklake.lake.folder_files import Unit
from include.ticklake.plan import Work
from include.ticklake.settings import Settings
from include.ticklake.storage import Storage
from include.ticklake.upkeep.compact import compact
from tests import lakes, staged, trades
from tests.conftest import REPOSITORY
from tests.s3_server import Bucket

iceberg = pytest.importorskip("include.ticklake.lake.iceberg", reason="no PyIceberg")

DAY = [Unit(lakes.BTC, lakes.DAY.start.date())]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """A day of trades."""
    return lakes.day_of_trades(6_000)


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


@pytest.fixture
def catalog(storage):
    """The embedded default: one SQLite file beside the lake."""
    opened = iceberg.catalog("sqlite", storage=storage, env={})
    yield opened
    opened.close()


def sync(storage, catalog, *, feed: Feed = lakes.FEED, units=DAY):
    return iceberg.sync(feed, units, storage=storage, catalog=catalog)


def rows(catalog, *, snapshot_id: int | None = None, name: str = "trades") -> pa.Table:
    """What a reader of the table sees, in the order of time."""
    found = catalog.load_table(("ticklake", name)).scan(snapshot_id=snapshot_id).to_arrow()
    return found.sort_by("agg_trade_id") if name == "trades" else found


def folder(storage) -> pa.Table:
    """What a reader of the folder sees, in the table's types."""
    found = read.dataset(lakes.FEED, storage=storage).to_table().sort_by("agg_trade_id")
    at = found.schema.get_field_index("traded_at")
    us = found["traded_at"].cast(pa.timestamp("us", tz="UTC"))
    return found.set_column(at, "traded_at", us)


def same(one: pa.Table, other: pa.Table) -> bool:
    return one.to_pylist() == other.to_pylist()


def again(storage, table: pa.Table, number: int) -> None:
    """Fetch and convert an hour once more: now the source has half of its trades."""
    of_hour = lakes.of_hour(table, lakes.hour(number))
    lakes.ingest(storage, of_hour.slice(0, of_hour.num_rows // 2), lakes.hour(number))


def test_the_table_holds_what_the_folder_holds(storage, catalog, table):
    """Every column, exact, and the folders' values; each hour once however often it is synced."""
    lakes.ingest(storage, table, lakes.hour(3))
    first = sync(storage, catalog)
    lakes.ingest(storage, table, lakes.hour(4))
    second = sync(storage, catalog)
    third = sync(storage, catalog)
    assert (first.added_files, second.added_files, third.added_files) == (1, 1, 0)
    assert third.snapshot_id == second.snapshot_id
    assert same(rows(catalog), folder(storage))
    assert same(
        rows(catalog, snapshot_id=first.snapshot_id).select(["agg_trade_id"]),
        lakes.of_hour(table, lakes.hour(3)).select(["a"]).rename_columns(["agg_trade_id"]),
    )


def test_a_window_fetched_again_takes_the_place_of_the_old_one(storage, catalog, table):
    """In one snapshot; the one before still shows what it showed."""
    for number in (3, 4):
        lakes.ingest(storage, table, lakes.hour(number))
    before, seen = sync(storage, catalog), folder(storage)
    again(storage, table, 3)
    after = sync(storage, catalog)
    assert (after.added_files, after.removed_files) == (1, 1)
    assert same(rows(catalog), folder(storage))
    assert len(rows(catalog)) < len(seen)
    assert same(rows(catalog, snapshot_id=before.snapshot_id), seen)


def test_a_window_without_rows_any_more_goes(storage, catalog, table):
    """And nothing comes in its place."""
    lakes.ingest(storage, table, lakes.hour(3))
    sync(storage, catalog)
    lakes.ingest(storage, table.slice(0, 0), lakes.hour(3))
    assert sync(storage, catalog).removed_files == 1
    assert len(rows(catalog)) == 0


def test_a_compacted_day_is_one_file_with_the_same_rows(storage, catalog, table):
    """Time travel goes back across it, though the hourly files are gone from the folder."""
    lakes.ingest_day(storage, table)
    before, seen = sync(storage, catalog), folder(storage)
    compact(lakes.FEED, lakes.BTC, lakes.DAY, storage=storage, budgets=lakes.BUDGETS)
    assert len(list(storage.list("parquet"))) == 1
    after = sync(storage, catalog)
    assert (after.added_files, after.removed_files) == (1, 24)
    assert same(rows(catalog), seen)
    assert same(rows(catalog, snapshot_id=before.snapshot_id), seen)

    again(storage, table, 3)  # waits for the next compaction: the folder has it as it was
    assert sync(storage, catalog).snapshot_id == after.snapshot_id
    compact(lakes.FEED, lakes.BTC, lakes.DAY, storage=storage, budgets=lakes.BUDGETS)
    assert sync(storage, catalog).added_files == 1
    assert same(rows(catalog), folder(storage))
    assert len(rows(catalog)) < len(seen)


def test_a_query_reads_the_files_that_it_needs(storage, catalog, table):
    """Of a slice by its partition, of a minute by the extremes in the manifests."""
    for number in (3, 4):
        lakes.ingest(storage, table, lakes.hour(number))
    odd = lakes.Slice.of({"symbol": "BTC/USD 100%=ü"})
    lakes.ingest(storage, table, lakes.hour(3), piece=odd)
    sync(storage, catalog, units=[*DAY, Unit(odd, DAY[0].date)])
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
    first_ms = int(lakes.at("04:10").timestamp() * 1000)
    in_minutes = pc.and_(pc.greater_equal(at_ms, first_ms), pc.less(at_ms, first_ms + 600_000))
    assert only_ids["agg_trade_id"].to_pylist() == table.filter(in_minutes)["a"].to_pylist() != []


def test_a_sync_touches_the_days_that_it_is_about(storage, catalog, table):
    """Another slice, another day: as they were."""
    eth = lakes.Slice.of({"symbol": "ETHUSDT"})
    lakes.ingest(storage, table, lakes.hour(3))
    lakes.ingest(storage, table, lakes.hour(3), piece=eth)
    sync(storage, catalog, units=[*DAY, Unit(eth, DAY[0].date)])
    again(storage, table, 3)
    assert sync(storage, catalog, units=[Unit(eth, DAY[0].date)]).removed_files == 0
    assert sync(storage, catalog).removed_files == 1


class Overtaken:
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
        lakes.ingest(storage, table, lakes.hour(5))
        sync(storage, catalog)
    lakes.ingest(storage, table, lakes.hour(3))

    def other() -> None:
        again(storage, table, 3)
        if syncs:
            sync(storage, catalog)

    sync(Overtaken(storage, other, moment=moment), catalog)
    if not syncs:
        sync(storage, catalog)  # as the other run will do
    assert same(rows(catalog), folder(storage))
    lakes.ingest(storage, table, lakes.hour(3))  # back to what the first run saw
    sync(storage, catalog)
    assert same(rows(catalog), folder(storage))


def test_a_run_killed_before_its_commit_is_made_good(storage, catalog, table):
    """The copies that it left are those of the next try; the table has not changed."""
    lakes.ingest(storage, table, lakes.hour(3))

    def killed() -> None:
        raise KeyboardInterrupt

    lakes.ingest(storage, table, lakes.hour(4))
    with pytest.raises(KeyboardInterrupt):
        sync(Overtaken(storage, killed), catalog)
    assert len(rows(catalog)) == 0
    sync(storage, catalog)
    assert same(rows(catalog), folder(storage))


WIDE = {
    "number": {"from": "n", "type": "int64", "key": True},
    "price": {"from": "p", "type": "decimal(76,38)"},
    "at": {"from": "t", "type": "timestamp", "unit": "ns", "event_time": True},
}


def test_what_iceberg_has_no_type_for_is_stored_exactly_otherwise(storage, catalog):
    """Decimals of 76 digits as text, nanoseconds as numbers."""
    feed = staged.feed(WIDE, name="wide")
    at_ns = staged.WINDOW.start_ms * 10**6 + 123_456_789
    price = "12345678901234567890123456789012345678.00000000000000000000000000000000000001"
    made = staged.stage(feed, [[f'{{"n":1,"p":"{price}","t":{at_ns}}}']], storage=storage)
    lakes.convert(made.key, feed=feed, storage=storage, budgets=lakes.BUDGETS)
    sync(storage, catalog, feed=feed)
    (found,) = rows(catalog, name="wide").to_pylist()
    assert (Decimal(found["price"]), found["at"]) == (Decimal(price), at_ns)
    assert (found["number"], found["symbol"]) == (1, "BTCUSDT")


def test_a_new_column_is_a_column_of_the_table(storage, catalog, table):
    """Rows from before have none of it."""
    fewer = {name: field for name, field in lakes.FEED.fields.items() if name != "best_match"}
    less = lakes.FEED.model_copy(update={"fields": fewer})
    lakes.ingest(storage, table, lakes.hour(3), feed=less)
    sync(storage, catalog, feed=less)
    lakes.ingest(storage, table.append_column("M", table["m"]), lakes.hour(4))
    sync(storage, catalog)
    assert same(rows(catalog), folder(storage))
    assert "best_match" in rows(catalog).column_names


def test_a_renamed_column_is_one_column(storage, catalog, table):
    """Files of before and after, and one of before that is only taken over now."""
    fields = dict(lakes.FEED.fields)
    renamed = {"cost": fields.pop("price").model_copy(update={"was": ["price"]}), **fields}
    now = lakes.FEED.model_copy(update={"fields": renamed})
    lakes.ingest(storage, table, lakes.hour(3))
    sync(storage, catalog)
    lakes.ingest(storage, table, lakes.hour(4))
    lakes.ingest(storage, table, lakes.hour(5), feed=now)
    sync(storage, catalog, feed=now)
    found = rows(catalog)
    assert "price" not in found.column_names
    wanted = read.table(now, storage=storage, columns=["agg_trade_id", "cost"])
    assert same(found.select(wanted.column_names), wanted.sort_by("agg_trade_id"))
    assert found["cost"].null_count == 0


def test_more_digits_before_the_point_are_taken(storage, catalog, table):
    """Old rows and new ones in one column."""
    lakes.ingest(storage, table, lakes.hour(3))
    sync(storage, catalog)
    price = lakes.FEED.fields["price"].model_copy(update={"type": "decimal(30,8)"})
    wider = lakes.FEED.model_copy(update={"fields": {**lakes.FEED.fields, "price": price}})
    lakes.ingest(storage, table, lakes.hour(4), feed=wider)
    sync(storage, catalog, feed=wider)
    wanted = read.table(wider, storage=storage, columns=["agg_trade_id", "price"])
    assert same(rows(catalog).select(wanted.column_names), wanted.sort_by("agg_trade_id"))


def test_a_type_that_the_table_cannot_take_is_refused(storage, catalog, table):
    """The lake can; the error says what to do."""
    lakes.ingest(storage, table, lakes.hour(3))
    sync(storage, catalog)
    price = lakes.FEED.fields["price"].model_copy(update={"type": "decimal(38,12)"})
    finer = lakes.FEED.model_copy(update={"fields": {**lakes.FEED.fields, "price": price}})
    with pytest.raises(CallInvalid, match=r"price is decimal\(18, 8\) there, .* drop the table"):
        sync(storage, catalog, feed=finer)


def test_a_file_with_a_column_that_the_table_has_not_is_taken_without_it(storage, catalog, table):
    """It was converted when the feed had one more."""
    lakes.ingest(storage, table, lakes.hour(3))
    fewer = {name: field for name, field in lakes.FEED.fields.items() if name != "quantity"}
    sync(storage, catalog, feed=lakes.FEED.model_copy(update={"fields": fewer}))
    found = rows(catalog)
    assert "quantity" not in found.column_names
    assert same(found, folder(storage).drop_columns(["quantity"]))


def test_what_the_page_shows_opens_the_table(storage, catalog, table):
    """The Python of docs/reading.md, with another lake and feed in it."""
    lakes.ingest(storage, table, lakes.hour(3))
    sync(storage, catalog)
    page = (REPOSITORY / "docs" / "reading.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```python\n(from pyiceberg.*?)^```$", page, re.MULTILINE | re.DOTALL)
    shown = shown.replace("/lake/", f"{storage.prefix}/").replace("binance_agg_trades", "trades")
    names: dict[str, object] = {}
    exec(shown, names)  # noqa: S102 - the documentation's own code
    names["catalog"].close()
    assert (len(names["prices"]), len(names["earlier"])) == (len(folder(storage)),) * 2


@pytest.mark.parametrize("reader", ["native", "pyiceberg"])
def test_polars_reads_the_table(storage, catalog, table, reader, monkeypatch):
    """Its own reader and PyIceberg's: the same rows, the folders' values too."""
    polars = pytest.importorskip("polars")
    monkeypatch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")  # or it asks for a plugin
    lakes.ingest(storage, table, lakes.hour(3))
    sync(storage, catalog)
    opened = catalog.load_table(("ticklake", "trades"))
    found = polars.scan_iceberg(opened, reader_override=reader)
    wanted = folder(storage)
    assert found.select(polars.len(), polars.col("price").sum()).collect().row(0) == (
        wanted.num_rows,
        pc.sum(wanted["price"]).as_py(),
    )
    assert found.select("symbol").unique().collect().rows() == [("BTCUSDT",)]


@pytest.mark.s3
def test_on_s3_the_table_lies_beside_the_lake_and_tells_no_key(s3: Bucket, tmp_path, table):
    """Data and metadata in the bucket; the catalog, in a file of its own, knows where."""
    storage = Storage.open(s3.root, s3.environment)
    lakes.ingest(storage, table, lakes.hour(3))
    setting = f"sqlite:///{tmp_path}/catalog.db"
    catalog = iceberg.catalog(setting, storage=storage, env=s3.environment)
    sync(storage, catalog)
    again(storage, table, 3)
    assert sync(storage, catalog).removed_files == 1
    assert same(rows(catalog), folder(storage))
    catalog.close()
    told = [tmp_path / "catalog.db", *(path for path in s3.folder.rglob("*") if path.is_file())]
    assert len(told) > 6
    assert [path for path in told if s3.secret_key.encode() in path.read_bytes()] == []


def test_publishing_commits_only_where_it_is_switched_on(storage, table):
    """And says what it did, in numbers that JSON can carry."""
    works = [Work(lakes.BTC, lakes.hour(3))]
    lakes.ingest(storage, table, lakes.hour(3))
    off = publish.publish(lakes.FEED, works, storage=storage, settings=Settings(), env={})
    assert off == {"latest_slices": 1}
    assert list(storage.list("iceberg")) == []
    settings = Settings(iceberg="sqlite", latest_rows=0)
    on = publish.publish(lakes.FEED, works, storage=storage, settings=settings, env={})
    assert (on["iceberg_added"], on["iceberg_removed"]) == (1, 0)
    assert json.loads(json.dumps(on)) == on
    assert int(on["iceberg_snapshot"]) > 0


def test_without_pyiceberg_the_error_says_what_to_install(storage, monkeypatch):
    """Only where it is switched on."""
    monkeypatch.delitem(sys.modules, "include.ticklake.lake.iceberg")
    monkeypatch.setitem(sys.modules, "pyiceberg.catalog", None)
    monkeypatch.delattr("include.ticklake.lake.iceberg")
    with pytest.raises(CallInvalid, match=r"pip install -r requirements-iceberg\.txt"):
        publish.commit(
            lakes.FEED, DAY, storage=storage, settings=Settings(iceberg="sqlite"), env={}
        )


@pytest.mark.parametrize(
    ("setting", "root_uri"),
    [
        pytest.param("sqlite", "s3://bucket/lake", id="no folder for the file"),
        pytest.param("hive", "s3://bucket/lake", id="unknown"),
        pytest.param("https://", "s3://bucket/lake", id="no host"),
    ],
)
def test_a_setting_that_names_no_catalog_is_refused(storage, setting, root_uri):
    """With those that do."""
    elsewhere = replace(storage, root_uri=root_uri)
    with pytest.raises(CallInvalid, match=r"https://\.\.\. \(REST\), glue or pyiceberg"):
        iceberg.catalog(setting, storage=elsewhere, env={})


def test_a_table_that_is_partitioned_otherwise_is_left_alone(storage, catalog, table):
    """Its files would get the partition values of other columns."""
    lakes.ingest(storage, table, lakes.hour(3))
    sync(storage, catalog)
    with catalog.load_table(("ticklake", "trades")).update_spec() as spec:
        spec.remove_field("symbol")
    with pytest.raises(CallInvalid, match="is not partitioned by symbol, date: drop it"):
        sync(storage, catalog)


def test_every_row_of_the_manifests_is_in_the_table(storage, catalog, table):
    """The day's count and exact sum are those of the source's own text."""
    lakes.ingest_day(storage, table)
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
