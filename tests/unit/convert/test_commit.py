"""A window's objects are replaced only while its manifest is not current, in few requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from include.ticklake.lake import feed_record, manifest
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support.converted_lake import (
    FEED,
    PARQUET_KEY,
    QUARANTINE_KEY,
    converted,
    expected_row,
    stored_rows,
)
from tests.support.half_days import (
    CORRECTED,
    DAY,
    MORNING,
    OLD,
    compact_day,
    convert_window,
    fetch,
    ingest,
    seen,
)
from tests.support.memory_storage import memory_storage
from tests.support.staged_factory import FIELDS, UNIT, WINDOW, feed, record, stage


class CalledStore:
    """The operations of *store*; each one is noted with its key, and looked at before."""

    def __init__(self, store: Any, look: Any) -> None:
        self._store, self._look = store, look
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._store, name)
        if not callable(operation):
            return operation

        def called(key: str, *arguments: Any, **options: Any) -> Any:
            self.calls.append(f"{name} {key.partition('/')[0]}")
            self._look(name, arguments[0] if name.startswith("move") else key)
            return operation(key, *arguments, **options)

        return called


def called(storage: Storage, look: Any = print) -> tuple[Storage, CalledStore]:
    store = CalledStore(storage.store, look)
    return Storage(storage.root_uri, store), store


def test_a_new_unit_is_converted_in_six_requests_at_most():
    """A window of 60 candles: of the first one of a lake, one finds out what the store can do."""
    storage = memory_storage()
    stored = feed_record.check_before_extract(FEED, storage=storage)
    feed_record.create(stored, FEED, storage=storage)
    for hours, asked in ((0, ["put_if schemas"]), (1, [])):
        window = Window(WINDOW.start + timedelta(hours=hours), WINDOW.end + timedelta(hours=hours))
        records = [record(n, at_ms=window.start_ms + n) for n in range(60)]
        made = stage(FEED, [records], storage=storage, unit=Unit(UNIT.slice, window))
        counted, store = called(storage)
        converted(made, counted)
        assert store.calls == [
            "read_versioned manifests",
            "read_versioned schemas",
            *asked,
            "open_input json",
            "put_if parquet",
            "put_if manifests",
        ]
        feed_record.check_before_extract(FEED, storage=storage)  # stores what was found out


def test_a_window_s_file_is_replaced_only_while_its_manifest_is_not_current():
    """A compaction that reads a current manifest can count on the file."""
    storage, replaced = memory_storage(), []

    def look(operation: str, key: str) -> None:
        if operation.startswith(("put", "move")) and key.startswith(Area.PARQUET):
            found = manifest.read(made.key, storage=storage)
            replaced.append(found is not None and found.is_current)

    made = stage(FEED, [[record(1)]], storage=storage)
    watched, _ = called(storage, look)
    converted(made, watched)
    more = {"more": {"from": "m", "type": "string"}}
    converted(made, watched, described=feed(FIELDS | more))
    assert replaced == [False, False]


@pytest.mark.parametrize("left", ["the same bytes", "other bytes"])
def test_a_file_that_a_killed_conversion_left_is_taken_or_replaced(left):
    """It was killed before it could commit: nothing names the file."""
    storage = memory_storage()
    made = stage(FEED, [[record(1), "[]"]], storage=storage)
    converted(made, storage)
    bodies = {key: storage.read(key) for key in (PARQUET_KEY, QUARANTINE_KEY)}
    for key, body in bodies.items():
        storage.put(key, body if left == "the same bytes" else b"x")
    storage.delete(made.key)
    again = stage(FEED, [[record(1), "[]"]], storage=storage)
    assert converted(again, storage).manifest.is_current
    assert {key: storage.read(key) for key in bodies} == bodies


def test_a_quarantine_that_is_empty_now_goes():
    """The corrected feed reads every record."""
    storage = memory_storage()
    made = stage(FEED, [[record(1), '{"n":2,"t":1}']], storage=storage)
    converted(made, storage)
    assert storage.exists(QUARANTINE_KEY)
    again = stage(FEED, [[record(1)]], storage=storage)
    converted(again, storage)
    assert not storage.exists(QUARANTINE_KEY)
    assert stored_rows(storage) == [expected_row(record(1))]


def test_a_pending_file_never_has_the_name_of_one_that_was_deleted():
    """Who was stopped before it deleted the old one would delete the new one otherwise."""
    storage, names = memory_storage(), []
    ingest(storage, MORNING, [1])
    ingest(storage, Window(MORNING.end, DAY.end), [3])
    compact_day(storage)
    for described in (CORRECTED, OLD, CORRECTED):
        convert_window(storage, MORNING, described)
        names += storage.list(Area.PENDING)
    assert len(set(names)) == len(names) == 2  # the day has what the old feed reads
    fetch(storage, MORNING, [5])
    convert_window(storage, MORNING)
    assert len(list(storage.list(Area.PENDING))) == 1
    assert seen(storage) == [3, 5]


def test_the_same_conversion_of_a_pending_window_writes_the_same(tmp_path):
    """Also its name."""
    storage = Storage.open(f"file://{tmp_path}", {})
    ingest(storage, MORNING, [1])
    ingest(storage, Window(MORNING.end, DAY.end), [3])
    compact_day(storage)
    convert_window(storage, MORNING, CORRECTED)
    before = {key: storage.read(key) for key in storage.list("")}
    convert_window(storage, MORNING, CORRECTED)
    assert {key: storage.read(key) for key in storage.list("")} == before
