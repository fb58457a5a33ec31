"""The records of a part that is there already: for comparing two sets of parts.

A part is gzip of ``[{..},\\n{..}\\n]\\n``. What differs from its manifest shows at its end at the
latest, so conclude nothing from its records before.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from include.ticklake.errors import CorruptPartError
from include.ticklake.lake.manifest import Part
from include.ticklake.lake.storage import Storage
from include.ticklake.model.record import Record

_READ_BYTES = 256 * 1024
_TEXT_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReadablePart:
    """A part, and how its bytes are read: it may be anywhere."""

    part: Part
    open: Callable[[], Any]

    def __iter__(self) -> Iterator[Record]:
        """Every record; ``CorruptPartError`` where the part is gone or not what it should be."""
        try:
            stream = self.open()
        except FileNotFoundError:
            raise CorruptPartError(f"{self.part.key}: the part is gone") from None
        with stream:
            yield from map(Record, _lines(self.part, _text(self.part, stream)))


def committed(parts: Iterable[Part], *, storage: Storage) -> list[ReadablePart]:
    """*parts* at their own keys."""
    return [ReadablePart(part, lambda key=part.key: storage.open_input(key)) for part in parts]  # type: ignore[misc]


def readable(parts: Iterable[Part], *, storage: Storage) -> list[Part]:
    """Those of *parts* that can be read to their end: the records of the others are lost."""

    def is_whole(part: ReadablePart) -> bool:
        try:
            return all(True for _ in part)
        except CorruptPartError:
            return False

    return [part.part for part in committed(parts, storage=storage) if is_whole(part)]


def measure(key: str, *, storage: Storage) -> Part:
    """The part that is at *key*, without the times of its records; ``CorruptPartError``."""
    unknown = Part(
        key=key, rows=0, json_bytes=0, gzip_bytes=0, sha256="", first_event_ns=None,
        last_event_ns=None,
    )  # fmt: skip
    digest, rows, json_bytes, gzip_bytes = hashlib.sha256(), 0, 0, 0
    with storage.open_input(key) as stream:
        while stored := stream.read(_READ_BYTES):
            digest.update(stored)
            gzip_bytes += len(stored)
    sha256 = digest.hexdigest()
    if f".{sha256[:8]}." not in key:
        raise _differs(unknown)
    with storage.open_input(key) as stream:
        for text in _text(replace(unknown, sha256=sha256), stream):
            json_bytes += len(text)
            rows += text.count(b"\n")
    return replace(
        unknown, rows=max(rows - 1, 0), json_bytes=json_bytes, gzip_bytes=gzip_bytes, sha256=sha256
    )


def _lines(part: Part, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The records in the text of *chunks*: a line each, between those of the brackets."""
    rows, held, is_first = 0, bytearray(), True
    for chunk in chunks:
        held += chunk
        if b"\n" not in chunk:
            continue
        *lines, rest = bytes(held).split(b"\n")
        held = bytearray(rest)
        if is_first:
            lines[0], is_first = lines[0].removeprefix(b"["), False
        for line in lines:
            if line == b"]":
                continue
            rows += 1
            yield line.removesuffix(b",")
    if held or rows != part.rows:
        raise _differs(part)


def _text(part: Part, stream: Any) -> Iterator[bytes]:  # noqa: ANN401 - pyarrow ships no types
    digest, unzip = hashlib.sha256(), zlib.decompressobj(wbits=31)
    while stored := stream.read(_READ_BYTES):
        digest.update(stored)
        while stored and not unzip.eof:
            try:
                yield unzip.decompress(stored, _TEXT_BYTES)
            except zlib.error:
                raise _differs(part) from None
            stored = unzip.unconsumed_tail
    if not unzip.eof or digest.hexdigest() != part.sha256:
        raise _differs(part)


def _differs(part: Part) -> CorruptPartError:
    return CorruptPartError(f"{part.key}: the part is not what its manifest says")
