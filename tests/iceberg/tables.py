"""What readers of an Iceberg table and of the lake's folder see, for tests that compare them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from include.ticklake import read
from include.ticklake.feeds import Feed
from include.ticklake.lake.folder_files import Unit
from include.ticklake.storage import Storage
from tests import lakes

iceberg = pytest.importorskip("include.ticklake.lake.iceberg", reason="no PyIceberg")

DAY = [Unit(lakes.BTC, lakes.DAY.start.date())]


def sync(storage: Storage, catalog, *, feed: Feed = lakes.FEED, units=DAY):
    """One sync of the day, or of *units*."""
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
    """Whether both have the same rows, in the same order."""
    return one.to_pylist() == other.to_pylist()


def again(storage, table: pa.Table, number: int) -> None:
    """Fetch and convert an hour once more: now the source has half of its trades."""
    of_hour = lakes.of_hour(table, lakes.hour(number))
    lakes.ingest(storage, of_hour.slice(0, of_hour.num_rows // 2), lakes.hour(number))
