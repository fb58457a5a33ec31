"""The versions of a unit are listed, and one that was superseded becomes current again."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from include.ticklake.errors import CorruptPartError, UsageError
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import history
from tests.support import manifests
from tests.support.memory_storage import memory_storage
from tests.support.staged_sets import FEED, NOW_MS, UNIT, commit, row

ROWS = [row(number) for number in range(5)]
OTHERS = [row(number, 7) for number in range(6)]


@pytest.fixture
def storage() -> Storage:
    """A unit that was fetched three times: five rows, six, and two."""
    storage = memory_storage()
    for rows in (ROWS, OTHERS, ROWS[:2]):
        commit(storage, rows, is_replacing=True)
    return storage


def versions(storage: Storage) -> list[tuple[int, str, int, int]]:
    listed = history.history(FEED, UNIT, storage=storage)
    return [(one.version, one.state, one.rows, one.parts_missing) for one in listed]


def restored(storage: Storage, number: int) -> manifest.Manifest:
    return history.restore(FEED, UNIT, number, storage=storage, now_ms=NOW_MS + 1)


def test_the_versions_of_a_unit_are_listed(storage):
    """The current one first, then the newest; also whether the parts of each are still there."""
    at = "superseded at 2026-11-22T06:00:05+00:00"
    before = versions(storage)
    assert [(number, rows, gone) for number, _, rows, gone in before] == [
        (3, 2, 0), (2, 6, 0), (1, 5, 0),
    ]  # fmt: skip
    assert before[0][1] == "current"
    assert before[1][1].startswith(at[:33])
    [found] = manifest.read_all(FEED.name, storage=storage)
    storage.delete(found.superseded[0].json.parts[0].key)
    assert [gone for _, _, _, gone in versions(storage)] == [0, 0, 1]


def test_a_version_is_restored_by_its_number(storage):
    """What was current is another version then; nothing is deleted."""
    before = set(storage.list(""))
    first = restored(storage, 2)
    assert (first.json.number, first.json.rows) == (2, 6)
    assert [(number, rows) for number, _, rows, _ in versions(storage)] == [(2, 6), (3, 2), (1, 5)]
    assert restored(storage, 3).json.rows == 2
    assert restored(storage, 1).json.rows == 5
    assert before <= set(storage.list(""))
    assert storage.exists(layout.superseded_key(FEED.name, UNIT.slice, UNIT.window))


@pytest.mark.parametrize("number", [3, 4, 0, -1])
def test_what_cannot_be_restored_is_named(storage, number):
    """Neither the current version nor one that never was."""
    with pytest.raises(UsageError, match=r"choose one of those that were superseded: 1, 2"):
        restored(storage, number)


@pytest.mark.parametrize("body", [None, b"damaged"])
def test_a_version_with_a_broken_part_is_not_restored(storage, body):
    """Nothing is changed."""
    [found] = manifest.read_all(FEED.name, storage=storage)
    key = found.superseded[0].json.parts[0].key
    storage.delete(key)
    if body is not None:
        storage.put(key, body)
    with pytest.raises(CorruptPartError, match="nothing was changed, choose another version"):
        restored(storage, 1)
    assert list(manifest.read_all(FEED.name, storage=storage)) == [found]


def test_what_is_only_in_the_parquet_is_not_superseded(storage):
    """Its JSON is gone: there would be no way back."""
    [found] = manifest.read_all(FEED.name, storage=storage)
    manifests.put(replace(found, json=replace(found.json, removed=True)), storage=storage)
    assert "its JSON has expired" in versions(storage)[0][1]
    with pytest.raises(UsageError, match="which could not be restored again"):
        restored(storage, 1)


def test_a_unit_that_was_never_fetched_has_no_history():
    """The message says what to run."""
    with pytest.raises(UsageError, match="it was never fetched; run `extract small --start"):
        versions(memory_storage())
