"""A bucket in memory: obstore's own, with the answers of S3, and a function before each request.

A fake of the store only, for speed: a request takes microseconds. Version tags are hashes of the
content and a rename is a copy and a delete, as on S3. ``honours_conditions=False`` is a
server that accepts a condition and ignores it, as ``rclone serve s3`` does.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

from obstore.store import MemoryStore

from include.ticklake.lake.object_store import BucketStore
from include.ticklake.lake.object_streams import UploadStream
from include.ticklake.lake.storage import Storage

NAME = "s3://memory/lake"
Step = Callable[[str, str], None]
"""Called with a request's name and key: before it, or after a change."""


def nothing(_request: str, _key: str) -> None:
    """No step."""


class MemoryBucket:
    """The objects; each ``storage()`` is the connection of one process."""

    def __init__(self, *, honours_conditions: bool = True) -> None:
        self.objects = MemoryStore()
        self.honours_conditions = honours_conditions
        self.tags: dict[str, str] = {}

    def storage(self, before: Step = nothing, after_change: Step = nothing) -> Storage:
        """The lake in this bucket; *before* is called before each request."""
        return Storage(NAME, _Bucket(_Requests(self, before, after_change), NAME))


class _Bucket(BucketStore):
    def __init__(self, requests: _Requests, name: str) -> None:
        super().__init__(requests, name=name, identity="memory")

    def open_output(self, key: str, *, metadata: Mapping[str, str]) -> UploadStream:
        """Sent when it is closed: obstore's own writer takes no store but its own."""
        upload = _Upload(lambda body: self.put(key, body, metadata=metadata))
        return UploadStream(upload, lambda action: self._as_os_errors(action, key))


class _Upload:
    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._body = bytearray()

    def write(self, data: Any) -> None:
        self._body += data

    def close(self) -> None:
        self._send(bytes(self._body))

    def __exit__(self, *_: object) -> None:
        """Abort."""


class _Answer:
    def __init__(self, result: Any, e_tag: str) -> None:
        self._result = result
        self.meta = {**result.meta, "e_tag": e_tag}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._result, name)


class _Requests:
    """The requests of one process."""

    def __init__(self, bucket: MemoryBucket, before: Step, after_change: Step) -> None:
        self._bucket, self._objects = bucket, bucket.objects
        self._before, self._after_change = before, after_change
        self._turn = threading.RLock()

    def put(self, key: str, body: bytes, *, mode: Any = "overwrite", **options: Any) -> Any:
        with self._turn:
            self._before("put", key)
            if isinstance(mode, dict) and self._bucket.honours_conditions:
                is_same = self._bucket.tags.get(key) == mode["e_tag"]
                now = self._objects.head(key)["e_tag"] if is_same else "another"
                mode = {"e_tag": now}
            elif not self._bucket.honours_conditions:
                mode = "overwrite"
            self._objects.put(key, body, mode=mode, **options)
            e_tag = self._bucket.tags[key] = (
                f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
            )
            self._after_change("put", key)
            return {"e_tag": e_tag, "version": None}

    def get(self, key: str) -> Any:
        with self._turn:
            self._before("get", key)
            return _Answer(self._objects.get(key), self._bucket.tags.get(key, ""))

    def get_range(self, key: str, **options: Any) -> Any:
        with self._turn:
            self._before("get_range", key)
            return self._objects.get_range(key, **options)

    def head(self, key: str) -> Any:
        with self._turn:
            self._before("head", key)
            return {**self._objects.head(key), "e_tag": self._bucket.tags.get(key, "")}

    def list(self, prefix: str | None = None, **options: Any) -> Any:
        with self._turn:
            self._before("list", prefix or "")
            return list(self._objects.list(prefix, **options))

    def list_with_delimiter(self, prefix: str | None = None) -> Any:
        with self._turn:
            self._before("list", prefix or "")
            return self._objects.list_with_delimiter(prefix)

    def delete(self, key: str) -> None:
        with self._turn:
            self._before("delete", key)
            self._objects.delete(key)
            self._bucket.tags.pop(key, None)
            self._after_change("delete", key)

    def copy(self, source: str, target: str, **options: Any) -> None:
        with self._turn:
            self._before("copy", source)
            self._objects.copy(source, target, **options)
            self._bucket.tags[target] = self._bucket.tags[source]
            self._after_change("copy", target)

    def rename(self, source: str, target: str, **options: Any) -> None:
        self.copy(source, target, **options)
        self.delete(source)
