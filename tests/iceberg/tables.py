"""What readers of an Iceberg table and of the lake's folder see, for tests that compare them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from include.ticklake.feed.feed import Feed
from include.ticklake.lake import read
from include.ticklake.lake.layout import SliceDay
from include.ticklake.lake.storage import Storage
from tests.support import lake_factory

iceberg = pytest.importorskip("include.ticklake.publish.iceberg", reason="no PyIceberg")

DAY = [SliceDay(lake_factory.BTC, lake_factory.DAY.start.date())]


def sync(storage: Storage, catalog, *, feed: Feed = lake_factory.FEED, units=DAY):
    """One sync of the day, or of *units*."""
    return iceberg.sync(feed, units, storage=storage, catalog=catalog)


def rows(catalog, *, snapshot_id: int | None = None, name: str = "trades") -> pa.Table:
    """What a reader of the table sees, in the order of time."""
    found = catalog.load_table(("ticklake", name)).scan(snapshot_id=snapshot_id).to_arrow()
    return found.sort_by("agg_trade_id") if name == "trades" else found


def folder(storage) -> pa.Table:
    """What a reader of the folder sees, in the table's types."""
    found = read.dataset(lake_factory.FEED, storage=storage).to_table().sort_by("agg_trade_id")
    at = found.schema.get_field_index("traded_at")
    us = found["traded_at"].cast(pa.timestamp("us", tz="UTC"))
    return found.set_column(at, "traded_at", us)


def same(one: pa.Table, other: pa.Table) -> bool:
    """Whether both have the same rows, in the same order."""
    return one.to_pylist() == other.to_pylist()


def again(storage, table: pa.Table, number: int) -> None:
    """Fetch and convert an hour once more: now the source has half of its trades."""
    of_hour = lake_factory.of_hour(table, lake_factory.hour(number))
    lake_factory.ingest(storage, of_hour.slice(0, of_hour.num_rows // 2), lake_factory.hour(number))
