"""What one extraction staged: its parts by number, and whether publishing it in vain is cheap."""

from __future__ import annotations

from tests.support.memory_storage import memory_storage
from tests.support.staged_sets import FEED, UNIT, row, staged_set


def test_its_parts_are_numbered_from_any_number_on():
    """The content is the same, and so is the hash in the key."""
    staged = staged_set(memory_storage(), [row(1)], [row(2)])
    assert staged.numbered(0) == staged.section.parts
    numbered = staged.numbered(7)
    assert [".part-00007." in numbered[0].key, ".part-00008." in numbered[1].key] == [True, True]
    assert [part.sha256 for part in numbered] == [part.sha256 for part in staged.section.parts]


def test_one_object_in_memory_is_small():
    """None at all as well; several parts, or one that is spilled, are not."""
    storage = memory_storage()
    assert staged_set(storage).is_small
    assert staged_set(storage, [row(1)]).is_small
    assert not staged_set(storage, [row(1)], [row(2)]).is_small
    spilled = staged_set(storage, [row(1)])
    spilled.parts[0].spill()
    assert not spilled.is_small


def test_its_records_are_read_before_anybody_sees_them():
    """In their order."""
    staged = staged_set(memory_storage(), [row(1)], [row(2), row(3)])
    assert [bytes(one).decode() for part in staged.readable() for one in part] == [
        row(1), row(2), row(3),
    ]  # fmt: skip
    assert staged.manifest_key == f"manifests/{FEED.name}/date=2026-11-22/{UNIT.window.name}.json"
