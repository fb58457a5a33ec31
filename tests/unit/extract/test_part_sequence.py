"""The parts of a unit follow each other, each of the feed's size."""

from __future__ import annotations

import pytest

from include.ticklake.extract.part_sequence import PartSequence
from include.ticklake.lake.storage import Storage
from include.ticklake.model.record import Record
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support.feed_texts import feed

WORK = Unit(Slice(), Window.parse("20261122T050000Z-20261122T060000Z"))


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


def test_parts_follow_each_other(storage):
    """A part is full at the feed's size, and the next record begins another."""
    small = feed(part_bytes=15)
    parts = PartSequence(small, WORK, completed=(), storage=storage)
    sizes = []
    for number in range(6):
        parts.write([(Record(b'{"id":%d}' % number), number)])
        sizes.append(parts.is_full)
        if parts.is_full:
            parts.complete()
    parts.complete()
    assert sizes == [False, True] * 3
    assert [completed.part.rows for completed in parts.completed] == [2, 2, 2]
    keys = [staged.part.key for staged in parts.spill()]
    assert all(f".part-0000{number}." in key for number, key in enumerate(keys))


def test_parts_that_fail_leave_what_a_checkpoint_names(storage):
    """The others were written in vain."""
    parts = PartSequence(feed(), WORK, completed=(), storage=storage)
    for number in range(2):
        parts.write([(Record(b'{"id":%d}' % number), number)])
        parts.complete()
    parts.write([(Record(b"{}"), None)])
    kept, _ = parts.spill()
    parts.abandon(keep=[kept])
    assert list(storage.list("")) == [kept.temporary_key]
