"""Objects as streams: a response's chunks, ranges of an object, an upload."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any

CHUNK_BYTES = 64 * 1024


_LEAST_PROGRESS_BYTES = 1024 * 1024


def resuming(
    chunks: Iterable[Any], from_offset: Callable[[int], Iterable[Any]], *, on: type[Exception]
) -> Iterator[memoryview]:
    """Yield *chunks*; where they end by *on*, those of ``from_offset(bytes so far)`` follow.

    The time of a response counts while its reader works on what it has, so a large object that is
    read slowly takes several. One that gave less than 1 MiB is the fault of the server, and raises.
    """
    offset = 0
    while True:
        began = offset
        try:
            for chunk in chunks:
                offset += len(chunk)
                yield memoryview(chunk)
        except on:
            if offset - began < _LEAST_PROGRESS_BYTES:
                raise
        else:
            return
        chunks = from_offset(offset)


def behind(chunks: Iterable[Any], offset: int) -> Iterator[memoryview]:
    """Yield what *chunks* have from *offset* on: of a server that has no ranges, but the whole."""
    for chunk in chunks:
        if offset < len(chunk):
            yield memoryview(chunk)[offset:]
        offset = max(0, offset - len(chunk))


class ChunkReader(io.RawIOBase):
    """A response's chunks as a stream."""

    def __init__(self, chunks: Iterator[memoryview]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        while not self._left:
            if (chunk := next(self._chunks, None)) is None:
                return 0
            self._left = chunk
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


class SkippingReader:
    """Ranges of an object whose server has none: read from the start, and again to go back."""

    def __init__(self, open_input: Callable[[], io.BufferedReader]) -> None:
        self._open_input = open_input
        self._stream = open_input()
        self._position = 0

    def read_range(self, start: int, length: int) -> bytes:
        """*length* bytes from *start* on; what is before them is read and dropped."""
        if start < self._position:
            self._stream, self._position = self._open_input(), 0
        while self._position < start:
            skipped = self._stream.read(min(CHUNK_BYTES, start - self._position))
            if not skipped:
                return b""
            self._position += len(skipped)
        body = self._stream.read(length)
        self._position += len(body)
        return body


class RangeReader(io.RawIOBase):
    """A seekable file of which each read is one request for a range; nothing is read ahead."""

    def __init__(self, read_range: Callable[[int, int], bytes], size_bytes: int) -> None:
        self._read_range = read_range
        self._size_bytes = size_bytes
        self._position = 0

    def readable(self) -> bool:
        """Always true."""
        return True

    def seekable(self) -> bool:
        """Always true."""
        return True

    def tell(self) -> int:
        """The position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to *offset* from the start, from here, or from the end."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}
        self._position = origin[whence] + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """At most *size* bytes from here on; all that are left by default."""
        left = max(0, self._size_bytes - self._position)
        count = left if size is None or size < 0 else min(size, left)
        body = self._read_range(self._position, count) if count else b""
        self._position += len(body)
        return body

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        """Fill *buffer* as far as there are bytes, and return how many."""
        body = self.read(len(buffer))
        buffer[: len(body)] = body
        return len(body)


class UploadStream(io.RawIOBase):
    """Publishes its bytes when it is closed; ``abort`` drops them."""

    def __init__(self, writer: Any, as_os_errors: Callable[[str], Any]) -> None:  # noqa: ANN401
        self._writer = writer
        self._as_os_errors = as_os_errors

    def writable(self) -> bool:
        """Always true."""
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        """Add *data*; what fills a part of an upload is sent."""
        with self._as_os_errors("write"):
            self._writer.write(data)
        return len(data)

    def abort(self) -> None:
        """Drop all that was written: the object stays as it was."""
        if not self.closed:
            self._writer.__exit__(InterruptedError, None, None)
            super().close()

    def close(self) -> None:
        """Publish the object."""
        if not self.closed:
            super().close()
            with self._as_os_errors("write"):
                self._writer.close()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def __del__(self) -> None:
        """Nothing: a stream that is dropped is not published."""
