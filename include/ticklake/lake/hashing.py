"""Bytes on their way to a stream or from a file: their number and their sha256."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from include.ticklake.lake.storage import Storage

_PIECE_BYTES = 1024 * 1024


def sha256_of(file: Any) -> str:  # noqa: ANN401 - pyarrow ships no types
    """The sha256 of a seekable *file*, read from its beginning in pieces."""
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def sha256_of_object(key: str, storage: Storage) -> str:
    """The sha256 of the object at *key*, read in pieces."""
    digest = hashlib.sha256()
    with storage.open_input(key) as stream:
        while chunk := stream.read(_PIECE_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


class HashingWriter(io.RawIOBase):
    """A writable binary stream; closing it closes the one behind."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - pyarrow ships no types
        self._stream = stream
        self._sha256 = hashlib.sha256()
        self.size_bytes = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """How many bytes were written."""
        return self.size_bytes

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        """Pass *data* on; the number of its bytes."""
        self._stream.write(data)
        self._sha256.update(data)
        self.size_bytes += len(data)
        return len(data)

    def hexdigest(self) -> str:
        """The sha256 of what was written so far."""
        return self._sha256.hexdigest()

    def close(self) -> None:
        """Close the stream behind, which publishes what was written there."""
        if not self.closed:
            self._stream.close()
        super().close()
