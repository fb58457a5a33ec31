"""What a local disk needs: flushed renames, conditions under a lock, nothing half for readers."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from include.ticklake.lake import local_disk
from include.ticklake.lake.staged_object import staged
from include.ticklake.lake.storage import Storage

COMMITS = 40
COUNT_UP = f"""
import sys
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
storage = Storage.open(sys.argv[1], {{}})
left = {COMMITS}
while left:
    old = storage.read_versioned("count")
    body = str(int(old.body) + 1 if old else 1).encode()
    try:
        storage.put_if("count", body, expect=old.version if old else None)
        left -= 1
    except LostRaceError:
        pass
"""


def test_the_lock_of_conditional_writes_is_not_listed(tmp_path):
    """It is no object: nobody finds a leftover, or keeps one more when a lake is copied."""
    disk = local_disk.LocalDisk(str(tmp_path))
    disk.put_if("a/b", b"1", expect=None, metadata={})
    assert list(disk.infos("")) == ["a/b"]


def test_a_path_of_the_disk_is_the_key_below_the_root(tmp_path):
    """For programs that read files."""
    storage = Storage.open(f"file://{tmp_path}", {})
    storage.put("a/b", b"1")
    assert Path(storage.local_path("a/b")).read_bytes() == b"1"


def test_processes_that_replace_one_object_at_once_lose_no_change(tmp_path):
    """Four of them count up: no count is lost."""
    root = f"file://{tmp_path}"
    counters = [subprocess.Popen([sys.executable, "-c", COUNT_UP, root]) for _ in range(4)]
    assert [counter.wait(timeout=120) for counter in counters] == [0] * 4
    assert Storage.open(root, {}).read("count") == str(4 * COMMITS).encode()


def test_a_lock_that_a_stopped_process_holds_is_not_waited_for_without_end(tmp_path, monkeypatch):
    """The error says which file it is."""
    monkeypatch.setattr(local_disk, "_LOCK_TIMEOUT_S", 0.05)
    storage = Storage.open(f"file://{tmp_path}", {})
    with (
        storage.store._lock(),
        pytest.raises(TimeoutError, match="_incomplete/lock: another process has held it"),
    ):
        storage.put_if("a", b"1", expect=None)
    storage.put_if("a", b"1", expect=None)


def test_a_commit_is_flushed_to_the_disk_before_it_is_reported(tmp_path, monkeypatch):
    """The file before its rename, its new folders, and the folder of the rename after it."""
    events: list[str] = []
    real_fsync, real_replace = os.fsync, os.replace

    def name_of(descriptor: int) -> str:
        return Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(tmp_path).as_posix()

    def fsync(descriptor: int) -> None:
        events.append(f"fsync {name_of(descriptor).partition('.')[0]}")
        real_fsync(descriptor)

    def replace(source: str, target: str) -> None:
        events.append("rename")
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(Path, "replace", lambda path, target: replace(str(path), str(target)))
    Storage.open(f"file://{tmp_path}/lake", {}).put("a/b", b"1")
    renamed = events.index("rename")
    assert events[:renamed][-1] in ("fsync lake", "fsync ")
    assert "fsync lake/_incomplete/a/b" in events[:renamed]
    assert {"fsync lake", "fsync lake/a"} <= set(events)
    assert events[renamed + 1 :] == ["fsync lake/a"]


@contextmanager
def full_after(size_bytes: int) -> Iterator[None]:
    """No file gets larger than that, as on a disk that is full then."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def put(storage: Storage) -> None:
    storage.put("b", b"x" * 100)


def put_much(storage: Storage) -> None:
    storage.put("b", b"x" * 100_000)


def put_if(storage: Storage) -> None:
    storage.put_if("b", b"x" * 100, expect=None)


def write_in_pieces(storage: Storage) -> None:
    with staged("b", storage=storage) as target:
        target.spill()
        for _ in range(100):
            target.write(b"x" * 1000)


def copy(storage: Storage) -> None:
    storage.copy("a", "b")


@pytest.mark.parametrize("write", [put, put_much, put_if, write_in_pieces, copy])
def test_what_a_full_disk_has_no_room_for_takes_none_of_it(tmp_path, write):
    """Else the disk would stay full: nothing is at the key, and nothing left of the attempt."""
    storage = Storage.open(f"file://{tmp_path}", {})
    storage.put("a", b"x" * 100_000)
    with full_after(50), pytest.raises(OSError, match="File too large"):
        write(storage)
    assert list(storage.infos("")) == ["a"]
    write(storage)
    assert list(storage.infos("")) == ["a", "b"]


def test_a_copy_is_at_its_key_whole_or_not_at_all(tmp_path, monkeypatch):
    """Also where its process is killed: who finds the key takes it for the whole."""
    storage = Storage.open(f"file://{tmp_path}", {})
    storage.put("a", b"x" * 100_000)
    storage.put("b", b"old")
    real_write = local_disk.LocalOutput.write

    def killed(output: local_disk.LocalOutput, data: bytes) -> None:
        real_write(output, data[:1_000])
        assert storage.read("b") == b"old"
        raise KeyboardInterrupt

    monkeypatch.setattr(local_disk.LocalOutput, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        storage.copy("a", "b")
    monkeypatch.undo()
    assert storage.read("b") == b"old"
    storage.copy("a", "b")
    assert storage.read("b") == storage.read("a")
