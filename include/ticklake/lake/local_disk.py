"""Objects as files below one folder of a local disk, or of one that is mounted.

Nothing is written at its own key: a file is written under ``_incomplete/``, flushed to the disk
and renamed when it is whole, and the rename is flushed, too. So a commit that was reported
outlives a power cut. Conditional writes compare and rename under a lock that ends with its process.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyarrow import fs

from include.ticklake.lake import layout
from include.ticklake.lake.versions import SMALL_BYTES, LostRaceError, ObjectInfo, StoredObject

_LOCK = f"{layout.Area.INCOMPLETE}/lock"
_LOCK_TIMEOUT_S = 60.0
_LOCK_WAIT_S = 0.005


class LocalDisk:
    """The files below *folder*; keys are relative to it."""

    has_conditions: bool | None = True
    identity = "local disk"

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._files = fs.LocalFileSystem()

    def read(self, key: str) -> bytes:
        """The whole file; ``FileNotFoundError`` where there is none."""
        return Path(self._path(key)).read_bytes()

    def read_versioned(self, key: str) -> StoredObject:
        """The whole small file and its version; ``FileNotFoundError`` where there is none."""
        with Path(self._path(key)).open("rb") as stream:
            body = stream.read(SMALL_BYTES + 1)
            return StoredObject(body, _version(os.fstat(stream.fileno())))

    def version(self, key: str) -> str | None:
        """The version of the file at *key*; None where there is none."""
        try:
            return _version(Path(self._path(key)).stat())
        except FileNotFoundError:
            return None

    def exists(self, key: str) -> bool:
        """Whether there is a file at *key*."""
        return Path(self._path(key)).is_file()

    def open_input(self, key: str) -> Any:  # noqa: ANN401 - pyarrow ships no types
        """A forward-only stream over the file's bytes."""
        return self._files.open_input_stream(self._path(key), compression=None)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """At most *length* bytes from *start* on."""
        with Path(self._path(key)).open("rb") as file:
            file.seek(start)
            return file.read(length)

    def open_file(self, key: str) -> Any:  # noqa: ANN401
        """A seekable file."""
        return self._files.open_input_file(self._path(key))

    def open_output(self, key: str, *, metadata: Mapping[str, str]) -> LocalOutput:
        """A stream to *key* itself; files have no metadata."""
        del metadata
        self._make_folder(key)
        return LocalOutput(self._path(key))

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str]) -> None:
        """Publish *body* at *key* by a rename."""
        del metadata
        partial = self._write_partial(key, body)
        self._rename(partial, key)

    def put_if(
        self, key: str, body: bytes, *, expect: str | None, metadata: Mapping[str, str]
    ) -> str:
        """``put`` where the file is *expect*, None for no file; ``LostRaceError`` otherwise."""
        del metadata
        partial = self._write_partial(key, body)
        version = self.version(partial)
        self.move_if(partial, key, expect=expect)
        return version or ""

    def move(self, source: str, target: str) -> None:
        """Rename *source* to *target*, in place of what was there."""
        self._rename(source, target)

    def move_if(self, source: str, target: str, *, expect: str | None) -> None:
        """``move`` where the target is *expect*; ``LostRaceError`` otherwise, and *source* goes."""
        with self._lock():
            if self.version(target) == expect:
                self._rename(source, target)
                return
        self.delete(source)
        raise LostRaceError(target)

    def copy(self, source: str, target: str) -> None:
        """The bytes of *source* at *target* as well; ``FileNotFoundError`` where there are none."""
        if not self.exists(source):
            raise FileNotFoundError(source)
        self._make_folder(target)
        self._files.copy_file(self._path(source), self._path(target))

    def delete(self, key: str) -> None:
        """Delete the file; do nothing where there is none."""
        Path(self._path(key)).unlink(missing_ok=True)

    def delete_if(self, key: str, *, expect: str) -> bool:
        """Delete the file where it is version *expect*; whether it was."""
        with self._lock():
            is_expected = self.version(key) == expect
            if is_expected:
                self.delete(key)
        return is_expected

    def infos(self, prefix: str) -> dict[str, ObjectInfo]:
        """The keys below the folder *prefix*, sorted, with bytes and age of each file."""
        selector = fs.FileSelector(self._path(prefix), allow_not_found=True, recursive=True)
        lock = self._path(_LOCK)  # which is no object
        infos = self._files.get_file_info(selector)
        files = [info for info in infos if info.is_file and info.path != lock]
        files.sort(key=lambda info: info.path)
        return {
            info.path.removeprefix(f"{self._folder}/"): ObjectInfo(
                info.size, datetime.fromtimestamp(info.mtime_ns / 10**9, UTC)
            )
            for info in files
        }

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders right below the folder *prefix*, sorted."""
        selector = fs.FileSelector(self._path(prefix), allow_not_found=True)
        entries = self._files.get_file_info(selector)
        return sorted(info.base_name for info in entries if not info.is_file)

    def arrow_file_system(self) -> fs.FileSystem:
        """The same files for ``pyarrow.dataset``."""
        return fs.SubTreeFileSystem(self._folder, self._files)

    def _path(self, key: str) -> str:
        return f"{self._folder}/{key}" if key else self._folder

    def _make_folder(self, key: str) -> None:
        """Create the folder of *key*, and flush the entry of each new folder in the one above."""
        folder = Path(self._path(key)).parent
        new = []
        while not folder.is_dir():
            new.append(folder)
            folder = folder.parent
        for folder in reversed(new):
            folder.mkdir(exist_ok=True)
            _flush(folder.parent)

    def _write_partial(self, key: str, body: bytes) -> str:
        """The key of a file with *body* under ``_incomplete/``."""
        partial = f"{layout.incomplete(key)}.{uuid.uuid4().hex}"
        with self.open_output(partial, metadata={}) as stream:
            stream.write(body)
        return partial

    def _rename(self, source: str, target: str) -> None:
        self._make_folder(target)
        path = Path(self._path(target))
        Path(self._path(source)).replace(path)
        _flush(path.parent)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One process at a time compares and renames; ``OSError`` where that takes a minute."""
        self._make_folder(_LOCK)
        give_up_s = time.monotonic() + _LOCK_TIMEOUT_S
        with Path(self._path(_LOCK)).open("ab") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > give_up_s:
                        raise TimeoutError(
                            f"{self._path(_LOCK)}: another process has held it for "
                            f"{_LOCK_TIMEOUT_S:g} s; end it, or wait for it"
                        ) from None
                    time.sleep(_LOCK_WAIT_S)
            yield


class LocalOutput:
    """A file while it is written: on the disk when it is closed, gone when it is aborted."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._stream = Path(path).open("wb")  # noqa: SIM115 - it is closed by close

    @property
    def closed(self) -> bool:
        """Whether it was closed or aborted."""
        return self._stream.closed

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        """Add *data*."""
        return self._stream.write(data)

    def close(self) -> None:
        """Flush the file to the disk."""
        if not self.closed:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()

    def abort(self) -> None:
        """Remove the file."""
        if not self.closed:
            self._stream.close()
            Path(self._path).unlink(missing_ok=True)

    def __enter__(self) -> LocalOutput:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


def _version(stat: os.stat_result) -> str:
    """Each version is a new file: no two that were ever at a key have the same of all three."""
    return f"{stat.st_ino}-{stat.st_mtime_ns}-{stat.st_size}"


def _flush(folder: Path) -> None:
    """Flush the names in *folder* to the disk; some mounted file systems cannot."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
