"""What a compacted day replaced is deleted, and nothing else is."""

from __future__ import annotations

import pytest

from include.ticklake.lake import day_manifest, layout, read
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.compact import compact
from include.ticklake.maintain.replaced_files import remove_replaced_files
from tests.support import lake_factory
from tests.support.lake_factory import BTC, BUDGET, DAY, FEED

DAY_KEY = layout.parquet_key(FEED.name, BTC, DAY)


@pytest.fixture(scope="module")
def table():
    """A day of trades."""
    return lake_factory.day_of_trades(500)


@pytest.fixture
def lake(tmp_path, table) -> Storage:
    """A compacted day."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest_day(storage, table)
    compact(FEED, BTC, DAY, storage=storage, budget=BUDGET)
    return storage


def remove(lake: Storage) -> None:
    [day] = day_manifest.read_all(FEED.name, storage=lake)
    remove_replaced_files(day, storage=lake)


def test_a_window_s_own_file_goes_where_the_day_has_the_same(lake):
    """As a compaction leaves it that was killed before it could delete them."""
    leftover = layout.parquet_key(FEED.name, BTC, lake_factory.hour(3))
    lake.copy(DAY_KEY, leftover)
    remove(lake)
    assert list(lake.list(Area.PARQUET)) == [DAY_KEY]


def test_a_pending_file_stays(lake, table):
    """The window was converted again since: its rows are nowhere else."""
    lake_factory.ingest(lake, table.slice(0, table.num_rows - 1), lake_factory.hour(23))
    [pending] = lake.list(Area.PENDING)
    remove(lake)
    assert list(lake.list(Area.PENDING)) == [pending]
    assert read.table(FEED, storage=lake).num_rows == table.num_rows - 1


def test_a_file_that_no_manifest_names_stays(lake):
    """It may be that of a conversion that is about to commit."""
    unnamed = layout.pending_key(FEED.name, BTC, lake_factory.hour(3), sha256="0badc0de")
    lake.put(unnamed, b"x")
    remove(lake)
    assert lake.exists(unnamed)


def test_the_file_of_a_window_that_is_not_current_stays(lake):
    """A conversion that did not see the day may be about to replace it."""
    own_key = layout.parquet_key(FEED.name, BTC, lake_factory.hour(3))
    lake.copy(DAY_KEY, own_key)
    lake_factory.stage(lake, [], window=lake_factory.hour(3))
    remove(lake)
    assert lake.exists(own_key)
