"""Objects in a bucket of S3, Google Cloud or Azure, through obstore (Apache's object_store).

An object appears whole at its own key or not at all: a stream that is left by an exception is
aborted. ``cloud_stores.py`` opens them.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    GenericError,
    NotFoundError,
    PreconditionError,
)

from include.ticklake.lake.object_streams import (
    CHUNK_BYTES,
    ChunkReader,
    RangeReader,
    SkippingReader,
    UploadStream,
    behind,
    resuming,
)
from include.ticklake.lake.versions import (
    SMALL_BYTES,
    LostRaceError,
    ObjectInfo,
    StoredObject,
    version_of,
)
from include.ticklake.redaction.masking import mask

if TYPE_CHECKING:
    from pyarrow import fs

_UPLOAD_BYTES = 5 * 1024**2
"""The least that S3 takes as a part of a larger object; a smaller object is one request."""


class BucketStore:
    """The objects of one bucket below one prefix; keys are relative to it."""

    def __init__(
        self,
        store: Any,  # noqa: ANN401 - obstore's classes are sealed
        *,
        name: str,
        identity: str,
        list_timeout_s: float = 3_600,
    ) -> None:
        self._store = store
        self._name = name
        self._list_timeout_s = list_timeout_s
        self.identity = identity
        self.has_conditions: bool | None = None
        """Whether it honours conditional writes; None until that is known."""
        self._has_ranges: bool | None = None

    def read(self, key: str) -> bytes:
        """The whole object; ``FileNotFoundError`` where there is none."""
        with self._as_os_errors("read", key):
            return bytes(self._store.get(key).bytes())

    def read_versioned(self, key: str) -> StoredObject:
        """The whole small object and its version; ``FileNotFoundError`` where there is none."""
        with self._as_os_errors("read", key):
            try:
                return self._read_versioned(key)
            except GenericError as error:
                if "416" not in str(error):
                    raise
                # rclone replaces objects in place: the one that was begun has gone meanwhile.
                return self._read_versioned(key)

    def _read_versioned(self, key: str) -> StoredObject:
        answer = self._store.get(key)
        if answer.meta["size"] > SMALL_BYTES:
            body = bytes(self._store.get_range(key, start=0, length=SMALL_BYTES + 1))
        else:
            body = bytes(answer.bytes())
        return StoredObject(body, version_of(body, answer.meta["e_tag"]))

    def version(self, key: str) -> str | None:
        """The version of the object at *key*; None where there is none."""
        try:
            with self._as_os_errors("find", key):
                found = self._store.head(key)
        except FileNotFoundError:
            return None
        return found["e_tag"] or version_of(self.read(key), None)

    def exists(self, key: str) -> bool:
        """Whether there is an object at *key*."""
        try:
            with self._as_os_errors("find", key):
                self._store.head(key)
        except FileNotFoundError:
            return False
        return True

    def open_input(self, key: str) -> io.BufferedReader:
        """A forward-only stream over the object's bytes; one request, unless its reader is slow."""
        with self._as_os_errors("read", key):
            answer = self._store.get(key)
        e_tag = answer.meta["e_tag"]

        def from_offset(offset: int) -> Iterable[Any]:
            ranged = self._answers_ranges(key)
            options: dict[str, Any] = {"if_match": e_tag} if e_tag else {}
            if ranged:
                options["range"] = {"offset": offset}
            with suppress(PreconditionError):
                answer = self._store.get(key, options=options)
                if answer.meta["e_tag"] == e_tag:  # also where conditions are ignored
                    chunks = answer.stream(min_chunk_size=CHUNK_BYTES)
                    return chunks if ranged else behind(chunks, offset)
            raise OSError(f"{self._name}/{key}: it was replaced while it was read; read it again")

        chunks = resuming(answer.stream(min_chunk_size=CHUNK_BYTES), from_offset, on=BaseError)
        guarded = self._guarded(chunks, key)
        return io.BufferedReader(ChunkReader(guarded), buffer_size=CHUNK_BYTES)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """At most *length* bytes from *start* on; one request."""
        with self._as_os_errors("read", key):
            try:
                return bytes(self._store.get_range(key, start=start, length=length))
            except GenericError as error:
                if "non-partial" not in str(error):
                    raise
        return SkippingReader(partial(self.open_input, key)).read_range(start, length)

    def open_file(self, key: str) -> RangeReader:
        """A seekable file over the object's bytes; each read is one request."""
        with self._as_os_errors("find", key):
            size_bytes: int = self._store.head(key)["size"]

        if not self._answers_ranges(key):
            return RangeReader(SkippingReader(partial(self.open_input, key)).read_range, size_bytes)

        def read_range(start: int, length: int) -> bytes:
            with self._as_os_errors("read", key):
                return bytes(self._store.get_range(key, start=start, length=length))

        return RangeReader(read_range, size_bytes)

    def _answers_ranges(self, key: str) -> bool:
        """Whether the server answers requests for a range as HTTP says; asked once.

        ``rclone serve s3`` sends the right bytes with status 200, which obstore refuses.
        """
        if self._has_ranges is None:
            try:
                self._store.get_range(key, start=0, length=1)
                self._has_ranges = True
            except GenericError as error:
                self._has_ranges = "non-partial" not in str(error)
        return self._has_ranges

    def open_output(self, key: str, *, metadata: Mapping[str, str]) -> UploadStream:
        """A stream that publishes its bytes at *key* when it is closed."""
        writer = obstore.open_writer(
            self._store,
            key,
            attributes=dict(metadata),
            buffer_size=_UPLOAD_BYTES,
            max_concurrency=1,  # each part in flight is held in memory
        )
        return UploadStream(writer, lambda action: self._as_os_errors(action, key))

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str]) -> None:
        """Publish *body* at *key*; one request."""
        with self._as_os_errors("write", key):
            self._store.put(key, body, attributes=dict(metadata), use_multipart=False)

    def put_if(
        self, key: str, body: bytes, *, expect: str | None, metadata: Mapping[str, str]
    ) -> str:
        """``put`` where the object is *expect*, None for no object; ``LostRaceError`` otherwise.

        A store that ignores conditions writes all the same: ``Storage.put_if`` allows for it.
        """
        mode: Any = "create" if expect is None else {"e_tag": expect}
        try:
            with self._as_os_errors("write", key):
                answer = self._store.put(
                    key, body, attributes=dict(metadata), mode=mode, use_multipart=False
                )
        except (LostRaceError, FileNotFoundError):
            raise LostRaceError(f"{self._name}/{key}") from None
        return version_of(body, answer["e_tag"])

    def move_if(self, source: str, target: str, *, expect: str | None) -> None:
        """``move`` where the target is *expect*; ``LostRaceError`` otherwise, and *source* goes.

        Servers copy without a condition: it is looked at right before.
        """
        if self.version(target) != expect:
            self.delete(source)
            raise LostRaceError(f"{self._name}/{target}")
        self.move(source, target)

    def move(self, source: str, target: str) -> None:
        """Publish *source* at *target*: a copy inside the server, then a delete."""
        with self._as_os_errors(f"move to {target}", source):
            self._store.rename(source, target)

    def copy(self, source: str, target: str) -> None:
        """The bytes of *source* at *target* as well; ``FileNotFoundError`` where there are none."""
        with self._as_os_errors(f"copy to {target}", source):
            self._store.copy(source, target)

    def delete(self, key: str) -> None:
        """Delete the object; do nothing where there is none."""
        try:
            with self._as_os_errors("delete", key):
                self._store.delete(key)
        except FileNotFoundError:
            return

    def delete_if(self, key: str, *, expect: str) -> bool:
        """Delete the object where it is version *expect*; whether it was.

        obstore deletes without a condition: it is looked at right before.
        """
        is_expected = self.version(key) == expect
        if is_expected:
            self.delete(key)
        return is_expected

    def infos(self, prefix: str) -> dict[str, ObjectInfo]:
        """The keys below the folder *prefix*, sorted, with bytes and age of each object."""
        with self._as_os_errors("list", prefix):
            objects = list(self._listed(prefix))
        return {
            entry["path"]: ObjectInfo(entry["size"], entry["last_modified"])
            for entry in sorted(objects, key=lambda entry: entry["path"])
        }

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders right below the folder *prefix*, sorted; one request."""
        with self._as_os_errors("list", prefix):
            listed = self._store.list_with_delimiter(prefix or None)
        return sorted(path.rstrip("/").rpartition("/")[2] for path in listed["common_prefixes"])

    def arrow_file_system(self) -> fs.FileSystem:
        """The same objects for ``pyarrow.dataset``: for reading."""
        from include.ticklake.lake.arrow_files import arrow_file_system

        return arrow_file_system(self)

    def _listed(self, prefix: str) -> Iterator[Any]:
        """The objects below *prefix*, page by page: each has a deadline, and all have one."""
        end_s = time.monotonic() + self._list_timeout_s
        for page in self._store.list(prefix or None):
            if time.monotonic() > end_s:
                raise OSError(
                    f"{self._name}/{prefix}: the list does not end in {self._list_timeout_s:g} s; "
                    "list fewer objects, or raise TICKLAKE_STORAGE_TIMEOUT_S, of which that is 60"
                )
            yield from page

    def _guarded(self, chunks: Iterator[Any], key: str) -> Iterator[memoryview]:
        with self._as_os_errors("read", key):
            for chunk in chunks:
                yield memoryview(chunk)

    @contextmanager
    def _as_os_errors(self, action: str, key: str) -> Iterator[None]:
        """Raise ``OSError`` for obstore's errors, as a local disk does."""
        where = f"{self._name}/{key}"
        try:
            yield
        except (FileNotFoundError, NotFoundError):
            raise FileNotFoundError(f"{where}: there is no such object ({action})") from None
        except (AlreadyExistsError, PreconditionError):
            raise LostRaceError(where) from None
        except BaseError as error:
            raise OSError(f"{where}: cannot {action}; {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """The first line of obstore's message, which may go on with its own debug form."""
    line, _, debug = str(error).partition("\n")
    late = "; it took longer than TICKLAKE_STORAGE_TIMEOUT_S" if "kind: Timeout" in debug else ""
    return mask(line) + late
