"""What a Parquet file says of itself is what its manifest said of it."""

from __future__ import annotations

import pytest
from pyarrow import parquet as pq

from include.ticklake.errors import CorruptParquetError
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.file_facts import read_facts
from tests.support import lake_factory
from tests.support.lake_factory import FEED

HOUR = lake_factory.hour(5)


@pytest.fixture
def storage(tmp_path) -> Storage:
    """An empty lake."""
    return Storage.open(f"file://{tmp_path}/lake", {})


def test_the_facts_are_those_of_the_manifest(storage):
    """Counts, times, keys and the order."""
    section = lake_factory.ingest(storage, lake_factory.day_of_trades(300), HOUR).require_parquet()
    facts = read_facts(FEED, section.key, storage=storage)
    names = ["rows", "parquet_bytes", "sha256", "row_groups", "first_event_ns", "last_event_ns"]
    assert [getattr(facts, name) for name in names] == [getattr(section, name) for name in names]
    assert (facts.key_range, facts.sorted) == (section.key_range, True)


def test_rows_are_counted_within_ranges(storage):
    """Both ends belong to them."""
    table = lake_factory.day_of_trades(300)
    section = lake_factory.ingest(storage, table, HOUR).require_parquet()
    at = [ms * 10**6 for ms in lake_factory.of_hour(table, HOUR)["T"].to_pylist()]
    first, last = at[0], at[-1]
    ranges = ((first, last), (first, first), (first, last - 1), (last + 10**6, last + 10**9))
    facts = read_facts(FEED, section.key, storage=storage, within=ranges)
    assert facts.rows_within == (len(at), at.count(first), len(at) - at.count(last), 0)


def test_rows_that_are_not_in_order_are_seen(storage):
    """Also across batches."""
    section = lake_factory.ingest(storage, lake_factory.day_of_trades(300), HOUR).require_parquet()
    path = storage.local_path(section.key)
    rows = pq.read_table(path, partitioning=None)
    pq.write_table(rows.take([*range(1, rows.num_rows), 0]), path)
    assert not read_facts(FEED, section.key, storage=storage).sorted


def test_what_cannot_be_read_has_no_facts(storage):
    """A damaged file, and a missing one."""
    section = lake_factory.ingest(storage, lake_factory.day_of_trades(300), HOUR).require_parquet()
    storage.put(section.key, (storage.read(section.key) or b"")[:-9])
    with pytest.raises(CorruptParquetError):
        read_facts(FEED, section.key, storage=storage)
    storage.delete(section.key)
    with pytest.raises(FileNotFoundError):
        read_facts(FEED, section.key, storage=storage)
