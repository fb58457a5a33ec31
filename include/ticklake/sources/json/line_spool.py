"""JSON texts that wait in a temporary file, a line each; it is made when the first one comes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO

from include.ticklake.errors import RetryableError
from include.ticklake.model.record import Record


class LineSpool:
    """Close it to give the disk back."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes in the file: where the next text begins."""
        self._file: IO[bytes] | None = None

    def write(self, texts: Sequence[Record]) -> None:
        """Add *texts*; ``RetryableError`` where the disk has no room for them."""
        lines = memoryview(b"\n".join(texts) + b"\n")
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - see close
            written = 0
            while written < len(lines):
                written += self._file.write(lines[written:])
        except OSError as error:
            raise RetryableError(
                f"{tempfile.gettempdir()}: it cannot hold what waits of a page ({error.strerror}); "
                "set TMPDIR to a folder with room for it"
            ) from None
        self.size += len(lines)

    def read(self, start: int, end: int, *, read_bytes: int) -> Iterator[bytes]:
        """Yield the texts between two bytes of the file, which begin and end there."""
        at, rest = start, b""
        while at < end and self._file is not None:
            text = os.pread(self._file.fileno(), min(read_bytes, end - at), at)
            if not text:
                raise RetryableError("a temporary file was cut from outside; run this again")
            at += len(text)
            *whole, rest = (rest + text).split(b"\n")
            yield from whole

    def clear(self) -> None:
        """Drop all texts."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.seek(0)
        self.size = 0

    def close(self) -> None:
        """Delete the file."""
        if self._file is not None:
            self._file.close()
