"""A day's windows are read where their rows are, and a change of one is noticed."""

from __future__ import annotations

import pytest

from include.ticklake.lake import day_manifest, manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.day_sources import (
    DayNotReadyError,
    DayWindows,
    WindowChangedError,
    window_sources,
)
from tests.support import half_days, lake_factory
from tests.support.half_days import CORRECTED, DAY, EVENING, MORNING, OLD
from tests.support.memory_storage import memory_storage


@pytest.fixture
def lake() -> Storage:
    """A day in files of its windows."""
    storage = memory_storage()
    half_days.ingest(storage, MORNING, [1, 2])
    half_days.ingest(storage, EVENING, [3])
    return storage


def windows(lake: Storage) -> DayWindows:
    return DayWindows(feed=OLD, slice=lake_factory.BTC, day=DAY, storage=lake)


def keys(lake: Storage) -> list[str]:
    """Where the rows of each window are read from."""
    [day] = list(day_manifest.read_all(OLD.name, storage=lake)) or [None]
    found = window_sources(windows(lake).read(day), day, storage=lake)
    return [source.key.partition("/")[0] + source.key[-9:] for source in found]


def test_rows_are_read_from_the_windows_then_from_the_day_and_pending_files(lake):
    """Wherever the manifests say."""
    assert len(set(keys(lake))) == 1  # both end in .parquet
    half_days.compact_day(lake)
    half_days.convert_window(lake, EVENING, CORRECTED)
    found = keys(lake)
    assert [key.startswith("late") for key in found] == [False, True]


def test_a_window_that_is_not_converted_is_waited_for(lake):
    """Nor one whose JSON is newer than its Parquet."""
    half_days.fetch(lake, MORNING, [7])
    with pytest.raises(DayNotReadyError, match="1 of 2 windows are not converted yet"):
        windows(lake).read(None)


def test_a_window_that_changes_is_noticed(lake):
    """Staged again, it is about to change: the day's file would be old at once."""
    before = windows(lake).read(None)
    windows(lake).raise_if_changed(before)
    half_days.fetch(lake, MORNING, [7])
    with pytest.raises(WindowChangedError, match=MORNING.name):
        windows(lake).raise_if_changed(before)
    windows(lake).raise_if_left_out(before)  # its task will see the day
    half_days.convert_window(lake, MORNING)
    with pytest.raises(WindowChangedError, match=MORNING.name):
        windows(lake).raise_if_left_out(before)


def test_a_window_that_waits_for_the_next_compaction_was_not_left_out(lake):
    """Its task saw the day."""
    half_days.compact_day(lake)
    before = [
        manifest.read(key, storage=lake) for key in lake.list("manifests") if "day" not in key
    ]
    half_days.convert_window(lake, MORNING, CORRECTED)
    windows(lake).raise_if_left_out(before)
