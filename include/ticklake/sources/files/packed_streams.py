"""Gzip, bzip2 and zstd: one stream after the other, as tools that work in parallel write them.

What is left over, cut or damaged is an error: of CSV nobody sees that its end is missing.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from backports import zstd

from include.ticklake.errors import MalformedPageError, SourceRefusedError

CHUNK_BYTES = 64 * 1024
_WINDOW_LOG = 25
"""What zstd may look back: 32 MiB, which is then in memory. Its levels up to 19 need 8 MiB."""
_ERRORS = (zlib.error, zstd.ZstdError, OSError, EOFError)


class _Decompressor(Protocol):
    """What the three have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def unpack_streams(chunks: Iterable[bytes], *, compression: str) -> Iterator[bytes]:
    """The bytes of *chunks*, never more than a block at once, however well they are packed."""
    rest, packed, is_first = iter(chunks), b"", True
    while packed := packed or _next_data(rest):
        if not is_first and not (packed := packed.lstrip(b"\0")):
            continue  # padding, as tapes have it
        decompressor = _MAKERS[compression]()
        while not decompressor.eof:
            if decompressor.needs_input and not packed and not (packed := _next_data(rest)):
                raise MalformedPageError(f"its {compression} data ends early")
            data = _decompress(decompressor, packed, compression)
            packed = b""
            if data:
                yield data
        packed, is_first = decompressor.unused_data, False
    if is_first:
        raise MalformedPageError(f"its {compression} data ends early: there is none")


def _decompress(decompressor: _Decompressor, packed: bytes, compression: str) -> bytes:
    try:
        return decompressor.decompress(packed, CHUNK_BYTES)
    except _ERRORS as error:
        reason = str(error).rpartition(": ")[2]
        if "too much memory" in reason:  # zstd's words for a window above the bound
            raise SourceRefusedError(
                f"its zstd data looks back further than {2**_WINDOW_LOG} bytes, all of which would "
                "be in memory; request another form of the file"
            ) from None
        raise MalformedPageError(f"its {compression} data is damaged: {reason}") from None


def _next_data(chunks: Iterator[bytes]) -> bytes:
    """The next chunk that is not empty; nothing at the end."""
    return next(filter(None, chunks), b"")


class _Gunzip:
    """zlib's decompressor by the rules of the others, which keep what they were given."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflater.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        inflated = self._inflater.decompress(self._inflater.unconsumed_tail + data, max_length)
        # A full block may have been all, or there is more inside of zlib.
        self.needs_input = not self._inflater.unconsumed_tail and len(inflated) < max_length
        return inflated


def _unzstd() -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})


_MAKERS: dict[str, Callable[[], _Decompressor]] = {
    "gzip": _Gunzip,
    "bzip2": bz2.BZ2Decompressor,
    "zstd": _unzstd,
}
