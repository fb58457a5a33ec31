"""Making a damaged manifest of a window again, from the objects that are there.

Its parts say what was staged. Where retention removed them, the Parquet says what is in it. What
else the source sent is not known any more: the account begins with what was stored. The text of
the damaged manifest is kept among the reports, and no object is deleted.
"""

from __future__ import annotations

import logging
import time

import msgspec

from include.ticklake.errors import CorruptManifestError, CorruptParquetError
from include.ticklake.extract import salvage
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, manifest, superseded_marks
from include.ticklake.lake.day_manifest import CompactedDay
from include.ticklake.lake.manifest import JsonSection, Manifest, ParquetSection, SupersededSet
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.file_facts import read_facts
from include.ticklake.model.unit import Unit

log = logging.getLogger(__name__)


def restore_manifest(feed: Feed, unit: Unit, *, storage: Storage) -> Manifest | None:
    """Write the manifest of *unit* again where it is damaged, and return what is there then.

    ``DataError`` where the objects do not say what it was: nothing is changed then.
    """
    key = layout.manifest_key(feed.name, unit.slice, unit.window)
    try:
        return manifest.read(key, storage=storage)
    except CorruptManifestError as error:
        log.warning("repair.restoring %s", error)
    now_ms = int(time.time() * 1000)
    restored, version = salvage.salvage(
        feed, unit, storage=storage, is_replacing=False, now_ms=now_ms
    )
    if restored is None:
        return None
    section = _parquet_without_json(feed, unit, restored, storage=storage)
    if section:
        restored = _without_json(restored, section, is_snapshot=feed.snapshot, now_ms=now_ms)
    if restored.superseded:
        superseded_marks.mark(feed.name, unit, storage=storage)
    manifest.write(restored, storage=storage, expect=version)
    log.info(
        "repair.restored feed=%s slice=%s window=%s rows=%d parquet_rows=%d",
        feed.name, unit.slice, unit.window.name, restored.json.rows,
        restored.parquet.rows if restored.parquet else 0,
    )  # fmt: skip
    return restored


def _without_json(
    restored: Manifest, section: ParquetSection, *, is_snapshot: bool, now_ms: int
) -> Manifest:
    """A manifest of Parquet whose JSON was removed; parts that are there are not all of it."""
    first_ns = section.first_event_ns
    staged = JsonSection(
        received_rows=section.rows,
        out_of_window_rows=0,
        duplicate_rows=0,
        pages=0,
        page_bytes=0,
        host=restored.json.host,
        fetched_at_ms=first_ns // 10**6 if is_snapshot and first_ns is not None else None,
        parts=(),
        removed=True,
        number=restored.json.number + 1,
    )
    leftover = SupersededSet(json=restored.json, superseded_at_ms=now_ms)
    return msgspec.structs.replace(
        restored,
        json=staged,
        parquet=msgspec.structs.replace(section, parts_digest=staged.digest),
        superseded=(*restored.superseded, *([leftover] if restored.json.parts else [])),
    )


def _parquet_without_json(
    feed: Feed, unit: Unit, restored: Manifest, *, storage: Storage
) -> ParquetSection | None:
    """What the Parquet has of *unit*, where that is more than its parts have; None otherwise."""
    try:
        if salvage.parquet_rows(feed, unit, storage=storage) <= restored.json.rows:
            return None
    except (CorruptParquetError, CorruptManifestError):
        if restored.json.parts:  # which is what the Parquet is made of
            return None
        raise
    for key in salvage.parquet_keys(feed, unit, storage=storage):
        return _section_of_file(feed, key, storage=storage)
    day = day_manifest.find_day(feed.name, unit.slice, unit.window, storage=storage)
    own = layout.parquet_key(feed.name, unit.slice, unit.window)
    return _section_in_day(day, unit, own) if day else None


def _section_of_file(feed: Feed, key: str, *, storage: Storage) -> ParquetSection | None:
    facts = read_facts(feed, key, storage=storage)
    if not facts.rows:
        return None
    return ParquetSection(
        key=key,
        rows=facts.rows,
        parquet_bytes=facts.parquet_bytes,
        sha256=facts.sha256,
        row_groups=facts.row_groups,
        quarantine_key=None,
        quarantined_rows=0,
        first_event_ns=facts.first_event_ns,
        last_event_ns=facts.last_event_ns,
        key_range=facts.key_range,
        sorted=facts.sorted,
        parts_digest="",
    )


def _section_in_day(day: CompactedDay, unit: Unit, own_key: str) -> ParquetSection | None:
    compacted = day.compacted(unit.window.name)
    if compacted is None or not compacted.rows:
        return None
    return ParquetSection(
        key=own_key,
        rows=compacted.rows,
        parquet_bytes=0,
        sha256=compacted.sha256,
        row_groups=0,
        quarantine_key=None,
        quarantined_rows=0,
        first_event_ns=compacted.first_event_ns,
        last_event_ns=compacted.last_event_ns,
        key_range={},
        sorted=day.sorted,
        parts_digest="",
    )
