"""The mark of a unit is there as long as its manifest names superseded sets."""

from __future__ import annotations

import itertools
import json

import pytest
from msgspec.structs import replace

from include.ticklake.lake import layout, manifest, superseded_marks
from include.ticklake.lake.manifest import SupersededSet
from include.ticklake.lake.storage import Storage
from tests.support import manifests
from tests.support.memory_storage import memory_storage
from tests.support.staged_factory import UNIT, feed, record, stage
from tests.support.stepping_store import CHANGES, READS, SteppingStore

FEED = feed()
KEY = layout.superseded_key(FEED.name, UNIT.slice, UNIT.window)
MANIFEST = layout.manifest_key(FEED.name, UNIT.slice, UNIT.window)


@pytest.fixture
def storage() -> Storage:
    """A lake with one marked unit whose manifest names no superseded set."""
    storage = memory_storage()
    stage(FEED, [[record(1)]], storage=storage)
    superseded_marks.mark(FEED.name, UNIT, storage=storage)
    return storage


def supersede(storage: Storage) -> None:
    """Let the manifest of the unit name a superseded set; the unit is marked already."""
    current = manifest.read(MANIFEST, storage=storage)
    assert current is not None
    old = SupersededSet(json=replace(current.json, number=0), superseded_at_ms=1)
    manifests.put(replace(current, superseded=(old,)), storage=storage)


def test_a_listing_of_the_feed_finds_the_marks(storage):
    """A mark says which manifest it is about; another feed's marks are not listed."""
    [(key, info)] = superseded_marks.infos(FEED.name, storage=storage).items()
    body = storage.read(KEY)
    assert (key, info.bytes) == (KEY, len(body))
    assert json.loads(body) == {"manifest": MANIFEST}
    assert superseded_marks.infos("other", storage=storage) == {}


def test_the_mark_of_a_unit_without_superseded_sets_goes(storage):
    """Once: what is not there cannot be cleared."""
    assert superseded_marks.clear(FEED.name, UNIT, storage=storage)
    assert not storage.exists(KEY)
    assert not superseded_marks.clear(FEED.name, UNIT, storage=storage)


def test_a_unit_with_superseded_sets_keeps_its_mark(storage):
    """Nobody else would find them when they expire."""
    supersede(storage)
    assert not superseded_marks.clear(FEED.name, UNIT, storage=storage)
    assert storage.exists(KEY)


@pytest.mark.parametrize("call", range(4))
def test_a_set_that_is_superseded_meanwhile_keeps_its_mark(storage, call):
    """Whichever call of the deletion it comes before."""
    calls = itertools.count()

    def step() -> None:
        if next(calls) == call:
            supersede(storage)

    store = SteppingStore(storage.store, step, READS | CHANGES)
    assert not superseded_marks.clear(FEED.name, UNIT, storage=Storage(storage.root_uri, store))
    assert next(calls) > call
    assert storage.exists(KEY)
