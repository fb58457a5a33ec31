"""A feed's columns are an Iceberg table's, also after they changed; every digit is there."""

from __future__ import annotations

import re
from decimal import Decimal

import pyarrow.compute as pc
import pytest

from include.ticklake.errors import UsageError
from include.ticklake.lake import read
from tests.conftest import REPOSITORY
from tests.iceberg.tables import folder, rows, same, sync
from tests.support import lake_factory, staged_factory

WIDE = {
    "number": {"from": "n", "type": "int64", "key": True},
    "price": {"from": "p", "type": "decimal(76,38)"},
    "at": {"from": "t", "type": "timestamp", "unit": "ns", "event_time": True},
}


def test_what_iceberg_has_no_type_for_is_stored_exactly_otherwise(storage, catalog):
    """Decimals of 76 digits as text, nanoseconds as numbers."""
    feed = staged_factory.feed(WIDE, name="wide")
    at_ns = staged_factory.WINDOW.start_ns + 123_456_789
    price = "12345678901234567890123456789012345678.00000000000000000000000000000000000001"
    made = staged_factory.stage(feed, [[f'{{"n":1,"p":"{price}","t":{at_ns}}}']], storage=storage)
    lake_factory.convert(made.key, feed=feed, storage=storage, budget=lake_factory.BUDGET)
    sync(storage, catalog, feed=feed)
    (found,) = rows(catalog, name="wide").to_pylist()
    assert (Decimal(found["price"]), found["at"]) == (Decimal(price), at_ns)
    assert (found["number"], found["symbol"]) == (1, "BTCUSDT")


def test_a_new_column_is_a_column_of_the_table(storage, catalog, table):
    """Rows from before have none of it."""
    fewer = {
        name: field for name, field in lake_factory.FEED.fields.items() if name != "best_match"
    }
    less = lake_factory.FEED.model_copy(update={"fields": fewer})
    lake_factory.ingest(storage, table, lake_factory.hour(3), feed=less)
    sync(storage, catalog, feed=less)
    lake_factory.ingest(storage, table.append_column("M", table["m"]), lake_factory.hour(4))
    sync(storage, catalog)
    assert same(rows(catalog), folder(storage))
    assert "best_match" in rows(catalog).column_names


def test_a_renamed_column_is_one_column(storage, catalog, table):
    """Files of before and after, and one of before that is only taken over now."""
    fields = dict(lake_factory.FEED.fields)
    renamed = {"cost": fields.pop("price").model_copy(update={"renamed_from": ["price"]}), **fields}
    now = lake_factory.FEED.model_copy(update={"fields": renamed})
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    sync(storage, catalog)
    lake_factory.ingest(storage, table, lake_factory.hour(4))
    lake_factory.ingest(storage, table, lake_factory.hour(5), feed=now)
    sync(storage, catalog, feed=now)
    found = rows(catalog)
    assert "price" not in found.column_names
    wanted = read.table(now, storage=storage, columns=["agg_trade_id", "cost"])
    assert same(found.select(wanted.column_names), wanted.sort_by("agg_trade_id"))
    assert found["cost"].null_count == 0


def test_more_digits_before_the_point_are_taken(storage, catalog, table):
    """Old rows and new ones in one column."""
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    sync(storage, catalog)
    price = lake_factory.FEED.fields["price"].model_copy(update={"type": "decimal(30,8)"})
    wider = lake_factory.FEED.model_copy(
        update={"fields": {**lake_factory.FEED.fields, "price": price}}
    )
    lake_factory.ingest(storage, table, lake_factory.hour(4), feed=wider)
    sync(storage, catalog, feed=wider)
    wanted = read.table(wider, storage=storage, columns=["agg_trade_id", "price"])
    assert same(rows(catalog).select(wanted.column_names), wanted.sort_by("agg_trade_id"))


def test_a_type_that_the_table_cannot_take_is_refused(storage, catalog, table):
    """The lake can; the error says what to do."""
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    sync(storage, catalog)
    price = lake_factory.FEED.fields["price"].model_copy(update={"type": "decimal(38,12)"})
    finer = lake_factory.FEED.model_copy(
        update={"fields": {**lake_factory.FEED.fields, "price": price}}
    )
    with pytest.raises(UsageError, match=r"price is decimal\(18, 8\) there, .* drop the table"):
        sync(storage, catalog, feed=finer)


def test_a_file_with_a_column_that_the_table_has_not_is_taken_without_it(storage, catalog, table):
    """It was converted when the feed had one more."""
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    fewer = {name: field for name, field in lake_factory.FEED.fields.items() if name != "quantity"}
    sync(storage, catalog, feed=lake_factory.FEED.model_copy(update={"fields": fewer}))
    found = rows(catalog)
    assert "quantity" not in found.column_names
    assert same(found, folder(storage).drop_columns(["quantity"]))


def test_a_table_that_is_partitioned_otherwise_is_left_alone(storage, catalog, table):
    """Its files would get the partition values of other columns."""
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    sync(storage, catalog)
    with catalog.load_table(("ticklake", "trades")).update_spec() as spec:
        spec.remove_field("symbol")
    with pytest.raises(UsageError, match="is not partitioned by symbol, date: drop it"):
        sync(storage, catalog)


def test_what_the_page_shows_opens_the_table(storage, catalog, table):
    """The Python of docs/how-to/read.md, with another lake and feed in it."""
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    sync(storage, catalog)
    page = (REPOSITORY / "docs" / "how-to" / "read.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```python\n(from pyiceberg.*?)^```$", page, re.MULTILINE | re.DOTALL)
    folder_path = storage.root_uri.removeprefix("file://")
    shown = shown.replace("/lake/", f"{folder_path}/").replace("binance_agg_trades", "trades")
    names: dict[str, object] = {}
    exec(shown, names)  # noqa: S102 - the documentation's own code
    names["catalog"].close()
    assert (len(names["prices"]), len(names["earlier"])) == (len(folder(storage)),) * 2


@pytest.mark.parametrize("reader", ["native", "pyiceberg"])
def test_polars_reads_the_table(storage, catalog, table, reader, monkeypatch):
    """Its own reader and PyIceberg's: the same rows, the folders' values too."""
    polars = pytest.importorskip("polars")
    monkeypatch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")  # or it asks for a plugin
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    sync(storage, catalog)
    opened = catalog.load_table(("ticklake", "trades"))
    found = polars.scan_iceberg(opened, reader_override=reader)
    wanted = folder(storage)
    assert found.select(polars.len(), polars.col("price").sum()).collect().row(0) == (
        wanted.num_rows,
        pc.sum(wanted["price"]).as_py(),
    )
    assert found.select("symbol").unique().collect().rows() == [("BTCUSDT",)]
