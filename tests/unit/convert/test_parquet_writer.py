"""Row groups are bounded and sorted, and a file says that it is sorted only if it is."""

from __future__ import annotations

import io
import random
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from include.ticklake.convert import parquet_writer
from include.ticklake.convert.parquet_writer import OutOfOrderError

SCHEMA = pa.schema(
    [
        pa.field("at", pa.timestamp("ms", "UTC"), nullable=False),
        pa.field("number", pa.int64()),
        pa.field("price", pa.decimal128(18, 8)),
        pa.field("name", pa.string()),
    ]
)


def batch(times: list[int], *, first: int = 0) -> pa.RecordBatch:
    """Rows at *times*, numbered from *first* on."""
    numbers = pa.array(range(first, first + len(times)), pa.int64())
    columns = [
        pa.array(times, SCHEMA.field("at").type),
        numbers,
        pa.array(map(Decimal, numbers.to_pylist()), pa.decimal128(18, 8)),
        numbers.cast(pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def batches(times: list[int], *, length: int) -> list[pa.RecordBatch]:
    """*times* in batches of *length* rows, numbered through."""
    return [batch(times[n : n + length], first=n) for n in range(0, len(times), length)]


def rows(tables: list[pa.Table]) -> list[tuple[int, int]]:
    """(time, number) of every row."""
    found = []
    for table in tables:
        times = table.column("at").cast(pa.int64()).to_pylist()
        found += zip(times, table.column("number").to_pylist(), strict=True)
    return found


def gathered(
    given: list[pa.RecordBatch], *, max_rows: int, max_bytes: int = 2**30
) -> list[pa.Table]:
    """The row groups of *given*."""
    return list(
        parquet_writer.row_groups(given, event_time="at", max_rows=max_rows, max_bytes=max_bytes)
    )


def written(tables: list[pa.Table], *, declare_sorted: bool = True) -> bytes:
    """The Parquet file of *tables*."""
    sink = io.BytesIO()
    parquet_writer.write(
        tables,
        sink,
        schema=SCHEMA,
        event_time="at",
        declare_sorted=declare_sorted,
        metadata={"ticklake.feed": "made_up"},
    )
    return sink.getvalue()


@given(
    times=st.lists(st.integers(0, 50), max_size=200),
    length=st.integers(1, 40),
    max_rows=st.integers(1, 60),
    max_bytes=st.integers(1, 5000),
)
def test_gathering_keeps_every_row_and_sorts_each_group(times, length, max_rows, max_bytes):
    """Whatever comes: no row is lost, each group is in order, ties are as the source had them."""
    tables = gathered(batches(times, length=length), max_rows=max_rows, max_bytes=max_bytes)
    assert sorted(rows(tables)) == sorted(zip(times, range(len(times)), strict=True))
    for table in tables:
        assert 0 < table.num_rows <= max_rows
        assert rows([table]) == sorted(rows([table]))


@given(st.lists(st.integers(0, 50), max_size=200).map(sorted), st.integers(1, 40))
def test_what_comes_in_order_stays_as_it_is(times, length):
    """Nothing is moved where nothing is late, and all groups but the last two are full."""
    tables = gathered(batches(times, length=length), max_rows=30)
    assert rows(tables) == list(zip(times, range(len(times)), strict=True))
    assert all(table.num_rows == 30 for table in tables[:-2])


def test_rows_that_come_a_little_late_are_put_in_their_place():
    """Lateness within an eighth of a group leaves the file sorted, across its groups too."""
    times = list(range(20_000))
    for start in range(0, 20_000, 100):
        some = times[start : start + 100]
        random.Random(start).shuffle(some)
        times[start : start + 100] = some
    tables = gathered(batches(times, length=700), max_rows=1000)
    assert [time for time, _ in rows(tables)] == list(range(20_000))
    assert len(tables) > 15


def test_a_group_ends_at_its_bytes():
    """Wide rows make groups of fewer rows."""
    given = batches(list(range(1000)), length=100)
    tables = gathered(given, max_rows=10_000, max_bytes=3 * given[0].nbytes)
    assert sum(table.num_rows for table in tables) == 1000
    assert all(table.nbytes <= 3 * given[0].nbytes for table in tables)
    assert len(tables) == 4


@pytest.mark.parametrize("length", [1, 7, 80])
@pytest.mark.parametrize("late", [False, True], ids=["in order", "some late"])
def test_no_group_is_tiny(length, late):
    """However many rows there are: at least an eighth of a full group, but for a file with less."""
    for count in (1, 79, 80, 81, 90, 91, 161, 250, 400, 481):
        times = list(range(count))
        if late:
            times[::9] = [max(time - 5, 0) for time in times[::9]]
        by_rows = gathered(batches(times, length=length), max_rows=80)
        limit = 80 * batch(times[:1]).nbytes
        by_bytes = gathered(batches(times, length=length), max_rows=10**6, max_bytes=limit)
        for tables in (by_rows, by_bytes):
            assert sum(table.num_rows for table in tables) == count
            assert min(table.num_rows for table in tables) >= min(count, 10)
        assert max(table.num_rows for table in by_rows) <= 80


def test_a_file_that_is_not_sorted_does_not_say_so():
    """A row group that begins before the last one ended ends the writing."""
    times = [*range(100, 200), *range(100)]
    tables = gathered(batches(times, length=10), max_rows=30)
    with pytest.raises(OutOfOrderError):
        written(tables)
    file = pq.ParquetFile(io.BytesIO(written(tables, declare_sorted=False)))
    assert not file.metadata.row_group(0).sorting_columns


def test_a_sorted_file_says_by_what():
    """Every row group names the event time as its order."""
    file = pq.ParquetFile(
        io.BytesIO(written(gathered(batches([1, 2, 2, 3], length=2), max_rows=2)))
    )
    assert file.num_row_groups == 2
    for number in range(2):
        (by,) = file.metadata.row_group(number).sorting_columns
        assert file.schema.column(by.column_index).name == "at"
        assert not by.descending


def test_a_file_has_what_readers_prune_by():
    """Statistics and a page index for every column, and where its rows come from."""
    times = list(range(50_000))
    file = pq.ParquetFile(
        io.BytesIO(written(gathered(batches(times, length=9000), max_rows=25_000)))
    )
    assert file.metadata.metadata == {b"ticklake.feed": b"made_up"}
    for group in range(file.num_row_groups):
        for number in range(len(SCHEMA)):
            column = file.metadata.row_group(group).column(number)
            assert column.has_offset_index
            assert column.has_column_index
            assert column.statistics.has_min_max
            assert column.compression == "ZSTD"
    assert file.schema_arrow.equals(SCHEMA)


def test_the_same_rows_give_the_same_bytes():
    """Nothing in the file depends on the run, nor on how the rows were batched."""
    times = list(range(3000))
    one = written(gathered(batches(times, length=100), max_rows=1000))
    other = written(gathered(batches(times, length=1700), max_rows=1000))
    assert one == other


def test_records_of_half_a_row_group_have_row_groups_of_their_own():
    """Two of them are not held where one is enough."""
    rows = [
        pa.RecordBatch.from_pylist(
            [{"at": n, "number": n, "price": None, "name": "x" * 60_000}], schema=SCHEMA
        )
        for n in range(6)
    ]
    groups = list(
        parquet_writer.row_groups(rows, event_time="at", max_rows=1000, max_bytes=100_000)
    )
    assert [group.num_rows for group in groups] == [1] * 6


def test_batches_of_a_few_rows_are_held_as_one():
    """An array takes a kilobyte besides its values; thousands of tiny ones are not kept."""
    tiny = (batch([n], first=n) for n in range(2_000))
    groups = list(
        parquet_writer.row_groups(tiny, event_time="at", max_rows=5000, max_bytes=100_000)
    )
    assert sum(group.num_rows for group in groups) == 2_000
    assert (
        max(group.column("at").num_chunks for group in groups)
        <= 50_000 // (parquet_writer.ARRAY_BYTES * len(SCHEMA.names)) + 1
    )
