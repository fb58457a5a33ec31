"""``latest.json`` is the same, continued with the next window or made of all of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.lake.storage import Storage
from include.ticklake.publish import latest
from tests.support import staged_factory
from tests.support.lake_factory import hour
from tests.support.memory_bucket import MemoryBucket
from tests.unit.publish.test_latest import (
    BTC,
    KEY,
    OvertakenStorage,
    numbers,
    published,
    record,
    stage,
    trades,
)


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


windows = st.tuples(
    st.sampled_from([1, 1, 1, 1, 0, 2, -1]),
    st.lists(st.integers(1, 3), max_size=3),
    st.sampled_from([0, 20_000, latest.MAX_BYTES]),
)


def test_the_next_window_continues_it_in_four_requests():
    """The object, the manifest, the part; the object that is new. Nothing is listed."""
    requests: list[str] = []
    storage = MemoryBucket().storage(before=lambda request, _key: requests.append(request))
    storage.store.has_conditions = True
    stage(storage, [trades(5, 3)])
    published(storage)
    stage(storage, [trades(6, 2, first=50)], number=6)
    requests.clear()
    feed = staged_factory.feed()
    assert latest.publish(feed, [BTC], storage=storage, max_rows=3, changed={BTC: hour(6)}) == 1
    assert requests == ["get", "get", "get", "put"]
    assert numbers(json.loads(storage.read(KEY))) == [2, 50, 51]


@given(data=st.data())
def test_it_is_the_same_continued_or_made_of_all_windows(data):
    """Whatever windows hold, are missing or come again, in an order, with long records or few."""
    rows = data.draw(st.integers(1, 6), label="most rows")
    feed = staged_factory.feed(order=data.draw(st.sampled_from(["ascending", "descending"])))
    storage, other = (MemoryBucket().storage() for _ in range(2))
    first = number = 0
    for step in data.draw(st.lists(windows, min_size=2, max_size=9), label="windows"):
        ahead, counts, note = step
        number = min(max(number + ahead, 0), 23)
        start_ms, parts = hour(number).start_ms, []
        for count in counts:
            texts = [
                record(start_ms + (first + n) % 4 * 1000, number=first + n, note="x" * note)
                for n in range(count)
            ]
            parts.append(texts)
            first += count
        for lake in (storage, other):
            stage(lake, parts, number=number, feed=feed)
        for lake, changed in ((storage, hour(number)), (other, None)):
            only = {BTC: changed} if changed else None
            latest.publish(feed, [BTC], storage=lake, max_rows=rows, changed=only)
        assert storage.read(KEY) == other.read(KEY)


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="no object"),
        pytest.param(b'{"end": "2026-11-22T06:00:00+00:00"\n\n\n', id="no records"),
    ],
)
def test_what_is_no_such_object_is_not_continued(storage, shown):
    """It is made anew."""
    stage(storage, [trades(5, 3)])
    stage(storage, [trades(6, 2, first=50)], number=6)
    storage.put(KEY, shown)
    assert numbers(published(storage, changed=hour(6))) == [2, 50, 51]


def test_a_window_that_was_not_published_is_not_left_out(storage):
    """Its run failed, or is not over: only what comes right after the object continues it."""
    stage(storage, [trades(4, 3)], number=4)
    published(storage)
    stage(storage, [trades(5, 1, first=20)])
    stage(storage, [trades(6, 1, first=50)], number=6)
    assert numbers(published(storage, changed=hour(6))) == [2, 20, 50]


@pytest.mark.parametrize(
    ("number", "rows"),
    [
        pytest.param(6, 5, id="it was made for fewer records"),
        pytest.param(6, 2, id="it was made for more"),
    ],
)
def test_another_number_of_records_is_that_of_all_windows(storage, number, rows):
    """``TICKLAKE_LATEST_ROWS`` was changed."""
    stage(storage, [trades(5, 4)])
    published(storage)
    stage(storage, [trades(number, 1, first=50)], number=number)
    continued = published(storage, rows=rows, changed=hour(number))
    assert continued == published(storage, rows=rows)
    assert len(numbers(continued)) == rows


def test_a_continued_object_looks_no_further_back_than_any_other(storage):
    """24 windows: older records are left out, though the object before had them."""
    yesterday = staged_factory.Window.parse("20261121T000000Z-20261122T000000Z")
    stage(storage, [trades(0, 3, day=yesterday)], day=yesterday, number=0)
    for number in range(1, 24):
        stage(storage, [], day=yesterday, number=number)
    published(storage)
    stage(storage, [trades(0, 1, first=50)], number=0)
    key = storage.read(KEY).replace(b"2026-11-21T01:00:00", b"2026-11-22T00:00:00")
    storage.put(KEY, key)
    assert numbers(published(storage, changed=hour(0))) == [50]


def test_a_continued_object_that_is_overtaken_ends_with_the_newer_records(storage):
    """The next look finds an object that does not end where this window begins."""

    def newer() -> None:
        stage(storage, [trades(7, 2, first=70)], number=7)
        published(storage)

    stage(storage, [trades(5, 3)])
    published(storage)
    stage(storage, [trades(6, 3, first=60)], number=6)
    overtaken = OvertakenStorage(storage, newer)
    assert numbers(published(overtaken, changed=hour(6))) == [62, 70, 71]
