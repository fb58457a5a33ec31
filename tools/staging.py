"""The text of parts in, a staged unit out, as ``extract`` leaves it: for tests and benchmarks."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.manifest import JsonSection, Manifest, Part
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit

METADATA = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartText:
    """A part before it is compressed: an array with one record per line."""

    text: bytes
    rows: int
    first_event_ns: int | None = None
    last_event_ns: int | None = None

    @classmethod
    def of_lines(cls, lines: bytes, *, rows: int, events_ns: tuple[int | None, ...]) -> PartText:
        """The part of *lines*, which commas and newlines separate."""
        known_ns = [ns for ns in events_ns if ns is not None]
        return cls(
            text=b"[" + lines + b"\n]\n",
            rows=rows,
            first_event_ns=min(known_ns, default=None),
            last_event_ns=max(known_ns, default=None),
        )


def stage(
    feed: Feed,
    unit: Unit,
    parts: Iterable[PartText],
    *,
    storage: Storage,
    fetched_at_ms: int | None = None,
) -> Manifest:
    """Store *parts* as *unit*, and commit their manifest; the Parquet section is kept."""
    stored = tuple(
        _store(feed, unit, part, number=number, storage=storage)
        for number, part in enumerate(parts)
    )
    key = layout.manifest_key(feed.name, unit.slice, unit.window)
    old = manifest.read(key, storage=storage)
    committed = Manifest(
        feed=feed.name,
        slice=unit.slice.as_dict(),
        window=unit.window.name,
        json=JsonSection(
            received_rows=sum(part.rows for part in stored),
            out_of_window_rows=0,
            duplicate_rows=0,
            lost_range=None,
            pages=max(len(stored), 1),
            page_bytes=sum(part.json_bytes for part in stored),
            host=feed.host,
            fetched_at_ms=fetched_at_ms,
            parts=stored,
        ),
        parquet=old.parquet if old else None,
    )
    manifest.write(committed, storage=storage, expect=storage.version(key))
    for replaced in {part.key for part in old.json.parts} if old else ():
        if replaced not in {part.key for part in stored}:
            storage.delete(replaced)
    return committed


def _store(feed: Feed, unit: Unit, part: PartText, *, number: int, storage: Storage) -> Part:
    packer = zlib.compressobj(1, wbits=31)
    packed = packer.compress(part.text) + packer.flush()
    sha256 = hashlib.sha256(packed).hexdigest()
    key = layout.part_key(feed.name, unit.slice, unit.window, number=number, sha256=sha256)
    storage.put(key, packed, metadata=METADATA)
    return Part(
        key=key,
        rows=part.rows,
        json_bytes=len(part.text),
        gzip_bytes=len(packed),
        sha256=sha256,
        first_event_ns=part.first_event_ns,
        last_event_ns=part.last_event_ns,
    )
