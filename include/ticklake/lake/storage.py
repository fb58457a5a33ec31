"""Objects by key below one root URI, on the local disk or in a bucket.

``local_disk.py`` and ``object_store.py`` do the work; here a root's URI is read and keys are
checked. A stream is written under ``_incomplete/`` and moved when it is whole and was checked.
A move is one rename on disk, one copy inside the server in a bucket: readers see all or nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from include.ticklake.errors import UsageError
from include.ticklake.lake import layout
from include.ticklake.lake.local_disk import LocalDisk

if TYPE_CHECKING:
    from pyarrow import fs


class ObjectStore(Protocol):
    """Objects by key; ``FileNotFoundError`` where there is none, ``OSError`` for other failures."""

    def read(self, key: str) -> bytes:
        """The whole object."""
        ...

    def exists(self, key: str) -> bool:
        """Whether there is an object at *key*."""
        ...

    def open_input(self, key: str) -> Any:  # noqa: ANN401 - streams of pyarrow or of Python
        """A forward-only stream over the object's bytes."""
        ...

    def open_file(self, key: str) -> Any:  # noqa: ANN401
        """A seekable file over the object's bytes."""
        ...

    def open_output(self, key: str, *, metadata: Mapping[str, str]) -> Any:  # noqa: ANN401
        """A stream that publishes its bytes at *key* when it is closed, at the latest."""
        ...

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str]) -> None:
        """Publish *body* at *key* in one step."""
        ...

    def move(self, source: str, target: str) -> None:
        """Publish *source* at *target*, in place of what was there."""
        ...

    def copy(self, source: str, target: str) -> None:
        """The bytes of *source* at *target* as well."""
        ...

    def delete(self, key: str) -> None:
        """Delete the object; do nothing where there is none."""
        ...

    def sizes(self, prefix: str) -> dict[str, int]:
        """The keys below the folder *prefix*, sorted, and the bytes of each object."""
        ...

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders right below the folder *prefix*, sorted."""
        ...

    def arrow_file_system(self) -> fs.FileSystem:
        """The same objects for ``pyarrow.dataset``; its paths are keys."""
        ...


@dataclass(frozen=True, slots=True)
class Storage:
    """Objects by key under one root."""

    root_uri: str
    store: ObjectStore

    @classmethod
    def open(cls, root_uri: str, env: Mapping[str, str]) -> Storage:
        """The storage at *root_uri*; S3 settings come from *env* (``AWS_*``)."""
        parts = urlsplit(root_uri)
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise UsageError(
                "root: a URI with credentials or options is refused; set AWS_* instead"
            )
        root_uri, path = root_uri.rstrip("/"), parts.path.strip("/")
        if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
            return cls(root_uri, LocalDisk(f"/{path}"))
        if parts.scheme in ("s3", "gs") and parts.netloc:
            return cls(root_uri, _bucket(parts.scheme, parts.netloc, path, env))
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

    def local_path(self, key: str) -> str:
        """The path of *key* on this machine; only for a root on a disk."""
        return f"{self.root_uri.removeprefix('file://')}/{_checked(key)}"

    @contextmanager
    def writing(self, key: str, *, metadata: Mapping[str, str] | None = None) -> Iterator[Any]:
        """A binary stream whose bytes appear at *key* when the block ends well.

        After an exception nobody sees them.
        """
        partial = f"{layout.incomplete(key)}.{uuid.uuid4().hex}"
        with self.open_output(partial, metadata=metadata) as stream:
            yield stream
        self.move(partial, key)

    def open_output(self, key: str, *, metadata: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401
        """A binary stream to *key* itself: for what may be seen before it is whole."""
        return self.store.open_output(_checked(key), metadata=metadata or {})

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> None:
        """Publish *body* at *key* in one step."""
        self.store.put(_checked(key), body, metadata=metadata or {})

    def read(self, key: str) -> bytes | None:
        """The whole object, or None where there is none: for small objects."""
        try:
            return self.store.read(_checked(key))
        except FileNotFoundError:
            return None

    def exists(self, key: str) -> bool:
        """Whether there is an object at *key*."""
        return self.store.exists(_checked(key))

    def open_input(self, key: str) -> Any:  # noqa: ANN401
        """A forward-only stream over the object's bytes."""
        return self.store.open_input(_checked(key))

    def open_file(self, key: str) -> Any:  # noqa: ANN401
        """A seekable file over the object's bytes."""
        return self.store.open_file(_checked(key))

    def move(self, source: str, target: str) -> None:
        """Publish *source* at *target*, in place of what was there."""
        self.store.move(_checked(source), _checked(target))

    def copy(self, source: str, target: str) -> None:
        """The bytes of *source* at *target* as well; ``FileNotFoundError`` where there are none."""
        self.store.copy(_checked(source), _checked(target))

    def delete(self, key: str) -> None:
        """Delete the object; do nothing where there is none."""
        self.store.delete(_checked(key))

    def list(self, prefix: str) -> Iterator[str]:
        """The keys below the folder *prefix* (all for an empty one), sorted."""
        yield from self.sizes(prefix)

    def sizes(self, prefix: str) -> dict[str, int]:
        """The keys below the folder *prefix*, sorted, and the bytes of each object."""
        return self.store.sizes(_checked(prefix) if prefix else "")

    def folders(self, prefix: str) -> Iterator[str]:
        """The names of the folders right below the folder *prefix*, sorted; one request."""
        yield from self.store.folders(_checked(prefix))


def _bucket(scheme: str, name: str, prefix: str, env: Mapping[str, str]) -> ObjectStore:
    # A lake on a disk need not pay for a client of buckets.
    from include.ticklake.lake import object_store

    open_store = {"s3": object_store.s3_store, "gs": object_store.gcs_store}[scheme]
    where = f"{scheme}://{name}/{prefix}".rstrip("/")
    return object_store.BucketStore(open_store(name, prefix, env), name=where)


def _checked(key: str) -> str:
    """*key*, unless it leads out of the root: names were checked before, but this is cheap."""
    if key.startswith("/") or ".." in key.split("/") or "\\" in key or not key:
        raise UsageError(f"{key!r} is not a key")
    return key
