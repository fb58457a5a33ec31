"""Where a manifest is damaged, its parts say what was committed."""

from __future__ import annotations

import pytest

from include.ticklake.errors import RecordsMissingError
from include.ticklake.lake import manifest
from include.ticklake.lake.layout import Area
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from tests.support.memory_storage import memory_storage
from tests.support.staged_sets import FORGETFUL, commit, row
from tests.unit.extract.test_add import SNAPSHOT, ids

ROWS = [row(number) for number in range(6)]
DAMAGED = b'{"feed": "sm'


def damage(storage: Storage, committed: Manifest) -> Manifest:
    storage.put(committed.key, DAMAGED)
    return committed


def test_a_damaged_manifest_is_made_again_from_the_source():
    """The same parts at the same keys; the damaged text is kept for people to look at."""
    storage = memory_storage()
    first = damage(storage, commit(storage, ROWS[:3], ROWS[3:]))
    again = commit(storage, ROWS[:3], ROWS[3:])
    assert again.json == first.json
    assert manifest.read(first.key, storage=storage) == again
    [copy] = storage.list(Area.REPORTS)
    assert storage.read(copy) == DAMAGED
    assert copy.endswith(".damaged.json")


def test_a_source_that_returns_less_does_not_take_its_place():
    """What the parts hold counts as committed."""
    storage = memory_storage()
    damage(storage, commit(storage, ROWS))
    before = {key: storage.read(key) for key in storage.list(Area.JSON)}
    with pytest.raises(RecordsMissingError, match="2 of 6 records"):
        commit(storage, ROWS[:4])
    assert before.items() <= {key: storage.read(key) for key in storage.list(Area.JSON)}.items()
    found = commit(storage, ROWS[:4], is_replacing=True)
    assert [old.json.rows for old in found.superseded] == [6]


def test_what_a_source_has_forgotten_is_found_in_the_parts():
    """Both fetches, and what the source has now."""
    storage = memory_storage()
    commit(storage, ROWS[:3], of=FORGETFUL)
    damage(storage, commit(storage, ROWS[2:5], of=FORGETFUL))
    found = commit(storage, ROWS[4:], of=FORGETFUL)
    assert ids(storage, found) == [0, 1, 2, 3, 4, 5]
    assert found.json.received_rows == found.json.rows + found.json.duplicate_rows


def test_a_set_that_was_superseded_is_known_as_one():
    """Its records are in the later parts."""
    storage = memory_storage()
    commit(storage, ROWS[:3])
    damage(storage, commit(storage, [row(number, 7) for number in range(6)]))
    found = commit(storage, [row(number, 7) for number in range(6)])
    assert (found.json.rows, [old.json.rows for old in found.superseded]) == (6, [3])
    assert found.free_number == 2


def test_parts_that_do_not_say_which_were_current_are_left_alone():
    """They hold some records of each other: only a person can tell."""
    storage = memory_storage()
    commit(storage, ROWS[:4])
    damage(storage, commit(storage, [row(number, 7) for number in (3, 4, 5)], is_replacing=True))
    with pytest.raises(RecordsMissingError, match="do not say which of them were current"):
        commit(storage, ROWS)
    found = commit(storage, ROWS, is_replacing=True)
    assert found.json.rows == 6
    assert sorted(old.json.rows for old in found.superseded) == [3, 4]


def test_the_parts_of_a_snapshot_were_fetched_when_they_were_stored():
    """As nearly as that can be known now."""
    storage = memory_storage()
    first = damage(storage, commit(storage, ['{"id":1,"v":1}'], of=SNAPSHOT))
    found = commit(storage, ['{"id":1,"v":2}'], of=SNAPSHOT)
    stored = storage.infos(Area.JSON)[first.json.parts[0].key].modified_at
    assert found.json.parts[0].fetched_at_ms == int(stored.timestamp() * 1000)
    assert found.json.rows == 2


def test_a_damaged_part_beside_a_damaged_manifest_is_left_out():
    """Nothing can be said of it."""
    storage = memory_storage()
    first = damage(storage, commit(storage, ROWS[:3], ROWS[3:]))
    storage.put(first.json.parts[0].key, b"damaged")
    found = commit(storage, ROWS)
    assert (found.json.rows, [old.json.rows for old in found.superseded]) == (6, [3])
    assert found.free_number == 3
