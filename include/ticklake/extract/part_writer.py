"""Records in, JSON parts out: gzip, an array with one record per line.

A part is ``[{..},\\n{..}\\n]\\n``: a browser reads it with ``fetch().json()``, and a stream
reader cuts it at its newlines. Parts are written under ``_incomplete/`` and get their
own keys in ``publish``; a part's key holds the start of its sha256, so another content
never takes the place of a part that a manifest names.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from include.ticklake.lake import layout
from include.ticklake.lake.layout import Area
from include.ticklake.lake.manifest import Part
from include.ticklake.lake.storage import Storage
from include.ticklake.model.record import Record
from include.ticklake.model.unit import Unit

GZIP_LEVEL = 1
"""Level 6 takes 3.4 times as long for parts that are a fifth smaller (docs/decisions)."""

_FLUSH_BYTES = 256 * 1024
_METADATA = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedPart:
    """A whole part that still lies under ``_incomplete/``."""

    temporary_key: str
    part: Part


class PartWriter:
    """One part while it is being written; ``close`` makes it whole."""

    def __init__(self, feed: str, work: Unit, *, number: int, storage: Storage) -> None:
        self._feed = feed
        self._work = work
        self._number = number
        self._temporary_key = f"{incomplete_prefix(feed, work)}/part-{number:05d}.{uuid4().hex}"
        self._stream: Any = storage.open_output(self._temporary_key, metadata=_METADATA)
        # wbits 31 is gzip with a header that holds no time: same records, same bytes.
        self._gzip = zlib.compressobj(GZIP_LEVEL, wbits=31)
        self._sha256 = hashlib.sha256()
        self._text = bytearray(b"[")
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self.rows = 0
        self.json_bytes = 0
        self.gzip_bytes = 0

    def write(self, record: Record, event_ns: int | None) -> None:
        """Add one record; its event time is for the part's account."""
        text = self._text
        if self.rows:
            text += b",\n"
        text += record
        self.rows += 1
        if event_ns is not None:
            if self._first_ns is None or event_ns < self._first_ns:
                self._first_ns = event_ns
            if self._last_ns is None or event_ns > self._last_ns:
                self._last_ns = event_ns
        if len(text) >= _FLUSH_BYTES:
            self._flush()

    def close(self) -> StagedPart:
        """End the array and the object; what it is and where it lies for now."""
        self._text += b"\n]\n"
        self._flush()
        self._store(self._gzip.flush())
        self._stream.close()
        digest = self._sha256.hexdigest()
        part = Part(
            key=layout.part_key(
                self._feed,
                self._work.slice,
                self._work.window,
                number=self._number,
                sha256=digest,
            ),
            rows=self.rows,
            json_bytes=self.json_bytes,
            gzip_bytes=self.gzip_bytes,
            sha256=digest,
            first_event_ns=self._first_ns,
            last_event_ns=self._last_ns,
        )
        return StagedPart(temporary_key=self._temporary_key, part=part)

    def abandon(self) -> None:
        """Let go of an unfinished part: a stream left open would keep the process from ending."""
        self._stream.close()

    @property
    def size_bytes(self) -> int:
        """JSON text so far, before gzip."""
        return self.json_bytes + len(self._text)

    def _flush(self) -> None:
        self.json_bytes += len(self._text)
        self._store(self._gzip.compress(self._text))
        self._text.clear()

    def _store(self, packed: bytes) -> None:
        if packed:
            self._sha256.update(packed)
            self.gzip_bytes += len(packed)
            self._stream.write(packed)


def incomplete_prefix(feed: str, work: Unit) -> str:
    """The folder of one unit's unfinished objects: ``_incomplete/json/...``."""
    return layout.checkpoint_folder(feed, work.slice, work.window)


def publish(written: Iterable[StagedPart], *, storage: Storage) -> None:
    """Move whole parts to their own keys; those that an earlier try moved are there."""
    for one in written:
        if storage.exists(one.temporary_key):
            storage.move(one.temporary_key, one.part.key)


def remove_leftovers(feed: str, work: Unit, keep: Iterable[Part], *, storage: Storage) -> None:
    """Delete the unit's parts that its manifest does not name, and its unfinished ones."""
    named = {part.key for part in keep}
    for key in storage.list(layout.window_folder(Area.JSON, feed, work.slice, work.window)):
        if layout.window_name(key) == work.window.name and key not in named:
            storage.delete(key)
    for key in storage.list(incomplete_prefix(feed, work)):
        storage.delete(key)
