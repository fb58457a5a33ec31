"""A packed file unpacked as it streams, through the memory of a block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.feed.files_source import Compression
from include.ticklake.sources.files.packed_streams import unpack_streams
from include.ticklake.sources.files.zip_member import unpack_zip
from include.ticklake.sources.text.reader import BOM

_STARTS: dict[bytes, Compression] = {
    b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # one of no files
    # What pzstd and others write before a frame, for programs that read frames side by side.
    **{bytes((0x50 + number,)) + b"\x2a\x4d\x18": "zstd" for number in range(16)},
}  # fmt: skip
_PEEKED_BYTES = 64
_WORDS = {"none": "a file that is not packed", "bzip2": "bzip2", "zip": "a zip archive"}


def unpack(chunks: Iterable[bytes], *, compression: Compression, max_bytes: int) -> Iterator[bytes]:
    """The bytes of the one file in *chunks*, a block at a time.

    ``MalformedPageError`` for what is cut, damaged or a page of the web. ``SourceRefusedError`` for
    what is packed in another way than *compression*, holds more than one file, or more than
    *max_bytes*.
    """
    start, chunks = peek(chunks, _PEEKED_BYTES)
    found = compression_of(start)
    if start.removeprefix(BOM).lstrip().startswith(b"<") and found == "none":
        raise MalformedPageError(
            "it begins as HTML or XML: a page, perhaps of an error, not a file"
        )
    # A text may begin with the letters BZh, but with no other of these signs.
    is_cut = any(sign.startswith(start) for sign, name in _STARTS.items() if name == compression)
    if not is_cut and found != compression and (compression != "none" or found != "bzip2"):
        raise SourceRefusedError(
            f"it begins as {_WORDS.get(found, found)}, not as "
            f"{_WORDS.get(compression, compression)}; write `compression: {found}` in source"
        )
    plain = chunks
    if compression == "zip":
        plain = unpack_zip(chunks)
    elif compression != "none":
        plain = unpack_streams(chunks, compression=compression)
    yield from _bounded(plain, max_bytes=max_bytes)


def compression_of(start: bytes) -> Compression:
    """How a file is packed that begins with *start*: four bytes of it, or more."""
    return next((name for magic, name in _STARTS.items() if start.startswith(magic)), "none")


def peek(chunks: Iterable[bytes], size_bytes: int) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes of *chunks*, and all of them."""
    rest, start = iter(chunks), b""
    while len(start) < size_bytes and (chunk := next(rest, None)) is not None:
        start += chunk
    return start[:size_bytes], chain((start,) if start else (), rest)


def _bounded(chunks: Iterable[bytes], *, max_bytes: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise SourceRefusedError(
                f"unpacked, it is longer than limits.max_page_bytes: {max_bytes}; raise it for "
                "files that are that long"
            )
        yield chunk
