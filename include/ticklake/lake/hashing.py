"""The sha256 of a file, of an object, and of what is being written."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from include.ticklake.lake.storage import Storage

_CHUNK_BYTES = 1024 * 1024


def sha256_of(file: Any) -> str:  # noqa: ANN401 - pyarrow ships no types
    """The sha256 of a seekable *file*, read from its beginning in chunks."""
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def sha256_of_object(key: str, storage: Storage) -> str:
    """The sha256 of the object at *key*, read in chunks."""
    digest = hashlib.sha256()
    with storage.open_input(key) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def is_intact(key: str, sha256: str, *, storage: Storage) -> bool:
    """Whether the object at *key* has that *sha256*; read once more where it seems not to.

    One bad read, of a whole object, must not be taken for damage. What is gone is not intact.
    """
    try:
        return any(sha256_of_object(key, storage) == sha256 for _ in range(2))
    except FileNotFoundError:
        return False


class HashingWriter(io.RawIOBase):
    """A writable binary stream; closing it closes the wrapped one."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - pyarrow ships no types
        self._stream = stream
        self._sha256 = hashlib.sha256()
        self.size_bytes = 0

    def writable(self) -> bool:
        """Always true."""
        return True

    def tell(self) -> int:
        """The number of bytes written."""
        return self.size_bytes

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        """Write *data* and return the number of its bytes."""
        self._stream.write(data)
        self._sha256.update(data)
        self.size_bytes += len(data)
        return len(data)

    def hexdigest(self) -> str:
        """The sha256 of everything written so far."""
        return self._sha256.hexdigest()

    def close(self) -> None:
        """Close the wrapped stream, which publishes what was written."""
        if not self.closed:
            self._stream.close()
        super().close()
