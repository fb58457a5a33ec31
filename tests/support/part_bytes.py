"""Parts of made-up records, in memory: as extraction writes them."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Sequence

from include.ticklake.extract.part_reader import ReadablePart
from include.ticklake.lake.manifest import Part


def part_bytes(records: Sequence[str]) -> bytes:
    """The stored bytes of a part with *records*."""
    text = "[" + ",\n".join(records) + "\n]\n"
    return gzip.compress(text.encode(), compresslevel=1, mtime=0)


def describe(body: bytes, *, rows: int, key: str | None = None) -> Part:
    """What a manifest says of the part with *body*."""
    sha256 = hashlib.sha256(body).hexdigest()
    return Part(
        key=key or f"json/f/date=2026-11-22/w.part-00000.{sha256[:8]}.json.gz",
        rows=rows,
        json_bytes=len(gzip.decompress(body)),
        gzip_bytes=len(body),
        sha256=sha256,
        first_event_ns=None,
        last_event_ns=None,
    )


def readable(records: Sequence[str]) -> ReadablePart:
    """A part that is read from memory."""
    body = part_bytes(records)
    return ReadablePart(describe(body, rows=len(records)), lambda: io.BytesIO(body))
