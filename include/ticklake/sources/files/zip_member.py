"""The one file in a zip archive, unpacked as the archive comes.

A zip's table of contents is at its end, so nobody knows before it whether there is a second file:
that is an error then, and nothing was committed. The table must be whole and end the archive, and
list what came: what follows it may be another archive, whose records nobody would miss.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

import stream_unzip

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.redaction.masking import sanitize

CHUNK_BYTES = 64 * 1024
_END = struct.Struct("<4s6xHIIH")
"""The end of a zip: its sign, entries, the size and place of their table, the comment's size."""
_END_SIGN = b"PK\x05\x06"
_TOO_MANY, _TOO_LARGE = 0xFFFF, 0xFFFFFFFF
"""What stands there for a number that a large zip has elsewhere."""
_TAIL_BYTES = 2 * 0xFFFF
"""The longest comment, what stands before it, and padding."""
_SIGNS_BETWEEN = (b"PK\x06\x06", b"PK\x05\x05")
"""What may stand between the table and the end: that of a large zip, a signature."""


def unpack_zip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of the file in the archive, never more than a block at once; checksums checked."""
    first: str | None = None
    archive, entries = _Archive(chunks), 0
    try:
        for raw_name, _, data in stream_unzip.stream_unzip(archive, chunk_size=CHUNK_BYTES):
            entries += 1
            name = sanitize(raw_name.decode(errors="replace"))
            if name.endswith("/"):
                yield from (chunk for chunk in data if chunk)  # a folder has no bytes
                continue
            if first is not None:
                raise SourceRefusedError(
                    f"the zip has a second file, {name!r} after {first!r}; only archives of "
                    "one file are read"
                )
            first = name
            yield from data
    except stream_unzip.TruncatedDataError:
        raise MalformedPageError("its zip data ends early") from None
    except (stream_unzip.MissingPasswordError, stream_unzip.UnsupportedFeatureError) as error:
        raise SourceRefusedError(
            f"the zip is encrypted, or packed in a way that cannot be streamed "
            f"({type(error).__name__}); request another form of the file"
        ) from None
    except stream_unzip.UnzipError as error:
        raise MalformedPageError(f"its zip data is damaged: {type(error).__name__}") from None
    archive.check_end(entries)
    if first is None:
        raise SourceRefusedError("the zip has no file in it; correct source.address")


class _Archive:
    """The chunks of a zip, of which the end is kept."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._tail, self._size = bytearray(), 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._size += len(chunk)
            self._tail += chunk
            if len(self._tail) > 2 * _TAIL_BYTES:
                del self._tail[:-_TAIL_BYTES]
            yield chunk

    def check_end(self, entries: int) -> None:
        """``MalformedPageError`` unless the table of *entries* files and folders ends the zip."""
        tail = bytes(self._tail)
        at = tail.rfind(_END_SIGN)
        while at >= 0 and not self._is_end(tail, at, entries):
            at = tail.rfind(_END_SIGN, 0, at)  # the sign may stand in the comment
        if at < 0:
            raise MalformedPageError(
                "its zip data ends early, or something follows it: it does not end with a table of "
                "what is in it"
            )

    def _is_end(self, tail: bytes, at: int, entries: int) -> bool:
        if len(tail) - at < _END.size:
            return False
        _, count, size, place, comment = _END.unpack_from(tail, at)
        end = at + _END.size + comment
        if end > len(tail) or tail[end:].strip(b"\0") or count not in (entries % 2**16, _TOO_MANY):
            return False
        between = (self._size - len(tail) + at - size - place) % 2**32
        is_near = between <= at and tail.startswith(_SIGNS_BETWEEN, at - between)
        return place == _TOO_LARGE or between == 0 or is_near
