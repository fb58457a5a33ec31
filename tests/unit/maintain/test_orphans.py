"""Objects of the lake that no manifest names are found."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from include.ticklake.lake import manifest
from include.ticklake.lake.manifest import SupersededSet
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.orphans import off_grid, orphans
from tests.support import lake_factory, manifests, staged_factory
from tests.support.interleaving_storage import Interleaved
from tests.support.lake_factory import BTC, DAY, FEED


@pytest.fixture
def lake(tmp_path) -> Storage:
    """One hour of trades."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest(storage, lake_factory.day_of_trades(300), lake_factory.hour(3))
    return storage


@pytest.mark.parametrize("area", ["json", "parquet", "late", "quarantine"])
def test_an_object_that_no_manifest_names_is_an_orphan(lake, area):
    """In any area, on the dates asked for."""
    folder = f"{area}/trades/symbol=BTCUSDT"
    lake.put(f"{folder}/date=2026-11-22/leftover", b"x")
    lake.put(f"{folder}/date=2026-11-23/leftover", b"x")
    found = list(orphans(FEED, BTC, {DAY.start.date()}, storage=lake))
    assert found == [f"{folder}/date=2026-11-22/leftover"]


def test_what_a_manifest_names_is_no_orphan(lake):
    """A part and a Parquet file."""
    assert list(orphans(FEED, BTC, {DAY.start.date()}, storage=lake)) == []


def test_a_part_of_a_superseded_set_is_no_orphan(lake):
    """It is kept until it expires."""
    [committed] = manifest.read_all(FEED.name, storage=lake)
    [part] = committed.json.parts
    current = replace(part, key=part.key.replace("part-00000", "part-00001"))
    lake.copy(part.key, current.key)
    json_section = replace(committed.json, parts=(current,), number=2)
    superseded = (SupersededSet(json=committed.json, superseded_at_ms=0),)
    manifests.put(replace(committed, json=json_section, superseded=superseded), storage=lake)
    assert list(orphans(FEED, BTC, {DAY.start.date()}, storage=lake)) == []
    manifests.put(replace(committed, json=json_section, next_part=1), storage=lake)
    assert list(orphans(FEED, BTC, {DAY.start.date()}, storage=lake)) == [part.key]


def test_what_is_committed_while_the_manifests_are_read_is_no_orphan(lake):
    """Objects are listed first."""
    table = lake_factory.day_of_trades(300)
    hour = lake_factory.hour(4)
    meeting = Interleaved.around(
        lake, at_step=4, other=lambda: lake_factory.ingest(lake, table, hour)
    )
    assert list(orphans(FEED, BTC, {DAY.start.date()}, storage=meeting)) == []
    assert meeting.meeting.met


def test_units_that_are_none_of_the_feeds_are_found(tmp_path):
    """Unless they are empty because their records were cut again."""
    storage = Storage.open(f"file://{tmp_path}/grid", {})
    made = staged_factory.stage(
        staged_factory.feed(), [[staged_factory.record(1)]], storage=storage,
        unit=staged_factory.UNIT,
    )  # fmt: skip
    daily = staged_factory.feed(window="1d")
    call = (staged_factory.UNIT.slice, {staged_factory.WINDOW.start.date()})
    assert list(off_grid(daily, *call, storage=storage)) == [made]
    assert list(off_grid(staged_factory.feed(), *call, storage=storage)) == []
    emptied = replace(made.json, parts=(), received_rows=0)
    manifest.write(
        replace(made, json=emptied, next_part=1), storage=storage,
        expect=storage.version(made.key),
    )  # fmt: skip
    assert list(off_grid(daily, *call, storage=storage)) == []
