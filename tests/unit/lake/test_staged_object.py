"""A staged object is nowhere for readers until it is published, whole."""

from __future__ import annotations

import pytest

from include.ticklake.lake.staged_object import HELD_BYTES, StagedObject, staged
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
from tests.support.memory_storage import memory_storage

SIZES = [pytest.param(10, id="held in memory"), pytest.param(HELD_BYTES + 1, id="spilled")]


@pytest.fixture(params=["file", "bucket"])
def storage(request, tmp_path) -> Storage:
    if request.param == "file":
        return Storage.open(f"file://{tmp_path}/lake", {})
    return memory_storage()


@pytest.mark.parametrize("size", SIZES)
def test_it_is_read_back_before_it_is_published(storage, size):
    """And after it nothing is left elsewhere."""
    target = StagedObject("a/b", storage=storage)
    target.write(b"x" * size)
    target.close()
    assert target.open_file().read() == b"x" * size
    assert storage.read("a/b") is None
    target.publish("a/b")
    assert storage.read("a/b") == b"x" * size
    assert list(storage.list("")) == ["a/b"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("is_closed", [True, False])
def test_a_discarded_one_leaves_nothing(storage, size, is_closed):
    """Complete or not."""
    target = StagedObject("a/b", storage=storage)
    target.write(b"x" * size)
    if is_closed:
        target.close()
    target.discard()
    assert list(storage.list("")) == []


@pytest.mark.parametrize("size", SIZES)
def test_a_lost_race_changes_nothing_and_leaves_nothing(storage, size):
    """The other's object stays."""
    target = StagedObject("a/b", storage=storage)
    target.write(b"x" * size)
    target.close()
    storage.put("a/b", b"other")
    with pytest.raises(LostRaceError):
        target.publish_if("a/b", expect=None)
    assert storage.read("a/b") == b"other"
    assert [key for key in storage.list("") if key != "_incomplete/lock"] == ["a/b"]
    again = StagedObject("a/b", storage=storage)
    again.write(b"x" * size)
    again.close()
    again.publish_if("a/b", expect=storage.version("a/b"))
    assert storage.read("a/b") == b"x" * size


def write_and_fail(storage: Storage) -> None:
    with staged("a/b", storage=storage) as stream:
        stream.write(b"x" * HELD_BYTES)
        stream.write("text where bytes belong")


def test_an_exception_publishes_nothing(storage):
    """Nor harms the old object."""
    storage.put("a/b", b"old")
    with pytest.raises(TypeError):
        write_and_fail(storage)
    assert storage.read("a/b") == b"old"
    assert list(storage.list("")) == ["a/b"]


def test_one_that_must_outlive_its_process_is_spilled(storage):
    """A small part of an extraction that may be resumed."""
    target = StagedObject("a/b", storage=storage)
    target.write(b"1")
    target.close()
    target.spill()
    assert not target.is_in_memory
    assert storage.read(target.partial_key) == b"1"
