"""Staged JSON parts: gzip, an array with one record per line.

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

from include.ticklake.feed.feed import Feed
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
    """A completed part that is still under ``_incomplete/``."""

    temporary_key: str
    part: Part


class PartWriter:
    """One part while it is written; ``close`` completes it."""

    def __init__(self, feed: str, unit: Unit, *, number: int, storage: Storage) -> None:
        self._feed = feed
        self._unit = unit
        self._number = number
        self._temporary_key = f"{incomplete_prefix(feed, unit)}/part-{number:05d}.{uuid4().hex}"
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
        """Add one record, and its event time to the part's range."""
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
        """Complete the object and describe it."""
        self._text += b"\n]\n"
        self._flush()
        self._store(self._gzip.flush())
        self._stream.close()
        digest = self._sha256.hexdigest()
        part = Part(
            key=layout.part_key(
                self._feed,
                self._unit.slice,
                self._unit.window,
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
        """Close an unfinished part: an open stream would keep the process from ending."""
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


class PartSequence:
    """The parts of one unit, one after the other; the last one may be unfinished."""

    def __init__(
        self, feed: Feed, unit: Unit, *, completed: Iterable[StagedPart], storage: Storage
    ) -> None:
        self._feed, self._unit, self._storage = feed, unit, storage
        self._completed = list(completed)
        self._part: PartWriter | None = None

    @property
    def completed(self) -> tuple[StagedPart, ...]:
        """The parts that are whole."""
        return tuple(self._completed)

    @property
    def is_full(self) -> bool:
        """Whether the unfinished part has the size of the feed's parts."""
        return self._part is not None and self._part.size_bytes >= self._feed.part_bytes

    def write(self, records: Iterable[tuple[Record, int | None]]) -> None:
        """Add *records*, each with its event time, to the unfinished part."""
        for record, event_ns in records:
            if self._part is None:
                number = len(self._completed)
                self._part = PartWriter(
                    self._feed.name, self._unit, number=number, storage=self._storage
                )
            self._part.write(record, event_ns)

    def complete(self) -> None:
        """Complete the unfinished part, if there is one."""
        if self._part is not None:
            self._completed.append(self._part.close())
            self._part = None

    def abandon(self) -> None:
        """Close the unfinished part, if there is one: it will not be complete."""
        if self._part is not None:
            self._part.abandon()


def incomplete_prefix(feed: str, unit: Unit) -> str:
    """The folder of one unit's unfinished objects: ``_incomplete/json/...``."""
    return layout.checkpoint_folder(feed, unit.slice, unit.window)


def publish(parts: Iterable[StagedPart], *, storage: Storage) -> None:
    """Move completed parts to their own keys, unless an earlier attempt did."""
    for staged in parts:
        if storage.exists(staged.temporary_key):
            storage.move(staged.temporary_key, staged.part.key)


def remove_leftovers(feed: str, unit: Unit, keep: Iterable[Part], *, storage: Storage) -> None:
    """Delete the unit's parts that its manifest does not name, and its unfinished ones."""
    kept_keys = {part.key for part in keep}
    for key in storage.list(layout.window_folder(Area.JSON, feed, unit.slice, unit.window)):
        if layout.window_name(key) == unit.window.name and key not in kept_keys:
            storage.delete(key)
    for key in storage.list(incomplete_prefix(feed, unit)):
        storage.delete(key)
