"""Objects by key below one root URI, on the local disk or in a bucket.

``local_disk.py`` and ``object_store.py`` do the work; here a root's URI is read and keys are
checked. Readers see an object whole or not at all: ``staged_object.py`` writes larger ones under
``_incomplete/``, and a move is one rename on disk, one copy inside the server in a bucket.

A conditional write replaces the version that was read, and nothing else. A store that ignores
conditions is served by looking before the write and again after it: what is left is the moment
between the two, so there only one run of a feed may be active.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from include.ticklake.errors import UsageError
from include.ticklake.lake import layout
from include.ticklake.lake.local_disk import LocalDisk
from include.ticklake.lake.versions import LostRaceError, ObjectInfo, StoredObject

if TYPE_CHECKING:
    from pyarrow import fs


JSON_METADATA = {"Content-Type": "application/json"}


class ObjectStore(Protocol):
    """Objects by key; ``FileNotFoundError`` where there is none, ``OSError`` for other failures."""

    has_conditions: bool | None
    """Whether it honours conditional writes; None until that is known."""
    identity: str
    """Names the server: what is known of one need not be true of a copy elsewhere."""

    def read(self, key: str) -> bytes:
        """The whole object."""

    def read_versioned(self, key: str) -> StoredObject:
        """The whole object and its version."""

    def version(self, key: str) -> str | None:
        """The version of the object at *key*; None where there is none."""

    def exists(self, key: str) -> bool:
        """Whether there is an object at *key*."""

    def open_input(self, key: str) -> Any:  # noqa: ANN401 - streams of pyarrow or of Python
        """A forward-only stream over the object's bytes."""

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """At most *length* bytes from *start* on: one request."""

    def open_file(self, key: str) -> Any:  # noqa: ANN401
        """A seekable file over the object's bytes."""

    def open_output(self, key: str, *, metadata: Mapping[str, str]) -> Any:  # noqa: ANN401
        """A stream that publishes its bytes at *key* when it is closed, at the latest."""

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str]) -> None:
        """Publish *body* at *key* in one step."""

    def put_if(
        self, key: str, body: bytes, *, expect: str | None, metadata: Mapping[str, str]
    ) -> str:
        """``put`` where the object is *expect*, None for no object; ``LostRaceError`` otherwise."""

    def move(self, source: str, target: str) -> None:
        """Publish *source* at *target*, in place of what was there."""

    def move_if(self, source: str, target: str, *, expect: str | None) -> None:
        """``move`` where the target is *expect*; ``LostRaceError`` otherwise, and *source* goes."""

    def copy(self, source: str, target: str) -> None:
        """The bytes of *source* at *target* as well."""

    def delete(self, key: str) -> None:
        """Delete the object; do nothing where there is none."""

    def delete_if(self, key: str, *, expect: str) -> bool:
        """``delete`` where the object is *expect*; whether it was."""

    def infos(self, prefix: str) -> dict[str, ObjectInfo]:
        """The keys below the folder *prefix*, sorted, with bytes and age of each object."""

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders right below the folder *prefix*, sorted."""

    def arrow_file_system(self) -> fs.FileSystem:
        """The same objects for ``pyarrow.dataset``; its paths are keys."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Objects by key under one root."""

    root_uri: str
    store: ObjectStore

    @classmethod
    def open(
        cls,
        root_uri: str,
        env: Mapping[str, str],
        *,
        credentials: Callable[[], Any] | None = None,
    ) -> Storage:
        """The storage at *root_uri*; S3 settings come from *env* (``AWS_*``).

        *credentials* give keys of S3 that end, and are asked for new ones in time.
        """
        parts = urlsplit(root_uri)
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise UsageError(
                "root: a URI with credentials or options is refused; set AWS_* instead"
            )
        root_uri, path = root_uri.rstrip("/"), parts.path.strip("/")
        if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
            return cls(root_uri, LocalDisk(f"/{path}"))
        if parts.scheme in ("s3", "gs", "az") and parts.netloc:
            return cls(root_uri, _bucket(parts.scheme, parts.netloc, path, env, credentials))
        raise UsageError(
            f"root {root_uri!r}: use file:///folder, s3://bucket/prefix, gs://bucket/prefix or "
            "az://container/prefix"
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

    def read_range(self, key: str, start: int, length: int) -> bytes | None:
        """At most *length* bytes from *start* on, or None where there is no object."""
        try:
            return self.store.read_range(_checked(key), start, length)
        except FileNotFoundError:
            return None

    def read_versioned(self, key: str) -> StoredObject | None:
        """The whole object with its version, or None where there is none: for small objects.

        Of one that is longer than ``SMALL_BYTES``, a byte more than that is read.
        """
        try:
            return self.store.read_versioned(_checked(key))
        except FileNotFoundError:
            return None

    def version(self, key: str) -> str | None:
        """The version of the object at *key*; None where there is none."""
        return self.store.version(_checked(key))

    def put_if(
        self,
        key: str,
        body: bytes,
        *,
        expect: str | None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Publish *body* in place of version *expect*, None for no object; return its version.

        ``LostRaceError`` where the object is another one by now: nothing changed then, or what
        was written is already replaced.
        """
        if self.store.has_conditions:
            return self.store.put_if(_checked(key), body, expect=expect, metadata=metadata or {})
        if self.version(key) != expect:
            raise LostRaceError(key)
        version = self.store.put_if(_checked(key), body, expect=expect, metadata=metadata or {})
        if self.read(key) != body:
            raise LostRaceError(key)
        return version

    def learn_conditions(self, key: str, body: bytes) -> bool:
        """Whether the store honours conditions, found out by creating *body* once more at *key*."""
        try:
            self.store.put_if(_checked(key), body, expect=None, metadata=JSON_METADATA)
        except LostRaceError:
            self.store.has_conditions = True
        else:
            self.store.has_conditions = False
        return self.store.has_conditions

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

    def move_if(self, source: str, target: str, *, expect: str | None) -> None:
        """``move`` where the target is version *expect*, None for no object.

        ``LostRaceError`` otherwise; *source* is gone then, too.
        """
        self.store.move_if(_checked(source), _checked(target), expect=expect)

    def copy(self, source: str, target: str) -> None:
        """The bytes of *source* at *target* as well; ``FileNotFoundError`` where there are none."""
        self.store.copy(_checked(source), _checked(target))

    def delete(self, key: str) -> None:
        """Delete the object; do nothing where there is none."""
        self.store.delete(_checked(key))

    def delete_if(self, key: str, *, expect: str) -> bool:
        """Delete the object where it is version *expect*; whether it was."""
        return self.store.delete_if(_checked(key), expect=expect)

    def list(self, prefix: str) -> Iterator[str]:
        """The keys below the folder *prefix* (all for an empty one), sorted."""
        yield from self.infos(prefix)

    def infos(self, prefix: str) -> dict[str, ObjectInfo]:
        """The keys below the folder *prefix*, sorted, with bytes and age of each object."""
        return self.store.infos(_checked(prefix) if prefix else "")

    def sizes(self, prefix: str) -> dict[str, int]:
        """The keys below the folder *prefix*, sorted, and the bytes of each object."""
        return {key: info.bytes for key, info in self.infos(prefix).items()}

    def folders(self, prefix: str) -> Iterator[str]:
        """The names of the folders right below the folder *prefix*, sorted; one request."""
        yield from self.store.folders(_checked(prefix))


def _bucket(
    scheme: str,
    name: str,
    prefix: str,
    env: Mapping[str, str],
    credentials: Callable[[], Any] | None,
) -> ObjectStore:
    # A lake on a disk need not pay for a client of buckets.
    from include.ticklake.lake import cloud_stores, object_store

    opened: Any
    endpoint = ""
    if scheme == "s3":
        opened = cloud_stores.s3_store(name, prefix, env, credentials=credentials)
        endpoint = cloud_stores.endpoint_url(env)
    elif scheme == "gs":
        opened = cloud_stores.gcs_store(name, prefix, env)
    else:
        opened = cloud_stores.azure_store(name, prefix, env)
    where = f"{scheme}://{name}/{prefix}".rstrip("/")
    identity = hashlib.sha256(f"{endpoint} {scheme}://{name}".encode()).hexdigest()[:16]
    list_timeout_s = cloud_stores.list_timeout_s(env)
    return object_store.BucketStore(
        opened, name=where, identity=identity, list_timeout_s=list_timeout_s
    )


def _checked(key: str) -> str:
    """*key*, unless it leads out of the root: names were checked before, but this is cheap."""
    if key.startswith("/") or ".." in key.split("/") or "\\" in key or not key:
        raise UsageError(f"{key!r} is not a key")
    return key
