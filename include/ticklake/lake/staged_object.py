"""An object that is written, read back and checked before anybody sees it.

A small one stays in memory until it is published in one request. A larger one goes to
``_incomplete/`` on the way, and is moved from there.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from include.ticklake.lake import layout
from include.ticklake.lake.storage import Storage

HELD_BYTES = 1024 * 1024
"""What is held in memory at most; the buffers of an upload come on top beyond that."""


class StagedObject(io.RawIOBase):
    """A binary stream to an object that ``publish`` makes visible.

    It may be published after ``close``, and is gone after ``discard``.
    """

    def __init__(
        self,
        key: str,
        *,
        storage: Storage,
        metadata: Mapping[str, str] | None = None,
        held_bytes: int = HELD_BYTES,
    ) -> None:
        self.partial_key = f"{layout.incomplete(key)}.{uuid4().hex}"
        """Where it is while it is larger than *held_bytes*."""
        self.size_bytes = 0
        self._storage = storage
        self._metadata = metadata or {}
        self._held_bytes = held_bytes
        self._body: bytearray | None = bytearray()
        self._stream: Any = None

    @property
    def is_in_memory(self) -> bool:
        """Whether it is nowhere else."""
        return self._body is not None

    def writable(self) -> bool:
        """Always true."""
        return True

    def tell(self) -> int:
        """The number of bytes written."""
        return self.size_bytes

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        """Add *data* and return the number of its bytes."""
        count = memoryview(data).nbytes
        self.size_bytes += count
        if self._body is not None:
            if self.size_bytes <= self._held_bytes:
                self._body += data
                return count
            self._spill()
        self._stream.write(data)
        return count

    def close(self) -> None:
        """Complete it: from now on it can be read back and published."""
        if not self.closed:
            super().close()
            if self._stream is not None:
                self._stream.close()

    def spill(self) -> None:
        """Keep it at ``partial_key`` and not in memory, so that it outlives this process."""
        if self._body is not None:
            self._spill()
            if self.closed:
                self._stream.close()

    def open_file(self) -> Any:  # noqa: ANN401 - streams of pyarrow or of Python
        """A seekable file over its bytes."""
        if self._body is not None:
            return io.BytesIO(self._body)
        return self._storage.open_file(self.partial_key)

    def publish(self, key: str) -> None:
        """Make it the object at *key*, in place of what was there."""
        if self._body is not None:
            self._storage.put(key, bytes(self._body), metadata=self._metadata)
        else:
            self._storage.move(self.partial_key, key)

    def publish_if(self, key: str, *, expect: str | None) -> None:
        """``publish`` in place of version *expect*, None for no object; else ``LostRaceError``."""
        if self._body is not None:
            body = bytes(self._body)
            self._storage.put_if(key, body, expect=expect, metadata=self._metadata)
        else:
            self._storage.move_if(self.partial_key, key, expect=expect)

    def discard(self) -> None:
        """Drop it, also where it is not complete; do nothing where it was published."""
        if self._stream is not None:
            if not self.closed:
                self._stream.abort()
            self._storage.delete(self.partial_key)
        super().close()
        self._body = None

    def __del__(self) -> None:
        """Nothing: what is dropped is not completed."""

    def _spill(self) -> None:
        assert self._body is not None  # noqa: S101 - for mypy
        self._stream = self._storage.open_output(self.partial_key, metadata=self._metadata)
        self._stream.write(self._body)
        self._body = None


@contextmanager
def staged(
    key: str, *, storage: Storage, metadata: Mapping[str, str] | None = None
) -> Iterator[StagedObject]:
    """A stream whose bytes appear at *key* when the block ends well; nothing after an exception."""
    target = StagedObject(key, storage=storage, metadata=metadata)
    try:
        yield target
        target.close()
        target.publish(key)
    except BaseException:
        target.discard()
        raise
