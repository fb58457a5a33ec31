"""A feed's columns are an Iceberg table's, also after they changed; every digit is there."""

from __future__ import annotations

import re
from decimal import Decimal

import pyarrow.compute as pc
import pytest

from include.ticklake import read
from include.ticklake.errors import CallInvalid
from tests import lakes, staged
from tests.conftest import REPOSITORY
from tests.iceberg.tables import folder, rows, same, sync

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


def test_a_table_that_is_partitioned_otherwise_is_left_alone(storage, catalog, table):
    """Its files would get the partition values of other columns."""
    lakes.ingest(storage, table, lakes.hour(3))
    sync(storage, catalog)
    with catalog.load_table(("ticklake", "trades")).update_spec() as spec:
        spec.remove_field("symbol")
    with pytest.raises(CallInvalid, match="is not partitioned by symbol, date: drop it"):
        sync(storage, catalog)


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
