"""``latest.json`` holds the newest records of a slice, few and exact, and never goes backwards."""

from __future__ import annotations

import json
import tracemalloc
from decimal import Decimal

import pytest

from include.ticklake.lake import layout
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from include.ticklake.publish import latest
from tests.support import staged_factory
from tests.support.lake_factory import DAY, hour
from tests.support.memory_bucket import MemoryBucket
from tools.servers.s3 import Bucket

KEY = "latest/made_up/symbol=BTCUSDT/latest.json"
BTC = staged_factory.UNIT.slice


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


def record(at_ms: int, *, number: int = 0, note: str = "") -> str:
    """A record with more digits than a double has."""
    return f'{{"n":{number},"p":0.10000000000000000001,"s":"{note}","t":{at_ms}}}'


def stage(storage, parts, *, number: int = 5, feed=None, day=DAY, fetched_at_ms=None) -> Manifest:
    """Stage *parts* of records as hour *number* of *day*; what was there is replaced."""
    return staged_factory.stage(
        feed or staged_factory.feed(),
        parts,
        storage=storage,
        unit=Unit(BTC, hour(number, day)),
        fetched_at_ms=fetched_at_ms,
    )


def trades(number: int, count: int, *, first: int = 0, day=DAY) -> list[str]:
    """Trades of an hour, a second apart, numbered from *first*."""
    start_ms = hour(number, day).start_ms
    return [record(start_ms + n * 1000, number=first + n) for n in range(count)]


def published(storage, *, rows: int = 3, feed=None, changed=None) -> dict:
    feed, only = feed or staged_factory.feed(), {BTC: changed} if changed else None
    assert latest.publish(feed, [BTC], storage=storage, max_rows=rows, changed=only) == 1
    return json.loads(storage.read(KEY), parse_float=Decimal)


def numbers(found: dict) -> list[int]:
    return [one["n"] for one in found["records"]]


def test_it_holds_the_newest_records_as_the_source_wrote_them(storage):
    """A plain object: names and digits are the source's own, the oldest record comes first."""
    made = stage(storage, [trades(5, 10)])
    found = published(storage)
    assert numbers(found) == [7, 8, 9]
    assert found["records"][0] == {
        "n": 7, "p": Decimal("0.10000000000000000001"), "s": "", "t": hour(5).start_ms + 7000,
    }  # fmt: skip
    assert found | {"records": []} == {
        "feed": "made_up",
        "slice": {"symbol": "BTCUSDT"},
        "start": "2026-11-22T05:00:00+00:00",
        "end": "2026-11-22T06:00:00+00:00",
        "parts": [part.key for part in made.json.parts],
        "rows": 3,
        "records": [],
    }
    before = storage.read(KEY)
    published(storage)
    assert storage.read(KEY) == before


def test_an_older_window_does_not_take_the_place_of_newer_records(storage):
    """Fetched for the first time or once more, in a run that is only about that window."""
    stage(storage, [trades(5, 10)])
    before = published(storage)
    stage(storage, [trades(3, 10)], number=3)
    stage(storage, [trades(3, 4)], number=3)
    assert published(storage) == before


def test_the_newest_window_fetched_again_is_renewed(storage):
    """Also with fewer records than before."""
    stage(storage, [trades(5, 10)])
    published(storage)
    stage(storage, [trades(5, 4, first=100)])
    assert numbers(published(storage)) == [101, 102, 103]


def test_a_short_window_is_filled_up_from_those_before(storage):
    """Across an empty window and midnight; a window further back is not read."""
    yesterday = staged_factory.Window.parse("20261121T000000Z-20261122T000000Z")
    stage(storage, [trades(22, 5, first=10, day=yesterday)], day=yesterday, number=22)
    stage(storage, [trades(23, 2, first=20, day=yesterday)], day=yesterday, number=23)
    stage(storage, [], number=0)
    stage(storage, [trades(1, 2, first=30)], number=1)
    stage(storage, [], number=2)
    found = published(storage, rows=5)
    assert numbers(found) == [14, 20, 21, 30, 31]
    assert found["start"] == "2026-11-22T01:00:00+00:00"


def test_the_compacted_day_beside_the_windows_is_no_window(storage):
    """Its manifest lies in the same folder."""
    stage(storage, [trades(5, 2)])
    folder = layout.window_folder(layout.Area.MANIFESTS, "made_up", BTC, DAY)
    storage.put(f"{folder}/{DAY.name}.day.json", b"{}")
    assert numbers(published(storage)) == [0, 1]


@pytest.mark.parametrize(
    ("order", "parts", "wanted"),
    [
        pytest.param("ascending", [[1, 2, 3], [4]], [2, 3, 4], id="oldest first"),
        pytest.param("descending", [[9, 8], [7, 1]], [7, 8, 9], id="newest first"),
        pytest.param("none", [[4, 9, 1], [8, 2, 3], [5]], [5, 8, 9], id="in no order"),
    ],
)
def test_the_newest_are_found_in_whatever_order_they_came(storage, order, parts, wanted):
    """By their event time, not by their place."""
    start_ms = hour(5).start_ms
    records = [[record(start_ms + n, number=n) for n in part] for part in parts]
    feed = staged_factory.feed(order=order)
    stage(storage, records, feed=feed)
    assert numbers(published(storage, feed=feed)) == wanted


@pytest.mark.parametrize(
    ("order", "wanted"),
    [pytest.param("ascending", [2, 3, 4], id="oldest first"),
     pytest.param("descending", [2, 1, 0], id="newest first")],
)  # fmt: skip
def test_of_records_of_one_time_those_nearer_the_newest_end_are_newer(storage, order, wanted):
    """A sweep of many trades within a millisecond keeps its order."""
    start_ms = hour(5).start_ms
    feed = staged_factory.feed(order=order)
    stage(storage, [[record(start_ms, number=n) for n in range(5)]], feed=feed)
    assert numbers(published(storage, feed=feed)) == wanted


def test_parts_that_are_too_old_are_not_read(storage):
    """Only the last of three is there to be opened."""
    made = stage(storage, [trades(5, 3)[n : n + 1] for n in range(3)] + [trades(5, 9)[3:]])
    for part in made.json.parts[:-1]:
        storage.delete(part.key)
    assert numbers(published(storage)) == [6, 7, 8]


@pytest.mark.slow
def test_what_is_held_does_not_grow_with_the_part(storage):
    """Five megabytes of text pass through less than one."""
    start_ms = hour(5).start_ms
    made = stage(storage, [[record(start_ms, number=n) for n in range(100_000)]])
    assert made.json.parts[0].json_bytes > 5_000_000
    feed, few = staged_factory.feed(), stage(storage, [[record(start_ms)]], number=4)
    latest.body(feed, [few], storage=storage, max_rows=100)  # what is made once, of any part
    tracemalloc.start()
    try:
        text = latest.body(feed, [made], storage=storage, max_rows=100)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert json.loads(text)["rows"] == 100
    assert peak_bytes < 1_000_000


def test_a_snapshot_begins_with_what_the_source_lists_first(storage):
    """All its records are of one time; it is not filled up from the snapshot before."""
    feed = staged_factory.feed(
        {
            "number": {"from": "n", "type": "int64"},
            "at": {"from": "$fetched_at", "type": "timestamp", "event_time": True},
        },
        snapshot=True,
        order="none",
    )
    at_ms = hour(5).start_ms + 17
    coins = [[record(0, number=n) for n in part] for part in ([0, 1], [2, 3])]
    earlier = [[record(0, number=9)]]
    stage(storage, earlier, number=4, feed=feed, fetched_at_ms=at_ms - 3_600_000)
    stage(storage, coins, number=5, feed=feed, fetched_at_ms=at_ms)
    assert numbers(published(storage, rows=3, feed=feed)) == [0, 1, 2]
    assert numbers(published(storage, rows=9, feed=feed)) == [0, 1, 2, 3]


def test_it_is_small_however_long_records_are(storage):
    """The oldest make room; one that is too long by itself is left out."""
    start_ms = hour(5).start_ms
    longs = [20_000, latest.MAX_BYTES + 1, 30_000, 20_000, 20_000]
    records = [record(start_ms + n, number=n, note="x" * length) for n, length in enumerate(longs)]
    stage(storage, [records])
    assert numbers(published(storage, rows=100)) == [3, 4]
    assert len(storage.read(KEY)) < latest.MAX_BYTES + 4096


def test_a_slice_without_records_has_none(storage):
    """Nor is an older one taken away."""
    stage(storage, [], number=4)
    assert latest.publish(staged_factory.feed(), [BTC], storage=storage, max_rows=3) == 0
    assert storage.read(KEY) is None


def test_a_broken_part_leaves_that_slices_object_as_it_was(storage):
    """The others are renewed; the audit says what is wrong."""
    made = stage(storage, [trades(5, 3)])
    before = published(storage)
    storage.put(made.json.parts[0].key, b"no gzip")
    other = staged_factory.Slice.of({"symbol": "NONE"})
    assert latest.publish(staged_factory.feed(), [BTC, other], storage=storage, max_rows=3) == 0
    assert json.loads(storage.read(KEY), parse_float=Decimal) == before


class OvertakenStorage:
    """A storage in which another run commits and publishes a newer window, just before a put."""

    def __init__(self, storage: Storage, newer) -> None:
        self._storage = storage
        self._newer = newer

    def __getattr__(self, name: str):
        return getattr(self._storage, name)

    def put_if(self, key: str, body: bytes, **options) -> None:
        if newer := self._newer:
            self._newer = None
            newer()
        self._storage.put_if(key, body, **options)


def test_a_run_that_is_overtaken_ends_with_the_newer_records(storage):
    """Whoever is late finds another object than the one before its look, and looks again."""

    def newer() -> None:
        stage(storage, [trades(6, 3, first=50)], number=6)
        published(storage)

    stage(storage, [trades(5, 3)])
    assert numbers(published(OvertakenStorage(storage, newer))) == [50, 51, 52]


def test_few_requests_renew_it_and_none_writes_what_is_there():
    """Two listings; the object, the part, and the manifest twice; the object that is new."""
    requests: list[str] = []
    storage = MemoryBucket().storage(before=lambda request, _key: requests.append(request))
    storage.store.has_conditions = True
    stage(storage, [trades(5, 3)])
    for changes in (["put"], []):
        requests.clear()
        assert latest.publish(staged_factory.feed(), [BTC], storage=storage, max_rows=3) == 1
        assert sorted(requests) == sorted([*["list"] * 2, *["get"] * 4, *changes])


def test_an_object_that_is_there_again_hides_no_change(storage):
    """Its version may be the one from before the look, as a version is often a hash."""

    def change_twice() -> None:
        stage(storage, [trades(5, 3, first=50)])
        published(storage)
        storage.put(KEY, before)

    stage(storage, [trades(5, 3)])
    published(storage)
    before = storage.read(KEY)
    stage(storage, [trades(5, 3, first=20)])
    assert numbers(published(OvertakenStorage(storage, change_twice))) == [50, 51, 52]


@pytest.mark.s3
def test_on_s3_a_browser_asks_for_it_anew_each_time(s3: Bucket):
    """Its headers say JSON, and not to use a kept copy unasked."""
    storage = Storage.open(s3.root, s3.environment)
    stage(storage, [trades(5, 10)])
    published(storage)
    head = s3.client().head_object(Bucket=s3.name, Key=f"lake/{KEY}")
    assert (head["ContentType"], head["CacheControl"]) == ("application/json", "no-cache")
    assert "ContentEncoding" not in head
