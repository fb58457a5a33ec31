"""What a source without history returns now is added to what it returned before."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from tests.support.feed_texts import feed
from tests.support.memory_storage import memory_storage
from tests.support.staged_sets import FORGETFUL, NOW_MS, WINDOW, commit, row

SNAPSHOT = feed(
    snapshot=True,
    fields={
        "id": {"type": "int64", "key": True},
        "at": {"from": "$fetched_at", "type": "timestamp", "event_time": True},
    },
)
IDS = st.lists(st.integers(0, 20), max_size=8, unique=True)


def ids(storage: Storage, found: Manifest) -> list[int]:
    bodies = [storage.read(part.key) or b"" for part in found.json.parts]
    return [record["id"] for body in bodies for record in json.loads(gzip.decompress(body))]


@given(fetches=st.lists(IDS, min_size=1, max_size=5))
def test_every_record_is_there_once_whatever_is_fetched(fetches):
    """And received = rows + outside + duplicates, as for a single fetch."""
    storage = memory_storage()
    seen: set[int] = set()
    for fetched in fetches:
        rows = [row(number) for number in sorted(fetched)]
        found = commit(storage, *([rows] if rows else []), of=FORGETFUL)
        seen |= set(fetched)
        assert sorted(ids(storage, found)) == sorted(seen)
        section = found.json
        assert section.received_rows == section.rows + section.duplicate_rows
    assert found.superseded == ()


def test_a_record_that_is_there_keeps_its_values():
    """The first value is the one that was committed."""
    storage = memory_storage()
    first = commit(storage, [row(1, 5)], of=FORGETFUL)
    assert commit(storage, [row(1, 6)], of=FORGETFUL) == first


@pytest.mark.parametrize(
    ("first_lost", "last", "second_from", "lost"),
    [
        pytest.param(None, 20, 10, None, id="they overlap"),
        pytest.param(None, 20, 21, None, id="they meet"),
        pytest.param(None, 20, 30, (21, 30), id="a gap between them"),
        pytest.param((0, 5), 20, 30, (0, 30), id="lost before, and a gap"),
        pytest.param((0, 5), 20, 10, (0, 5), id="lost before"),
    ],
)
def test_what_neither_fetch_had_is_lost(first_lost, last, second_from, lost):
    """Seconds after the window's start; the first fetch was before its end."""

    def ns(second: int) -> int:
        return WINDOW.start_ns + second * 10**9 + (1 if second == last + 1 else 0)

    def lost_range(seconds: tuple[int, int] | None) -> tuple[int, int] | None:
        return seconds and (ns(seconds[0]), ns(seconds[1]))

    storage = memory_storage()
    commit(
        storage, [row(last - 1), row(last)], of=FORGETFUL, unfinished_until_ms=WINDOW.end_ms,
        lost_range=lost_range(first_lost),
    )  # fmt: skip
    second = (WINDOW.start_ns, WINDOW.start_ns + second_from * 10**9)
    if second_from == last + 1:
        second = (WINDOW.start_ns, WINDOW.start_ns + last * 10**9 + 1)
    found = commit(storage, [row(second_from + 10)], of=FORGETFUL, lost_range=second)
    if lost is None:
        assert found.json.lost_range is None
    else:
        start = ns(lost[0]) if lost[0] == 0 else WINDOW.start_ns + last * 10**9 + 1
        end = second[1] if lost[1] == 30 else ns(lost[1])
        assert found.json.lost_range == (start, end)


def test_a_fetch_of_the_whole_window_has_lost_nothing():
    """Whatever the one before had lost."""
    storage = memory_storage()
    commit(storage, [row(9)], of=FORGETFUL, lost_range=(WINDOW.start_ns, WINDOW.start_ns + 5))
    assert commit(storage, [row(1), row(9)], of=FORGETFUL).json.lost_range is None


def test_a_later_snapshot_is_added_as_a_whole():
    """Its parts say when they were fetched; the same state again is not another moment."""
    storage = memory_storage()
    first = commit(storage, ['{"id":1,"v":1}', '{"id":2,"v":1}'], of=SNAPSHOT)
    later = ['{"id":1,"v":2}', '{"id":2,"v":1}']
    both = commit(storage, later, of=SNAPSHOT, fetched_at_ms=NOW_MS + 60_000)
    assert both.json.fetched_at_ms == NOW_MS
    assert [part.fetched_at_ms for part in both.json.parts] == [None, NOW_MS + 60_000]
    assert both.json.parts[0] == first.json.parts[0]
    assert (both.json.rows, both.json.received_rows) == (4, 4)
    assert commit(storage, later, of=SNAPSHOT, fetched_at_ms=NOW_MS + 90_000) == both
    again = ['{"id":1,"v":1}', '{"id":2,"v":1}']
    assert commit(storage, again, of=SNAPSHOT, fetched_at_ms=NOW_MS + 90_000) == both


def test_newer_records_come_first_where_the_source_sends_them_so():
    """Then the parts are read from the last to the first, and stay in the order of time."""
    storage = memory_storage()
    newest_first = FORGETFUL.model_copy(update={"order": "descending"})
    commit(storage, [row(2), row(1)], of=newest_first)
    found = commit(storage, [row(4), row(3), row(2)], of=newest_first)
    assert ids(storage, found) == [4, 3, 2, 1]
    assert replace(found.json, parts=()).duplicate_rows == 1
