"""A superseded set of JSON goes a week later, and nothing that a manifest names or may name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from include.ticklake.lake import layout, manifest
from include.ticklake.lake.manifest import Manifest, SupersededSet
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import expire
from tests.support import manifests
from tests.support.memory_storage import memory_storage
from tests.support.staged_factory import UNIT, WINDOW, feed, record, stage

FEED = feed()
MARK = layout.superseded_key(FEED.name, UNIT.slice, WINDOW)
NOW = datetime.now(UTC)
"""Of the import: the objects that a test writes may be of the next day."""


def part_key(number: int) -> str:
    return layout.part_key(FEED.name, UNIT.slice, WINDOW, number=number, sha256="ab" * 32)


@pytest.fixture
def lake() -> Storage:
    """A unit whose first set was superseded now, and the part of an extraction under way."""
    storage = memory_storage()
    old = stage(FEED, [[record(1)]], storage=storage)
    [part] = old.json.parts
    current = replace(part, key=part.key.replace("part-00000", "part-00001"))
    storage.copy(part.key, current.key)
    storage.put(MARK, b"{}")
    storage.put(part_key(2), b"about to be named")
    json_section = replace(old.json, parts=(current,), number=2)
    superseded = (SupersededSet(json=old.json, superseded_at_ms=int(NOW.timestamp() * 1000)),)
    manifests.put(replace(old, json=json_section, superseded=superseded), storage=storage)
    return storage


def deleted(lake: Storage, now: datetime) -> list[str]:
    found = expire.find_expired(FEED, now=now, storage=lake)
    gone = expire.delete(FEED, found, now=now, storage=lake)
    return sorted(key for one in gone for key in one.objects)


def read(lake: Storage) -> Manifest:
    found = manifest.read(layout.manifest_key(FEED.name, UNIT.slice, WINDOW), storage=lake)
    assert found is not None
    return found


def test_it_goes_a_week_after_it_was_superseded(lake):
    """With the unit's mark; its numbers are never used again."""
    [old] = read(lake).superseded[0].json.parts
    now = NOW + timedelta(days=9)
    found = [one.objects for one in expire.find_expired(FEED, now=now, storage=lake)]
    assert sorted(key for objects in found for key in objects) == sorted([old.key, MARK])
    assert deleted(lake, now) == sorted([old.key, MARK])
    assert read(lake).superseded == ()
    assert read(lake).free_number == 2
    assert all(lake.exists(part.key) for part in read(lake).json.parts)
    assert deleted(lake, now) == []


def test_it_stays_until_then(lake):
    """A feed may keep it longer, or not as long."""
    assert deleted(lake, NOW + timedelta(days=7)) == []
    assert len(read(lake).superseded) == 1


def test_the_part_of_an_extraction_that_is_about_to_commit_stays(lake):
    """Its number is one that the manifest has not passed."""
    deleted(lake, NOW + timedelta(days=9))
    assert lake.exists(part_key(2))


def test_what_a_killed_deletion_left_goes_with_the_next_one(lake):
    """The manifest does not name the set any more: its parts can never be named again."""
    [old] = read(lake).superseded[0].json.parts
    manifests.put(replace(read(lake), superseded=(), next_part=2), storage=lake)
    assert deleted(lake, NOW + timedelta(days=9)) == sorted([old.key, MARK])


def test_a_damaged_manifest_keeps_everything_and_stops_nothing(lake, caplog):
    """It is a finding of an audit."""
    lake.put(read(lake).key, b"{")
    assert deleted(lake, NOW + timedelta(days=9)) == []
    assert "retention.kept" in caplog.text
