"""Objects appear whole or not at all, at the keys asked for, on disk and on S3 alike."""

from __future__ import annotations

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.lake.storage import Storage
from tools.servers.s3 import Bucket


@pytest.fixture(params=["file", "s3"])
def storage(request, tmp_path) -> Storage:
    if request.param == "file":
        return Storage.open(f"file://{tmp_path}/lake", {})
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
    with pytest.raises(TypeError), storage.writing("json/a") as stream:
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
