"""Staged JSON parts: gzip, an array with one record per line.

A part is ``[{..},\\n{..}\\n]\\n``: a browser reads it with ``fetch().json()``, and a stream
reader cuts it at its newlines. Parts are written under ``_incomplete/`` and get their
own keys in ``publish``; a part's key holds the start of its sha256, so another content
never takes the place of a part that a manifest names.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from msgspec.structs import replace

from include.ticklake.errors import RetryableError
from include.ticklake.extract.part_reader import ReadablePart
from include.ticklake.lake import layout
from include.ticklake.lake.manifest import Part
from include.ticklake.lake.staged_object import StagedObject
from include.ticklake.lake.storage import Storage
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block
from include.ticklake.model.unit import Unit

GZIP_LEVEL = 1
"""Level 6 takes 3.4 times as long for parts that are a fifth smaller (docs/decisions)."""

_FLUSH_BYTES = 256 * 1024
_METADATA = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedPart:
    """A completed part that is under ``_incomplete/``, for a checkpoint."""

    temporary_key: str
    part: Part


class CompletedPart:
    """A part that is whole and not published yet: in memory, or under ``_incomplete/``."""

    def __init__(
        self, staged: StagedPart, *, storage: Storage, held: StagedObject | None = None
    ) -> None:
        self.staged = staged
        self._storage = storage
        self._held = held
        self._published: list[str] = []

    @property
    def part(self) -> Part:
        """What a manifest would say of it, at the number that it was written with."""
        return self.staged.part

    @property
    def is_in_memory(self) -> bool:
        """Whether it is nowhere else."""
        return self._held is not None and self._held.is_in_memory

    def numbered(self, feed: str, unit: Unit, number: int) -> Part:
        """The part with the key that it has as *number* of its unit."""
        key = layout.part_key(feed, unit.slice, unit.window, number=number, sha256=self.part.sha256)
        return replace(self.part, key=key)

    def readable(self) -> ReadablePart:
        """Its records."""
        return ReadablePart(self.part, self._open)

    def spill(self) -> None:
        """Keep it where it outlives this process."""
        if self._held is not None:
            self._held.spill()

    def publish(self, key: str) -> None:
        """Make it the object at *key*; also one after the other, at several keys.

        ``RetryableError`` where it is gone: another run resumed the same attempt.
        """
        if self.is_in_memory and self._held is not None:
            self._held.publish(key)
        else:
            self._move(key)
        self._published.append(key)

    @property
    def published(self) -> tuple[str, ...]:
        """The keys at which it was published."""
        return tuple(self._published)

    def discard(self) -> None:
        """Delete it where it is not published."""
        if self._held is not None:
            self._held.discard()
        else:
            self._storage.delete(self.staged.temporary_key)

    def _move(self, key: str) -> None:
        """Move it to *key*, or copy it from where it was moved to before."""
        with suppress(FileNotFoundError):
            self._storage.move(self.staged.temporary_key, key)
            return
        if self._storage.exists(key):
            return
        for other in (*reversed(self._published), self.part.key):
            with suppress(FileNotFoundError):
                self._storage.copy(other, key)
                return
        raise self._gone()

    def _open(self) -> object:
        if self._held is not None and self._held.is_in_memory:
            return self._held.open_file()
        for key in (self.staged.temporary_key, *reversed(self._published), self.part.key):
            with suppress(FileNotFoundError):
                return self._storage.open_input(key)
        raise self._gone()

    def _gone(self) -> RetryableError:
        return RetryableError(
            f"{self.staged.temporary_key}: the part is gone; another run fetched the same unit at "
            "once, run this again"
        )


class PartWriter:
    """One part while it is written; ``close`` completes it."""

    def __init__(
        self, feed: str, unit: Unit, *, number: int, storage: Storage, from_feed: str | None = None
    ) -> None:
        self._feed, self._from_feed = feed, from_feed
        self._unit = unit
        self._number = number
        self._storage = storage
        key = f"{incomplete_prefix(feed, unit)}/part-{number:05d}"
        self._stream = StagedObject(key, storage=storage, metadata=_METADATA)
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
            self._flush_whole()

    def write_block(self, block: Block, times_ns: Sequence[int | None]) -> None:
        """Add the records of *block*, and their event times to the part's range."""
        text = self._text
        if self.rows:
            text += b",\n"
        text += block[0] if len(block) == 1 else b",\n".join(block)
        self.rows += len(block)
        known_ns = [at_ns for at_ns in times_ns if at_ns is not None]
        if known_ns:
            first_ns, last_ns = min(known_ns), max(known_ns)
            self._first_ns = min(first_ns, first_ns if self._first_ns is None else self._first_ns)
            self._last_ns = max(last_ns, last_ns if self._last_ns is None else self._last_ns)
        if len(text) >= _FLUSH_BYTES:
            self._flush_whole()

    def close(self) -> CompletedPart:
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
            from_feed=self._from_feed,
        )
        staged = StagedPart(temporary_key=self._stream.partial_key, part=part)
        return CompletedPart(staged, storage=self._storage, held=self._stream)

    def abandon(self) -> None:
        """Drop an unfinished part."""
        self._stream.discard()

    @property
    def size_bytes(self) -> int:
        """JSON text so far, before gzip."""
        return self.json_bytes + len(self._text)

    def _flush_whole(self) -> None:
        """Pack pieces of one size: what a packer makes of a text may depend on where it is cut."""
        whole = len(self._text) // _FLUSH_BYTES * _FLUSH_BYTES
        with memoryview(self._text) as text:
            for at in range(0, whole, _FLUSH_BYTES):
                self._store(self._gzip.compress(text[at : at + _FLUSH_BYTES]))
        del self._text[:whole]
        self.json_bytes += whole

    def _flush(self) -> None:
        self.json_bytes += len(self._text)
        self._store(self._gzip.compress(self._text))
        self._text.clear()

    def _store(self, packed: bytes) -> None:
        if packed:
            self._sha256.update(packed)
            self.gzip_bytes += len(packed)
            self._stream.write(packed)


def incomplete_prefix(feed: str, unit: Unit) -> str:
    """The folder of one unit's unfinished objects: ``_incomplete/json/...``."""
    return layout.checkpoint_folder(feed, unit.slice, unit.window)
