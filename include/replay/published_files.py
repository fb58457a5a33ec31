"""Files as exchanges publish them: made while they are read, and the same bytes each time.

Nothing is kept of a file but its size and its digest, so that a part of it can be requested
(``Range``), and a checksum stands beside it before anybody reads the file.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Hashable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, Protocol

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

CHECKSUM = ".CHECKSUM"
_BLOCK_CHARACTERS = 64 * 1024
_LEVEL = 1  # speed: the loopback is wide
_GZIP = 31
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{1,18})?")


class PublishedFile(Hashable, Protocol):
    """One file; two that are equal have the same bytes."""

    @property
    def name(self) -> str:
        """Its name, without a folder."""

    def chunks(self) -> Iterator[bytes]:
        """Yield its bytes."""


class BodyFacts(NamedTuple):
    """What a file adds up to."""

    size: int
    sha256: str


@lru_cache(maxsize=4_096)
def facts(file: PublishedFile) -> BodyFacts:
    """The facts of *file*, whose bytes are made once for them."""
    size, digest = 0, hashlib.sha256()
    for chunk in file.chunks():
        size += len(chunk)
        digest.update(chunk)
    return BodyFacts(size, digest.hexdigest())


def file_response(file: PublishedFile, request: Request, *, media_type: str) -> Response:
    """All of *file*, or the part that *request* asks for if it is still the same file."""
    size, digest = facts(file)
    tag = f'"{digest[:32]}"'
    headers = {"ETag": tag, "Accept-Ranges": "bytes"}
    part = _RANGE.fullmatch(request.headers.get("range", ""))
    if part is None or request.headers.get("if-range", tag) != tag:
        headers["Content-Length"] = str(size)
        return StreamingResponse(file.chunks(), headers=headers, media_type=media_type)
    start, stop = int(part[1]), min(int(part[2]) + 1 if part[2] else size, size)
    if start >= stop:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    headers |= {
        "Content-Length": str(stop - start),
        "Content-Range": f"bytes {start}-{stop - 1}/{size}",
    }
    chunks = _part(file.chunks(), start, stop)
    return StreamingResponse(chunks, 206, headers=headers, media_type=media_type)


def checksum_response(file: PublishedFile) -> Response:
    """What ``sha256sum`` prints of *file*."""
    return Response(f"{facts(file).sha256}  {file.name}\n", media_type="text/plain")


def zipped(member: str, lines: Iterable[str]) -> Iterator[bytes]:
    """A zip archive with one file of *lines*."""
    sink = _Sink()
    archive = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
    with archive, archive.open(member, "w") as inner:
        for block in _blocks(lines):
            inner.write(block)
            yield from sink.take()
    yield from sink.take()


def gzipped(lines: Iterable[str]) -> Iterator[bytes]:
    """*lines*, packed, without a time of packing."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    for block in _blocks(lines):
        if packed := packer.compress(block):
            yield packed
    yield packer.flush()


class _Sink:
    """What an archive writes, until it is taken; without ``tell``, it seeks nothing."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is held open."""

    def take(self) -> Iterator[bytes]:
        written, self._written = b"".join(self._written), []
        if written:
            yield written


def _blocks(lines: Iterable[str]) -> Iterator[bytes]:
    pieces: list[str] = []
    size = 0
    for line in lines:
        pieces += line, "\n"
        size += len(line)
        if size >= _BLOCK_CHARACTERS:
            yield "".join(pieces).encode()
            pieces, size = [], 0
    yield "".join(pieces).encode()


def _part(chunks: Iterable[bytes], start: int, stop: int) -> Iterator[bytes]:
    """The bytes from *start* to *stop*, exclusive."""
    at = 0
    for chunk in chunks:
        if wanted := chunk[max(start - at, 0) : max(stop - at, 0)]:
            yield wanted
        at += len(chunk)
        if at >= stop:
            return
