"""Bytes in, objects out: one root URI on the local disk or an object store.

Everything goes through ``pyarrow.fs``. Its streams cannot be aborted: closing one,
also by an exception, publishes what was written. So nothing is ever written at its
own key: it is written under ``_incomplete/`` and moved when it is whole. A move is
one rename on disk, one server-side copy on an object store: readers see all or nothing.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from pyarrow import fs

from include.ticklake.errors import CallInvalid

INCOMPLETE = "_incomplete"


@dataclass(frozen=True, slots=True)
class Storage:
    """Objects by key under one root."""

    root_uri: str
    filesystem: fs.FileSystem
    prefix: str

    @classmethod
    def open(cls, root_uri: str, env: Mapping[str, str]) -> Storage:
        """The storage at *root_uri*; S3 settings come from *env* (``AWS_*``)."""
        parts = urlsplit(root_uri)
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise CallInvalid("a root URI holds no credentials and no options, only a place")
        prefix = (parts.netloc + parts.path).rstrip("/")
        if parts.scheme == "file" and parts.path.startswith("/"):
            return cls(root_uri.rstrip("/"), fs.LocalFileSystem(), parts.path.rstrip("/"))
        if parts.scheme == "s3" and parts.netloc:
            return cls(root_uri.rstrip("/"), _s3(env), prefix)
        if parts.scheme == "gs" and parts.netloc:
            return cls(root_uri.rstrip("/"), fs.GcsFileSystem(), prefix)
        raise CallInvalid(f"root {root_uri!r}: use file:///folder, s3://bucket/prefix or gs://...")

    def uri(self, key: str) -> str:
        """The address of *key* as people and query engines write it."""
        return f"{self.root_uri}/{key}"

    def key_of(self, uri: str) -> str:
        """The inverse of ``uri``."""
        if not uri.startswith(f"{self.root_uri}/"):
            raise CallInvalid(f"{uri!r} does not lie under the root {self.root_uri!r}")
        return _checked(uri.removeprefix(f"{self.root_uri}/"))

    def path(self, key: str) -> str:
        """The path of *key* in the file system's own terms."""
        return f"{self.prefix}/{_checked(key)}"

    @contextmanager
    def writing(self, key: str, *, metadata: Mapping[str, str] | None = None) -> Iterator[Any]:
        """A binary stream whose bytes appear at *key* when the block ends well.

        After an exception they stay under ``_incomplete/`` and nobody sees them.
        """
        partial = f"{INCOMPLETE}/{key}.{uuid.uuid4().hex}"
        with self.open_output(partial, metadata=metadata) as stream:
            yield stream
        self.move(partial, key)

    def open_output(self, key: str, *, metadata: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401
        """A binary stream to *key* itself: only for keys under ``_incomplete/``."""
        self._make_folder(key)
        return self.filesystem.open_output_stream(
            self.path(key), compression=None, metadata=dict(metadata or {})
        )

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> None:
        """Publish *body* at *key* in one step."""
        with self.writing(key, metadata=metadata) as stream:
            stream.write(body)

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
        self.filesystem.move(self.path(source), self.path(target))

    def delete(self, key: str) -> None:
        """Remove the object; none there is fine."""
        try:
            self.filesystem.delete_file(self.path(key))
        except FileNotFoundError:
            return

    def list(self, prefix: str) -> Iterator[str]:
        """The keys below the folder *prefix*, sorted."""
        selector = fs.FileSelector(self.path(prefix), allow_not_found=True, recursive=True)
        found = (info for info in self.filesystem.get_file_info(selector) if info.is_file)
        yield from sorted(info.path.removeprefix(f"{self.prefix}/") for info in found)

    def _make_folder(self, key: str) -> None:
        # Object stores have no folders, and asking for one there leaves an empty object.
        if isinstance(self.filesystem, fs.LocalFileSystem):
            self.filesystem.create_dir(self.path(key).rpartition("/")[0], recursive=True)


def _checked(key: str) -> str:
    """Keys come from names that were checked; a second look costs nothing."""
    if key.startswith("/") or ".." in PurePosixPath(key).parts or "\\" in key or not key:
        raise CallInvalid(f"{key!r} is not a key")
    return key


def _s3(env: Mapping[str, str]) -> fs.S3FileSystem:
    """S3 from ``AWS_*``; without keys there, the AWS SDK's own chain finds them."""
    # Arrow's default checksums make some S3 servers answer 411; the SDK reads this itself.
    os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    endpoint = urlsplit(env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL") or "")
    return fs.S3FileSystem(
        access_key=env.get("AWS_ACCESS_KEY_ID"),
        secret_key=env.get("AWS_SECRET_ACCESS_KEY"),
        session_token=env.get("AWS_SESSION_TOKEN"),
        region=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION"),
        scheme=endpoint.scheme or None,
        endpoint_override=endpoint.netloc or None,
        connect_timeout=10,
        request_timeout=60,
    )
