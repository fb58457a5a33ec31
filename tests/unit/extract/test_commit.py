"""A commit publishes the parts, then the manifest, and removes only what it published in vain."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from include.ticklake.errors import RecordsMissingError, RetryableError
from include.ticklake.extract.commit import UnitCommit
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.layout import Area
from include.ticklake.lake.manifest_checks import part_number
from include.ticklake.lake.storage import Storage
from tests.support import manifests
from tests.support.memory_storage import memory_storage
from tests.support.staged_sets import FEED, NOW_MS, UNIT, commit, row, staged_set
from tests.support.stepping_store import CHANGES, READS, SteppingStore

ROWS = [row(number) for number in range(5)]
MARK = layout.unfinished_key(FEED.name, UNIT.slice, UNIT.window)
SUPERSEDED = layout.superseded_key(FEED.name, UNIT.slice, UNIT.window)


def counted(storage: Storage) -> tuple[Storage, list[None]]:
    """*storage*, and a list with an entry for each of its operations."""
    steps: list[None] = []
    store = SteppingStore(storage.store, lambda: steps.append(None), CHANGES | READS)
    return Storage(storage.root_uri, store), steps


def test_a_unit_that_was_never_fetched_takes_two_requests():
    """One for the part, one for the manifest; nothing is read or listed before."""
    storage, steps = counted(memory_storage())
    commit(storage, ROWS)
    assert len(steps) == 2
    commit(storage, ROWS)
    assert len(steps) > 4


def test_what_is_published_in_vain_is_removed():
    """Only the manifest and what it names is left, whatever was refused or superseded."""
    storage = memory_storage()
    first = commit(storage, ROWS)
    with pytest.raises(RecordsMissingError):
        commit(storage, ROWS[:2])
    assert set(storage.list("")) == {first.key, first.json.parts[0].key}
    second = commit(storage, [row(number, 7) for number in range(5)])
    assert set(storage.list(Area.JSON)) == {first.json.parts[0].key, second.json.parts[0].key}
    with pytest.raises(RecordsMissingError):
        commit(storage, ROWS[:1], ROWS[1:2])
    assert set(storage.list(Area.JSON)) == {first.json.parts[0].key, second.json.parts[0].key}
    assert list(storage.list(Area.INCOMPLETE)) == []


def test_the_mark_of_superseded_sets_is_there_before_the_manifest():
    """So that their expiry finds every unit that has one."""
    storage = memory_storage()
    commit(storage, ROWS)
    assert not storage.exists(SUPERSEDED)
    seen = []

    def look() -> None:
        [found] = manifest.read_all(FEED.name, storage=storage)
        seen.append((storage.exists(SUPERSEDED), bool(found.superseded)))

    watched = Storage(storage.root_uri, SteppingStore(storage.store, look, CHANGES))
    commit(watched, [row(number, 7) for number in range(5)])
    look()
    assert (False, True) not in seen
    assert seen[-1] == (True, True)


def test_the_mark_of_an_unfinished_unit_goes_when_it_is_whole():
    """Also where the records are the same; it costs nothing where there is no older manifest."""
    storage = memory_storage()
    commit(storage, ROWS, unfinished_until_ms=NOW_MS + 1)
    assert storage.exists(MARK)
    whole = commit(storage, ROWS)
    assert whole.json.unfinished_until_ms is None
    assert not storage.exists(MARK)


def test_losing_every_race_is_an_error_to_retry():
    """Bounded; what others may be about to name stays."""
    storage = memory_storage()
    first = commit(storage, ROWS)

    def change() -> None:
        [found] = manifest.read_all(FEED.name, storage=storage)
        section = replace(found.json, pages=found.json.pages + 1)
        manifests.put(replace(found, json=section), storage=storage)

    store = SteppingStore(storage.store, change, frozenset({"put_if"}))
    with pytest.raises(RetryableError, match="others changed it 5 times in between"):
        commit(Storage(storage.root_uri, store), [row(number, 7) for number in range(6)])
    [found] = manifest.read_all(FEED.name, storage=storage)
    assert found.json.parts == first.json.parts
    [left] = set(storage.list(Area.JSON)) - {first.json.parts[0].key}
    assert part_number(left) == found.free_number


def test_the_checkpoint_is_forgotten_before_the_manifest_is_written():
    """A kill between the two must not leave a checkpoint of what is committed."""
    storage = memory_storage()
    seen = []
    for parts in ([ROWS], [[row(number, 7) for number in range(6)]], [ROWS, [row(9)]]):
        staged = staged_set(storage, *parts)

        def look(key: str = staged.manifest_key) -> None:
            seen.append(storage.version(key))

        UnitCommit(
            staged=staged, storage=storage, is_replacing=True, now_ms=NOW_MS, forget=look
        ).run()
        assert storage.version(staged.manifest_key) not in seen
