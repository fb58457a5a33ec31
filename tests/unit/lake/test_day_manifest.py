"""The manifest of a compacted day says which windows are in its file, and which are not."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from msgspec.structs import replace

from include.ticklake.errors import CorruptManifestError
from include.ticklake.lake import day_manifest, layout
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window, split_range

SLICE = Slice.of({"symbol": "BTCUSDT"})
DAY = Window.parse("20261122T000000Z-20261123T000000Z")
MORNING, EVENING = split_range(DAY.start, DAY.end, length=timedelta(hours=12))
KEY = layout.day_manifest_key("trades", SLICE, DAY)


def compacted(window: Window, *, sha256: str = "ab" * 32) -> CompactedWindow:
    return CompactedWindow(
        window=window.name, rows=3, sha256=sha256, first_event_ns=1, last_event_ns=2
    )


def compacted_day(**changes: object) -> CompactedDay:
    day = CompactedDay(
        feed="trades",
        slice=SLICE.as_dict(),
        window=DAY.name,
        key=layout.parquet_key("trades", SLICE, DAY),
        rows=3,
        parquet_bytes=99,
        sha256="cd" * 32,
        row_groups=1,
        sorted=True,
        windows=(compacted(MORNING),),
    )
    return replace(day, **changes)


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


@pytest.mark.parametrize(
    "day",
    [
        pytest.param(compacted_day(), id="a day"),
        pytest.param(compacted_day(replacing=(compacted(EVENING),)), id="during a compaction"),
        pytest.param(compacted_day(removed=True), id="expired"),
        pytest.param(compacted_day(key=None, sha256=None, rows=0, windows=()), id="without rows"),
    ],
)
def test_a_day_is_read_back_as_it_was_written(storage, day):
    """At the key of its slice and day."""
    day_manifest.write(day, storage=storage, expect=None)
    assert day_manifest.read(KEY, storage=storage) == day
    assert list(day_manifest.read_all("trades", storage=storage)) == [day]
    assert day.manifest_key == KEY


def test_a_day_is_replaced_only_in_the_version_that_was_read(storage):
    """Who lost the race reads again."""
    first = day_manifest.write(compacted_day(), storage=storage, expect=None)
    with pytest.raises(LostRaceError):
        day_manifest.write(compacted_day(removed=True), storage=storage, expect=None)
    assert day_manifest.read_versioned(KEY, storage=storage) == (compacted_day(), first)
    day_manifest.write(compacted_day(removed=True), storage=storage, expect=first)
    with pytest.raises(LostRaceError):
        day_manifest.write(compacted_day(), storage=storage, expect=first)
    assert day_manifest.read(KEY, storage=storage) == compacted_day(removed=True)


def test_a_day_that_was_only_announced_has_no_window(storage):
    """Readers and conversions go on as if there were no day."""
    unpublished = CompactedDay.unpublished("trades", SLICE, DAY)
    announced = replace(
        unpublished, replacing=(compacted(MORNING),), replacing_sha256s=("ab" * 32,)
    )
    day_manifest.write(announced, storage=storage, expect=None)
    assert day_manifest.find_day("trades", SLICE, MORNING, storage=storage) is None
    assert not announced.holds(compacted(MORNING))


def test_the_names_on_disk_are_those_that_readers_know(storage):
    """``docs/explanation/commit.md`` promises them."""
    day_manifest.write(compacted_day(), storage=storage, expect=None)
    written = json.loads(storage.read(KEY))
    assert list(written) == [
        "feed", "slice", "window", "key", "rows", "parquet_bytes", "sha256", "row_groups",
        "sorted", "hours", "renewing", "removed", "version",
    ]  # fmt: skip


def test_a_day_holds_what_was_compacted_until_it_is_replaced():
    """Not a window with another sha256, nor one that is about to be replaced or was removed."""
    window = compacted(MORNING)
    assert compacted_day().holds(window)
    assert not compacted_day().holds(compacted(MORNING, sha256="ef" * 32))
    assert not compacted_day().holds(compacted(EVENING))
    assert not compacted_day(replacing=(window,)).holds(window)
    assert not compacted_day(removed=True).holds(window)


def test_the_day_of_a_window_is_found(storage):
    """Where it holds the window, and retention did not remove it."""
    assert day_manifest.find_day("trades", SLICE, MORNING, storage=storage) is None
    version = day_manifest.write(compacted_day(), storage=storage, expect=None)
    assert day_manifest.find_day("trades", SLICE, MORNING, storage=storage) == compacted_day()
    assert day_manifest.find_day("trades", SLICE, EVENING, storage=storage) is None
    assert day_manifest.find_day("trades", SLICE, DAY, storage=storage) is None
    day_manifest.write(compacted_day(removed=True), storage=storage, expect=version)
    assert day_manifest.find_day("trades", SLICE, MORNING, storage=storage) is None


REFUSED = r"lake/manifests/trades/.* day symbol=BTCUSDT .*`audit trades .* --repair`"


def good() -> dict[str, object]:
    return {
        "feed": "trades", "slice": SLICE.as_dict(), "window": DAY.name, "key": None, "rows": 0,
        "parquet_bytes": 0, "sha256": None, "row_groups": 0, "sorted": True, "hours": [],
        "version": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe", id="not text"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(json.dumps(good() | {"version": 2}).encode(), id="another version"),
        pytest.param(json.dumps(good() | {"more": 1}).encode(), id="an unknown name"),
        pytest.param(json.dumps(good() | {"hours": [{}]}).encode(), id="an empty window"),
        pytest.param(json.dumps(good() | {"rows": "3"}).encode(), id="text for a number"),
    ],
)
def test_what_is_not_a_day_s_manifest_is_refused_with_its_address(storage, body):
    """The message names the object and what to do."""
    storage.put(KEY, body)
    with pytest.raises(CorruptManifestError, match=REFUSED):
        day_manifest.read(KEY, storage=storage)
    storage.put(KEY, json.dumps(good()).encode())
    assert day_manifest.read(KEY, storage=storage) is not None
