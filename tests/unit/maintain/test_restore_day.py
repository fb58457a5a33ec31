"""A damaged manifest of a day is made again where its file and its windows agree."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from pyarrow import parquet as pq

from include.ticklake.errors import DataError
from include.ticklake.lake import day_manifest, layout, manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact
from include.ticklake.maintain.restore_day import restore_day
from include.ticklake.model.unit import Unit
from tests.support import lake_factory, manifests
from tests.support.lake_factory import BTC, BUDGET, DAY, FEED

UNIT = Unit(BTC, DAY)
KEY = layout.day_manifest_key(FEED.name, BTC, DAY)
FILE = layout.parquet_key(FEED.name, BTC, DAY)


@pytest.fixture(scope="module")
def table():
    """A day of trades."""
    return lake_factory.day_of_trades(300)


@pytest.fixture
def storage(tmp_path, table) -> Storage:
    """A compacted day."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest_day(storage, table)
    compact.compact(FEED, BTC, DAY, storage=storage, budget=BUDGET)
    return storage


def test_it_is_what_it_was(storage):
    """With every window."""
    whole = day_manifest.read(KEY, storage=storage)
    assert restore_day(FEED, UNIT, storage=storage) == whole
    storage.put(KEY, b"damaged")
    assert restore_day(FEED, UNIT, storage=storage) == whole
    assert day_manifest.read(KEY, storage=storage) == whole


def test_a_window_with_a_file_of_its_own_is_not_read_from_the_day(storage, table):
    """What the day has of it is what was there before, whose sha256 is not known."""
    window = lake_factory.hour(7)
    of_hour = lake_factory.of_hour(table, window)
    lake_factory.ingest(storage, of_hour.slice(2), window)
    storage.put(KEY, b"damaged")
    restored = restore_day(FEED, UNIT, storage=storage)
    assert restored is not None
    entry = restored.compacted(window.name)
    assert entry is not None
    assert (entry.rows, entry.sha256) == (of_hour.num_rows, None)
    assert restored.rows == table.num_rows


def test_a_day_whose_windows_all_have_files_has_no_manifest_any_more(tmp_path, table):
    """It was about to be compacted."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest_day(storage, table)
    storage.put(KEY, b"damaged")
    assert restore_day(FEED, UNIT, storage=storage) is None
    assert not storage.exists(KEY)


def test_a_file_that_lacks_rows_is_described_as_it_should_be_where_there_is_json(storage):
    """An audit finds that it is not, and repairs it."""
    path = storage.local_path(FILE)
    pq.write_table(pq.read_table(path, partitioning=None).slice(1), path)
    storage.put(KEY, b"damaged")
    restored = restore_day(FEED, UNIT, storage=storage)
    assert restored is not None
    assert restored.sha256 == "0" * 64


@pytest.mark.parametrize("damage", ["a row is missing", "no file"])
def test_without_json_nothing_is_changed(storage, damage):
    """The file may be all that is left."""
    key = layout.manifest_key(FEED.name, BTC, lake_factory.hour(3))
    window = manifest.read(key, storage=storage)
    assert window is not None
    manifests.put(replace(window, json=replace(window.json, removed=True)), storage=storage)
    if damage == "no file":
        storage.delete(FILE)
    else:
        path = storage.local_path(FILE)
        pq.write_table(pq.read_table(path, partitioning=None).slice(1), path)
    storage.put(KEY, b"damaged")
    with pytest.raises(DataError, match=r"does not fit: .*; nothing was changed"):
        restore_day(FEED, UNIT, storage=storage)
    assert storage.read(KEY) == b"damaged"
