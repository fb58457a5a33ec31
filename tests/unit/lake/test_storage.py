"""Objects appear whole or not at all, at the keys asked for, on disk and on S3 alike."""

from __future__ import annotations

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.lake.staged_object import staged
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
from tests.support.memory_storage import memory_storage
from tools.servers.s3 import Bucket


@pytest.fixture(params=["file", "s3", "memory"])
def storage(request, tmp_path) -> Storage:
    if request.param == "file":
        return Storage.open(f"file://{tmp_path}/lake", {})
    if request.param == "memory":
        return memory_storage()
    bucket: Bucket = request.getfixturevalue("s3")
    return Storage.open(bucket.root, bucket.environment)


def test_an_object_is_read_back_as_it_was_put(storage):
    """A put object is listed once, under its own key, with its own bytes."""
    storage.put("json/a.json.gz", b"\x1f\x8b not unpacked on the way")
    assert list(storage.list("json")) == ["json/a.json.gz"]
    assert storage.read("json/a.json.gz") == b"\x1f\x8b not unpacked on the way"


def test_an_exception_while_writing_publishes_nothing(storage):
    """A stream left by an exception leaves no object at its key, nor harms the old one."""
    storage.put("json/a", b"old")
    with pytest.raises(TypeError), staged("json/a", storage=storage) as stream:
        stream.write("text where bytes belong")
    assert storage.read("json/a") == b"old"


def test_a_move_leaves_neither_the_source_nor_a_folder_object(storage):
    """After a move and a delete exactly the keys that should be there are there."""
    storage.put("a/one", b"1")
    storage.put("a/two", b"2")
    storage.move("a/one", "b/one")
    storage.delete("a/two")
    storage.delete("a/never-there")
    assert list(storage.list("")) == ["b/one"]


def test_moving_replaces_what_was_there(storage):
    """A reader of the target sees the new bytes after a move."""
    storage.put("a", b"old")
    storage.put("b", b"new")
    storage.move("b", "a")
    assert storage.read("a") == b"new"


def test_folders_are_those_right_below(storage):
    """Sorted; what lies deeper, or is an object, is not among them; nowhere there are none."""
    for key in ("a/date=2/x/y", "a/date=1/x", "a/object"):
        storage.put(key, b"1")
    assert list(storage.folders("a")) == ["date=1", "date=2"]
    assert list(storage.folders("nothing")) == []


def test_nothing_there_reads_as_none(storage):
    """Absence is None, not an error."""
    assert storage.read("nothing/here") is None
    assert not storage.exists("nothing/here")
    assert list(storage.list("nothing")) == []


@pytest.mark.parametrize("key", ["../outside", "a/../../b", "/etc/passwd", "", "a\\b"])
def test_a_key_cannot_leave_the_root(tmp_path, key):
    """Keys that point outside the root, or are none, are refused."""
    with pytest.raises(UsageError):
        Storage.open(f"file://{tmp_path}", {}).read(key)


@pytest.mark.parametrize(
    "root",
    ["http://host/x", "s3://", "file://relative/path", "s3://key:secret@bucket/x", "lake"],
)
def test_a_root_must_be_a_place_and_nothing_else(root):
    """A root with credentials, without a place, or of an unknown kind is refused."""
    with pytest.raises(UsageError) as refused:
        Storage.open(root, {})
    assert "secret" not in str(refused.value)


def test_uris_and_keys_are_each_others_inverse(tmp_path):
    """A manifest's URI leads back to its key; a URI elsewhere is refused."""
    storage = Storage.open(f"file://{tmp_path}/", {})
    assert storage.key_of(storage.uri("manifests/a.json")) == "manifests/a.json"
    with pytest.raises(UsageError):
        storage.key_of("file:///elsewhere/a.json")


def test_a_conditional_write_replaces_the_version_that_was_read(storage):
    """And no other: a lost race changes nothing. Also on a store that ignores conditions."""
    first = storage.put_if("a/b", b"1", expect=None)
    with pytest.raises(LostRaceError):
        storage.put_if("a/b", b"another", expect=None)
    second = storage.put_if("a/b", b"2", expect=first)
    with pytest.raises(LostRaceError):
        storage.put_if("a/b", b"another", expect=first)
    assert storage.read_versioned("a/b") == (b"2", second)
    assert storage.version("a/b") == second
    storage.delete("a/b")
    with pytest.raises(LostRaceError):
        storage.put_if("a/b", b"another", expect=second)
    assert storage.read_versioned("a/b") is None


def test_a_conditional_move_replaces_the_version_that_was_read(storage):
    """And no other; what was to be moved is gone then, too."""
    for body in (b"1", b"another"):
        storage.put(f"from/{body.decode()}", body)
    storage.move_if("from/1", "a/b", expect=None)
    with pytest.raises(LostRaceError):
        storage.move_if("from/another", "a/b", expect=None)
    assert storage.read("a/b") == b"1"
    assert [key for key in storage.list("") if not key.endswith("lock")] == ["a/b"]


def test_whether_a_store_honours_conditions_is_found_out_by_trying(storage):
    """``rclone serve s3`` ignores them."""
    storage.put("a/b", b"1")
    storage.store.has_conditions = None
    assert storage.learn_conditions("a/b", b"1") is (not storage.root_uri.startswith("s3:"))
    assert storage.read("a/b") == b"1"


def test_a_store_that_ignores_conditions_is_looked_at_before_and_after():
    """A write that another one replaced at once is a lost race."""
    storage = memory_storage(has_conditions=False)
    real_put = storage.store.put_if

    def interrupted(key, body, *, expect, metadata):
        version = real_put(key, body, expect=expect, metadata=metadata)
        storage.store.put(key, b"other", metadata={})
        return version

    storage.store.put_if = interrupted
    with pytest.raises(LostRaceError):
        storage.put_if("a/b", b"1", expect=None)
