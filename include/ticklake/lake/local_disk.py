"""Objects as files below one folder of a local disk, or of one that is mounted.

Nothing is written at its own key: a file is written under ``_incomplete/``, flushed to the disk
and renamed when it is whole, and the rename is flushed, too. So a commit that was reported
outlives a power cut. Conditional writes compare and rename under a lock that ends with its process.
Arrow is imported where Parquet is read: an extraction needs none, and it takes 50 MB.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from include.ticklake.lake import layout
from include.ticklake.lake.versions import SMALL_BYTES, LostRaceError, ObjectInfo, StoredObject

if TYPE_CHECKING:
    from pyarrow import fs

_LOCK = f"{layout.Area.INCOMPLETE}/lock"
_LOCK_TIMEOUT_S = 60.0
_LOCK_WAIT_S = 0.005


class LocalDisk:
    """The files below *folder*; keys are relative to it."""

    has_conditions: bool | None = True
    identity = "local disk"

    def __init__(self, folder: str) -> None:
        self._folder = folder

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

    def open_input(self, key: str) -> BinaryIO:
        """A forward-only stream over the file's bytes."""
        return Path(self._path(key)).open("rb")

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """At most *length* bytes from *start* on."""
        with Path(self._path(key)).open("rb") as file:
            file.seek(start)
            return file.read(length)

    def open_file(self, key: str) -> Any:  # noqa: ANN401 - pyarrow ships no types
        """A seekable file, which Arrow reads without Python's lock."""
        from pyarrow import fs

        return fs.LocalFileSystem().open_input_file(self._path(key))

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
        partial = _partial_key(target)
        with self.open_input(source) as stream, self.open_output(partial, metadata={}) as output:
            shutil.copyfileobj(stream, output)
        self._rename(partial, target)

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
        start, lock = len(self._folder) + 1, self._path(_LOCK)  # which is no object
        found = {
            path[start:]: ObjectInfo(stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))
            for path, stat in _files_below(self._path(prefix))
            if path != lock
        }
        return dict(sorted(found.items()))

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders right below the folder *prefix*, sorted."""
        return sorted(entry.name for entry in _entries(self._path(prefix)) if entry.is_dir())

    def arrow_file_system(self) -> fs.FileSystem:
        """The same files for ``pyarrow.dataset``."""
        from pyarrow import fs

        return fs.SubTreeFileSystem(self._folder, fs.LocalFileSystem())

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
        partial = _partial_key(key)
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
    """A file while it is written: on the disk when it is closed, gone where that fails."""

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
        """Flush the file to the disk; remove it where that fails."""
        if not self.closed:
            try:
                self._stream.flush()
                os.fsync(self._stream.fileno())
                self._stream.close()
            except BaseException:
                self._remove()
                raise

    def abort(self) -> None:
        """Remove the file."""
        if not self.closed:
            self._remove()

    def _remove(self) -> None:
        """Free what it took of the disk, which may be full: then closing it fails, too."""
        Path(self._path).unlink(missing_ok=True)
        with suppress(OSError):
            self._stream.close()

    def __enter__(self) -> LocalOutput:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


def _partial_key(key: str) -> str:
    """Where a file for *key* is until it is whole."""
    return f"{layout.incomplete(key)}.{uuid.uuid4().hex}"


def _files_below(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """The path of each file below *folder*, at any depth; not of one that goes meanwhile."""
    for entry in _entries(folder):
        if entry.is_dir():
            yield from _files_below(entry.path)
        elif entry.is_file():
            with suppress(FileNotFoundError):
                yield entry.path, entry.stat()


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What is right below *folder*; nothing where there is none."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


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
