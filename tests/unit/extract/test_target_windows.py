"""A file's records are staged in the windows of the table, whatever their order."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.extract import target_windows
from include.ticklake.extract.target_windows import TargetWindows
from include.ticklake.lake.storage import Storage
from include.ticklake.model.record import Record
from tests.support.joined_feeds import DAY_US, NOW_S, START_US, day, feeds
from tests.support.memory_storage import memory_storage

HOUR_MS = 3_600_000
START_MS, DAY_MS = START_US // 1_000, DAY_US // 1_000


@pytest.fixture(scope="module")
def hourly(tmp_path_factory):
    """The feed of files with a table of windows of an hour."""
    folder = tmp_path_factory.mktemp("feeds")
    return feeds(folder, trades={"window": "1h"}, old_trades={"order": "none"})[1]


def record(number: int, at_ms: int | None) -> Record:
    at = "null" if at_ms is None else at_ms
    return Record(f'{{"a":{number},"p":"1","T":{at}}}'.encode())


def staged(feed: Any, records: list[Record], storage: Storage) -> TargetWindows:
    windows = TargetWindows(feed, day(0), now_ms=int(NOW_S * 1000), storage=storage)
    for at in range(0, len(records), 7):
        windows.write_page(records[at : at + 7], where="file")
        windows.count_page(100)
    windows.complete()
    return windows


def rows(windows: TargetWindows, storage: Storage) -> list[list[int]]:
    found: list[list[int]] = []
    for window in windows.windows:
        ids: list[int] = []
        for completed in window.parts.completed:
            completed.publish(completed.part.key)
            body = gzip.decompress(storage.read(completed.part.key) or b"")
            ids += [row["a"] for row in json.loads(body)]
        found.append(ids)
    return found


@given(times=st.lists(st.integers(-HOUR_MS, DAY_MS + HOUR_MS) | st.none(), max_size=60))
def test_every_record_is_in_the_window_of_its_time(hourly, times):
    """Those of other days are counted, those of no time kept, and each window adds up."""
    storage = memory_storage()
    records = [record(n, None if at is None else START_MS + at) for n, at in enumerate(times)]
    windows = staged(hourly, records, storage)
    counts = [window.progress() for window in windows.windows]
    assert sum(count.received_rows for count in counts) == len(times)
    assert sum(count.pages for count in counts) == -(-len(times) // 7)
    for number, ids in enumerate(rows(windows, storage)):
        dated = [n for n in ids if times[n] is not None]
        assert dated == [
            n for n, at in enumerate(times) if at is not None and at // HOUR_MS == number
        ]
        one = counts[number]
        assert one.received_rows == len(ids) + one.out_of_window_rows
    total = windows.total()
    outside = [at for at in times if at is not None and not 0 <= at < DAY_MS]
    assert total.out_of_window_rows == len(outside)
    if outside and total.outside:
        assert total.outside.oldest_ns == (START_MS + min(outside)) * 10**6
        assert total.outside.newest_ns == (START_MS + max(outside)) * 10**6


def test_what_is_completed_waits_in_memory_up_to_a_bound(hourly, monkeypatch):
    """Beyond that in the storage: a day of a thousand windows takes no more memory."""
    monkeypatch.setattr(target_windows, "HELD_BYTES", 300)
    storage = memory_storage()
    feed = hourly.model_copy(update={"order": "ascending"})
    records = [record(n, START_MS + n * HOUR_MS) for n in range(24)]
    windows = staged(feed, records, storage)
    parts = [part for window in windows.windows for part in window.parts.completed]
    assert len(parts) == 24
    assert 0 < sum(part.is_in_memory for part in parts) < 15
    assert sum(map(len, rows(windows, storage))) == 24


def test_what_is_abandoned_leaves_nothing(hourly, monkeypatch):
    """Neither what was completed, nor what was not."""
    monkeypatch.setattr(target_windows, "HELD_BYTES", 0)
    storage = memory_storage()
    feed = hourly.model_copy(update={"order": "ascending"})
    windows = TargetWindows(feed, day(0), now_ms=int(NOW_S * 1000), storage=storage)
    windows.write_page([record(n, START_MS + n * HOUR_MS) for n in range(10)], where="file")
    assert list(storage.list(""))
    windows.abandon()
    assert not list(storage.list(""))


def test_a_file_in_no_order_is_refused_where_it_would_make_thousands_of_parts(hourly, monkeypatch):
    """With ``order: none`` each window is open, as many as a day of hours has."""
    monkeypatch.setattr(target_windows, "_MAX_SHORT_PARTS", 3)
    times = [START_MS + hour * HOUR_MS + n for n in range(50) for hour in range(24)]
    random.Random(0).shuffle(times)
    records = [record(n, at) for n, at in enumerate(times)]
    storage = memory_storage()
    windows = staged(hourly, records, storage)
    assert all(len(window.parts.completed) == 1 for window in windows.windows)
    with pytest.raises(MalformedPageError, match=r"not in the order of time.*write `order: none`"):
        staged(hourly.model_copy(update={"order": "ascending"}), records, storage)
