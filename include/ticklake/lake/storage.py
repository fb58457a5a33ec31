"""Objects by key below one root URI, on the local disk or an object store.

Bytes go through ``pyarrow.fs``. Its streams cannot be aborted: closing one, also by an
exception, publishes what was written. So nothing is ever written at its own key: it is
written under ``_incomplete/`` and moved when it is whole. A move is one rename on disk,
one copy inside the server on an object store: readers see all or nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from pyarrow import fs

from include.ticklake.errors import UsageError
from include.ticklake.lake import layout, s3


class KeyOperations(Protocol):
    """Moving and deleting, which pyarrow does not do cleanly on S3; paths are the file system's."""

    def move(self, source: str, target: str) -> None:
        """Move the object at *source* to *target*, replacing what is there."""
        ...

    def delete(self, path: str) -> None:
        """Delete the object; do nothing where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Storage:
    """Objects by key under one root."""

    root_uri: str
    filesystem: fs.FileSystem
    keys: KeyOperations
    prefix: str

    @classmethod
    def open(cls, root_uri: str, env: Mapping[str, str]) -> Storage:
        """The storage at *root_uri*; S3 settings come from *env* (``AWS_*``)."""
        parts = urlsplit(root_uri)
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise UsageError(
                "root: a URI with credentials or options is refused; set AWS_* instead"
            )
        root_uri, path = root_uri.rstrip("/"), f"{parts.netloc}{parts.path}".rstrip("/")
        if parts.scheme == "file" and path.startswith("/"):
            return cls(root_uri, local := fs.LocalFileSystem(), _ArrowKeyOperations(local), path)
        if parts.scheme == "s3" and parts.netloc:
            return cls(root_uri, s3.file_system(env), s3.S3KeyOperations(env), path)
        if parts.scheme == "gs" and parts.netloc:
            return cls(root_uri, cloud := fs.GcsFileSystem(), _ArrowKeyOperations(cloud), path)
        raise UsageError(
            f"root {root_uri!r}: use file:///folder, s3://bucket/prefix or gs://bucket"
        )

    def uri(self, key: str) -> str:
        """The address of *key* as people and query engines write it."""
        return layout.uri(self.root_uri, key)

    def key_of(self, uri: str) -> str:
        """The key of the object at *uri*; ``UsageError`` where it is not below this root."""
        if not uri.startswith(f"{self.root_uri}/"):
            raise UsageError(
                f"{uri!r} is not below the root {self.root_uri!r}; name its root with --root or "
                "TICKLAKE_ROOT"
            )
        return _checked(uri.removeprefix(f"{self.root_uri}/"))

    def path(self, key: str) -> str:
        """The path of *key* in the file system's own terms."""
        return f"{self.prefix}/{_checked(key)}"

    @contextmanager
    def writing(self, key: str, *, metadata: Mapping[str, str] | None = None) -> Iterator[Any]:
        """A binary stream whose bytes appear at *key* when the block ends well.

        After an exception they stay under ``_incomplete/`` and nobody sees them.
        """
        partial = f"{_partials(key)}{uuid.uuid4().hex}"
        with self.open_output(partial, metadata=metadata) as stream:
            yield stream
        self.move(partial, key)

    def open_output(self, key: str, *, metadata: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401
        """A binary stream to *key* itself: for what may be seen before it is whole."""
        self._make_folder(key)
        return self.filesystem.open_output_stream(
            self.path(key), compression=None, metadata=dict(metadata or {})
        )

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> None:
        """Publish *body* at *key* in one step."""
        if not isinstance(self.filesystem, fs.LocalFileSystem):
            # The whole body is in memory: an object store publishes it in one request.
            with self.open_output(key, metadata=metadata) as stream:
                stream.write(body)
            return
        with self.writing(key, metadata=metadata) as stream:
            stream.write(body)
        for leftover in list(self.list(_partials(key).rpartition("/")[0])):
            if leftover.startswith(_partials(key)):  # of a process that was killed in between
                self.delete(leftover)

    def read(self, key: str) -> bytes | None:
        """The whole object, or None where there is none: for small objects."""
        try:
            with self.open_input(key) as stream:
                body: bytes = stream.read()
        except FileNotFoundError:
            return None
        return body

    def exists(self, key: str) -> bool:
        """Whether there is an object at *key*."""
        return bool(self.filesystem.get_file_info(self.path(key)).is_file)

    def open_input(self, key: str) -> Any:  # noqa: ANN401 - pyarrow ships no types
        """A forward-only stream over the object's bytes."""
        return self.filesystem.open_input_stream(self.path(key), compression=None)

    def open_file(self, key: str) -> Any:  # noqa: ANN401
        """A seekable file over the object's bytes."""
        return self.filesystem.open_input_file(self.path(key))

    def move(self, source: str, target: str) -> None:
        """Publish *source* at *target*, in place of what was there."""
        self._make_folder(target)
        self.keys.move(self.path(source), self.path(target))

    def copy(self, source: str, target: str) -> None:
        """The bytes of *source* at *target* as well; ``FileNotFoundError`` where there are none."""
        if not self.exists(source):
            raise FileNotFoundError(source)
        self._make_folder(target)
        self.filesystem.copy_file(self.path(source), self.path(target))

    def delete(self, key: str) -> None:
        """Delete the object; do nothing where there is none."""
        self.keys.delete(self.path(key))

    def list(self, prefix: str) -> Iterator[str]:
        """The keys below the folder *prefix* (all for an empty one), sorted."""
        yield from self.sizes(prefix)

    def sizes(self, prefix: str) -> dict[str, int]:
        """The keys below the folder *prefix*, sorted, and the bytes of each object."""
        folder = self.path(prefix) if prefix else self.prefix
        selector = fs.FileSelector(folder, allow_not_found=True, recursive=True)
        files = [info for info in self.filesystem.get_file_info(selector) if info.is_file]
        files.sort(key=lambda info: info.path)
        return {info.path.removeprefix(f"{self.prefix}/"): info.size for info in files}

    def folders(self, prefix: str) -> Iterator[str]:
        """The names of the folders right below the folder *prefix*, sorted; one request."""
        selector = fs.FileSelector(self.path(prefix), allow_not_found=True)
        entries = self.filesystem.get_file_info(selector)
        yield from sorted(info.base_name for info in entries if not info.is_file)

    def _make_folder(self, key: str) -> None:
        # Object stores have no folders, and asking for one there leaves an empty object.
        if isinstance(self.filesystem, fs.LocalFileSystem):
            self.filesystem.create_dir(self.path(key).rpartition("/")[0], recursive=True)


class _ArrowKeyOperations:
    """pyarrow's own, where it leaves nothing behind."""

    def __init__(self, filesystem: fs.FileSystem) -> None:
        self._filesystem = filesystem

    def move(self, source: str, target: str) -> None:
        self._filesystem.move(source, target)

    def delete(self, path: str) -> None:
        try:
            self._filesystem.delete_file(path)
        except FileNotFoundError:
            return


def _partials(key: str) -> str:
    """The prefix of the keys under which *key* is written before it is moved."""
    return f"{layout.incomplete(key)}."


def _checked(key: str) -> str:
    """*key*, unless it leads out of the root: names were checked before, but this is cheap."""
    if key.startswith("/") or ".." in key.split("/") or "\\" in key or not key:
        raise UsageError(f"{key!r} is not a key")
    return key
