"""A slice's rows under a budget: the same rows as a scan, none that the budget does not cover."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.ticklake.lake import layout, limited_read, read
from include.ticklake.lake.limited_read import ReadBudget
from include.ticklake.lake.storage import Storage
from tests.support import lake_factory

COLUMNS = ["agg_trade_id", "price"]
START, END = lake_factory.at("02:30"), lake_factory.at("04:10")


@pytest.fixture(scope="module")
def table():
    """A day of trades."""
    return lake_factory.day_of_trades(6_000)


@pytest.fixture(scope="module")
def lake(table, tmp_path_factory) -> Storage:
    """Hours 2 to 4 of one symbol."""
    storage = Storage.open(f"file://{tmp_path_factory.mktemp('lake')}", {})
    for number in (2, 3, 4):
        lake_factory.ingest(storage, table, lake_factory.hour(number))
    return storage


def budget(**limits) -> ReadBudget:
    """A budget that covers all of the lake, but for *limits*."""
    return ReadBudget(**{"max_bytes": 2**30, "max_rows": 10**9, "max_seconds": 3_600, **limits})


def rows(storage: Storage, limit: ReadBudget, *, start=START, end=END) -> list[int]:
    """The ids that are read."""
    batches = limited_read.batches(
        lake_factory.FEED, lake_factory.BTC, storage=storage, start=start, end=end,
        columns=COLUMNS, budget=limit,
    )  # fmt: skip
    return [value for batch in batches for value in batch["agg_trade_id"].to_pylist()]


def test_what_the_budget_covers_is_what_a_scan_yields(lake):
    """The same rows in the same order."""
    limit = budget()
    scanned = read.table(
        lake_factory.FEED, storage=lake, slices=[lake_factory.BTC.as_dict()], start=START, end=END
    )
    assert rows(lake, limit) == scanned["agg_trade_id"].to_pylist()
    assert (limit.is_spent, limit.skipped) == (False, [])


def test_the_budget_counts_the_columns_that_are_read(lake):
    """Compressed, of the files that the range touches; the event time is filtered by."""
    limit = budget()
    rows(lake, limit)
    keys = sorted(lake.list("parquet"))
    metadata = [pq.read_metadata(lake.local_path(key)).row_group(0) for key in keys]
    read_names = {*COLUMNS, "traded_at"}
    chunks = [group.column(n) for group in metadata for n in range(group.num_columns)]
    names = {chunk.path_in_schema for chunk in chunks}
    assert read_names <= names
    expected = sum(c.total_compressed_size for c in chunks if c.path_in_schema in read_names)
    assert (limit.used_bytes, limit.used_rows) == (expected, sum(g.num_rows for g in metadata))


@pytest.mark.parametrize("limit", ["max_bytes", "max_rows"])
def test_a_row_group_that_the_budget_does_not_cover_is_not_read(lake, limit):
    """Two of the three files: the rows before are the oldest of the range."""
    everything = budget()
    all_rows = rows(lake, everything)
    used = {"max_bytes": everything.used_bytes, "max_rows": everything.used_rows}[limit]
    small = budget(**{limit: used - 1})
    found = rows(lake, small)
    assert small.is_spent
    assert 0 < len(found) < len(all_rows)
    assert found == all_rows[: len(found)]
    assert {"max_bytes": small.used_bytes, "max_rows": small.used_rows}[limit] < used


def test_it_stops_when_the_time_is_up(lake):
    """After the file that it was reading."""
    ticks = iter(range(1_000))
    late = budget(max_seconds=4, clock=lambda: next(ticks))
    found = rows(lake, late)
    assert late.is_spent
    assert 0 < len(found) < len(rows(lake, budget()))


def test_a_damaged_file_is_left_out_and_named(table, tmp_path):
    """The hours around it are read."""
    storage = Storage.open(f"file://{tmp_path}", {})
    made = [lake_factory.ingest(storage, table, lake_factory.hour(n)) for n in (2, 3, 4)]
    storage.put(made[1].parquet.key, b"PAR1 nonsense PAR1")
    limit = budget()
    found = rows(storage, limit, start=lake_factory.hour(2).start, end=lake_factory.hour(4).end)
    assert len(found) == made[0].parquet.rows + made[2].parquet.rows
    assert [made[1].parquet.key in text for text in limit.skipped] == [True]
    assert not limit.is_spent


def test_a_damaged_manifest_is_left_out_and_named(table, tmp_path):
    """As a damaged file is."""
    storage = Storage.open(f"file://{tmp_path}", {})
    made = [lake_factory.ingest(storage, table, lake_factory.hour(n)) for n in (2, 3)]
    storage.put(made[0].key, b"{")
    limit = budget()
    assert len(rows(storage, limit, start=lake_factory.DAY.start, end=lake_factory.DAY.end)) == (
        made[1].parquet.rows
    )
    assert [made[0].key in text for text in limit.skipped] == [True]


@pytest.mark.slow
def test_what_is_in_memory_is_a_row_group_and_not_the_range(tmp_path):
    """However many rows the budget covers."""
    storage = Storage.open(f"file://{tmp_path}", {})
    feed = lake_factory.FEED.model_copy(update={"window": layout.DAY})
    lake_factory.ingest(storage, lake_factory.day_of_trades(400_000), lake_factory.DAY, feed=feed)
    before, most, total = pa.total_allocated_bytes(), 0, 0
    for batch in limited_read.batches(
        feed, lake_factory.BTC, storage=storage, start=lake_factory.DAY.start,
        end=lake_factory.DAY.end, columns=COLUMNS, budget=budget(),
    ):  # fmt: skip
        most = max(most, pa.total_allocated_bytes() - before)
        total += batch.nbytes
    print(f"{total:,} bytes of rows, at most {most:,} in memory")
    assert 0 < most < total / 2
