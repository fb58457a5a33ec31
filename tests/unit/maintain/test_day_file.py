"""The rows of one window are found in the file of its day, and read by few row groups."""

from __future__ import annotations

import pytest
from pyarrow import parquet as pq

from include.ticklake.convert import parquet_writer
from include.ticklake.errors import ParityError
from include.ticklake.lake import day_manifest, layout, manifest, schema_history
from include.ticklake.lake.day_manifest import CompactedWindow
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.compact import compact
from include.ticklake.maintain.day_file import DayWriter, WindowSource, window_rows
from tests.support import lake_factory
from tests.support.counting_storage import counted
from tests.support.lake_factory import BTC, BUDGET, DAY, FEED


@pytest.fixture(scope="module")
def table():
    """A day of trades."""
    return lake_factory.day_of_trades(2_000)


@pytest.fixture
def lake(tmp_path, table) -> Storage:
    """A day in hourly files."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest_day(storage, table)
    return storage


def ids(batches) -> list[int]:
    return [number for batch in batches for number in batch["agg_trade_id"].to_pylist()]


def sources(lake: Storage, *numbers: int) -> list[WindowSource]:
    found = []
    for number in numbers:
        key = layout.manifest_key(FEED.name, BTC, lake_factory.hour(number))
        window = manifest.read(key, storage=lake)
        parquet = window.require_parquet()
        compacted = CompactedWindow.of(window.window, parquet)
        found.append(WindowSource(window=compacted, key=parquet.key, sha256=parquet.sha256))
    return found


def writer(lake: Storage) -> DayWriter:
    schema_version = schema_history.find(FEED, storage=lake)
    return DayWriter(
        feed=FEED, slice=BTC, day=DAY, storage=lake, budget=BUDGET, schema_version=schema_version
    )


def test_each_window_has_its_own_rows_in_the_day_s_file(lake, table):
    """All of them, and none of its neighbours'."""
    compact(FEED, BTC, DAY, storage=lake, budget=BUDGET)
    [day] = day_manifest.read_all(FEED.name, storage=lake)
    for number, window in enumerate(day.windows):
        rows = window_rows(FEED, window, key=day.key, storage=lake)
        expected = lake_factory.of_hour(table, lake_factory.hour(number))["a"].to_pylist()
        assert ids(rows) == expected


@pytest.mark.slow
def test_the_row_groups_of_other_windows_are_not_read(tmp_path):
    """By their statistics."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest_day(storage, lake_factory.day_of_trades(400_000))
    compact(FEED, BTC, DAY, storage=storage, budget=BUDGET)
    [day] = day_manifest.read_all(FEED.name, storage=storage)
    assert day.row_groups >= 4
    counting, counts = counted(storage)
    for _ in window_rows(FEED, day.windows[3], key=day.key, storage=counting):
        pass
    assert 0 < sum(counts.values()) < 0.6 * day.parquet_bytes


def test_the_file_has_the_rows_of_its_sources_in_order(lake, table):
    """The manifest counts them and names the windows."""
    day, _ = writer(lake).write("parquet/x", sources(lake, 3, 4), declare_sorted=True)
    hours = [lake_factory.of_hour(table, lake_factory.hour(number)) for number in (3, 4)]
    assert day.rows == sum(hour.num_rows for hour in hours)
    assert [window.window for window in day.windows] == [
        lake_factory.hour(number).name for number in (3, 4)
    ]
    assert (day.key, day.sorted, day.row_groups) == ("parquet/x", True, 1)


def test_a_day_of_many_rows_has_no_page_index(lake, monkeypatch):
    """The rows of all its windows count."""
    both = sources(lake, 3, 4)
    monkeypatch.setattr(parquet_writer, "MAX_INDEXED_ROWS", both[0].window.rows)
    for some, expected in ((both[:1], True), (both, False)):
        _, staged = writer(lake).write("parquet/x", some, declare_sorted=True)
        with staged.open_file() as file:
            column = pq.ParquetFile(file).metadata.row_group(0).column(0)
        assert column.has_offset_index is expected


@pytest.mark.parametrize("fault", ["another file", "no file", "fewer rows"])
def test_a_source_that_is_not_what_was_converted_is_refused(lake, fault):
    """With the window, and what to do."""
    [source] = sources(lake, 3)
    if fault == "another file":
        lake.copy(sources(lake, 4)[0].key, source.key)
    elif fault == "no file":
        lake.delete(source.key)
    else:
        fewer = CompactedWindow(
            window=source.window.window,
            rows=source.window.rows - 1,
            sha256=source.sha256,
            first_event_ns=source.window.first_event_ns,
            last_event_ns=source.window.last_event_ns,
        )
        source = WindowSource(window=fewer, key=source.key, sha256=source.sha256)
    with pytest.raises(ParityError, match=r"20261122T030000Z.*`rebuild` that window"):
        writer(lake).write("parquet/x", [source], declare_sorted=True)
