"""A packed body unpacked as it streams, through the memory of a chunk.

Whether a body is gzip is seen by its first bytes, with which no JSON begins: some servers pack it
twice, or not at all, whatever ``Content-Encoding`` says.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain

from include.ticklake.errors import MalformedPageError, SourceRefusedError

CHUNK_BYTES = 64 * 1024
ACCEPT_ENCODING = "gzip, deflate"
"""What is read here, whatever packages are installed; so it is what is asked for."""

_PLAIN = frozenset({"", "identity", "none", "utf-8", "utf8"})
_READ = frozenset({"gzip", "x-gzip", "deflate"})
_MAX_LAYERS = 3
_GZIP = b"\x1f\x8b"
_NOT_READ = {b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "a zip archive"}


def unpack(chunks: Iterable[bytes], *, encoding: str) -> Iterator[bytes]:
    """The plain bytes of *chunks*, whose ``Content-Encoding`` is *encoding*.

    ``SourceRefusedError`` for what is not read here, ``MalformedPageError`` for what is damaged.
    """
    names = [name.strip().lower() for name in encoding.split(",")]
    unread = [name for name in names if name not in _PLAIN | _READ]
    if unread or len(names) > _MAX_LAYERS:
        raise SourceRefusedError(
            f"its Content-Encoding is {unread[0] if unread else encoding}, which is not read; "
            "add the header `Accept-Encoding: identity` to source.headers"
        )
    for _ in range(names.count("deflate")):
        chunks = _inflate(_gunzip_layers(chunks))
    return _gunzip_layers(chunks)


def _gunzip_layers(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for _ in range(_MAX_LAYERS):
        start, chunks = _peek(chunks, len(_GZIP))
        if start != _GZIP:
            break
        chunks = _gunzip(chunks)
    start, chunks = _peek(chunks, 4)
    if start.startswith(_GZIP) or start in _NOT_READ:
        what = _NOT_READ.get(start, f"packed more than {_MAX_LAYERS} times")
        raise SourceRefusedError(f"its body is {what}, which is not read; request JSON or gzip")
    yield from chunks


def _peek(chunks: Iterable[bytes], size_bytes: int) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes of *chunks*, and all of them."""
    rest, start = iter(chunks), b""
    while len(start) < size_bytes and (chunk := next(rest, None)) is not None:
        start += chunk
    return start[:size_bytes], chain((start,) if start else (), rest)


def _gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The members of a gzip stream, one after the other.

    What follows them, zeros or anything else, is left out: JSON shows whether it is whole.
    """
    rest, packed = iter(chunks), b""
    while True:
        packed = packed.lstrip(b"\0")
        while len(packed) < len(_GZIP) and (chunk := next(rest, None)) is not None:
            packed = (packed + chunk).lstrip(b"\0")
        if not packed.startswith(_GZIP):
            break
        inflater = zlib.decompressobj(wbits=31)
        yield from _stream(inflater, chain((packed,), rest), name="gzip")
        packed = inflater.unused_data
    deque(rest, maxlen=0)  # whether the response is whole is seen at its end


def _inflate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A zlib stream, which is what ``deflate`` means, or a raw one, which some servers send.

    No stream of JSON begins with the bracket that plain JSON begins with.
    """
    start, rest = _peek(chunks, 2)
    if start.startswith((b"[", b"{")):
        yield from rest
    elif start:
        is_zlib = start[0] & 0x0F == 8 and int.from_bytes(start, "big") % 31 == 0
        inflater = zlib.decompressobj(wbits=15 if is_zlib else -15)
        yield from _stream(inflater, rest, name="deflate")
    deque(rest, maxlen=0)


def _stream(inflater: zlib._Decompress, chunks: Iterable[bytes], *, name: str) -> Iterator[bytes]:
    """One stream of *chunks*, never more than a chunk of its data at once."""
    try:
        for packed in chunks:
            while packed and not inflater.eof:
                data = inflater.decompress(packed, CHUNK_BYTES)
                packed = inflater.unconsumed_tail
                if data:
                    yield data
            if inflater.eof:
                return
        if data := inflater.flush():
            yield data
    except zlib.error as error:
        reason = str(error).rpartition(": ")[2]
        raise MalformedPageError(f"its {name} data is damaged: {reason}") from None
    if not inflater.eof:
        raise MalformedPageError(f"its {name} data ends early")
