"""What the parts of a unit say where its manifest is damaged.

Which of them were current follows from what is in them: the later ones, and earlier ones whose
records are in none of those. The others count as superseded. The text of the manifest is kept
among the reports.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Sequence

from msgspec.structs import replace

from include.ticklake.errors import CorruptPartError, RecordsMissingError
from include.ticklake.extract import compare, part_reader
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout
from include.ticklake.lake.layout import Area
from include.ticklake.lake.manifest import JsonSection, Manifest, Part, SupersededSet
from include.ticklake.lake.manifest_checks import part_number
from include.ticklake.lake.storage import JSON_METADATA, Storage
from include.ticklake.model.unit import Unit
from include.ticklake.sources.event_time import event_ns_of

log = logging.getLogger(__name__)


def salvage(
    feed: Feed,
    unit: Unit,
    *,
    storage: Storage,
    is_replacing: bool,
    now_ms: int,
    published: Collection[str] = (),
) -> tuple[Manifest | None, str | None]:
    """A manifest that names every readable part of *unit*, and the version of the damaged one.

    None and None where that is gone by now. *published* are the keys of parts that the caller
    published a moment ago: they count only where they hold what no other does.
    ``RecordsMissingError`` where the parts do not say
    which of them were current, unless *is_replacing*.
    """
    key = layout.manifest_key(feed.name, unit.slice, unit.window)
    damaged = storage.read_versioned(key)
    if damaged is None:
        return None, None
    name = hashlib.sha256(damaged.body).hexdigest()[:8]
    copy = f"{Area.REPORTS}/{layout.unit_path(key)}.{name}.damaged.json"
    storage.put(copy, damaged.body, metadata=JSON_METADATA)
    parts, next_part = _parts(feed, unit, storage=storage)
    parts.sort(key=lambda part: part.key in published)
    current, others, unclear = _sort_out(feed, parts, published, storage=storage)
    if unclear and not is_replacing:
        raise RecordsMissingError(
            f"{feed.name} {unit}: its manifest is damaged, and its parts do not say which of them "
            f"were current, such as {unclear[0].key}; nothing was changed. To start over with what "
            f"the source returns now, run `extract {feed.name} {unit.arguments} --replace`"
        )
    others += unclear
    return Manifest(
        feed=feed.name,
        slice=unit.slice.as_dict(),
        window=unit.window.name,
        json=_section(feed, current, number=len(others) + 1),
        superseded=tuple(
            SupersededSet(json=_section(feed, [part], number=number), superseded_at_ms=now_ms)
            for number, part in enumerate(others, 1)
        ),
        next_part=next_part or None,
    ), damaged.version


def refuse_fewer_than_parquet(feed: Feed, unit: Unit, found: Manifest, *, storage: Storage) -> None:
    """``RecordsMissingError`` where the Parquet of *unit* has more rows than *found* has records.

    Its JSON was removed then, and nobody could say what the source returned less of.
    """
    rows = parquet_rows(feed, unit, storage=storage)
    if rows > found.json.rows:
        raise RecordsMissingError(
            f"{feed.name} {unit}: its manifest is damaged, and its Parquet has {rows} rows, of "
            f"which {found.json.rows} at most are staged; nothing was changed. Run "
            f"`audit {feed.name} {unit.arguments} --repair` first; to replace the Parquet by what "
            f"the source returns now, run `extract {feed.name} {unit.arguments} --replace`"
        )


def parquet_rows(feed: Feed, unit: Unit, *, storage: Storage) -> int:
    """How many rows the window's own file, or else the day that holds it, has of *unit*.

    ``CorruptParquetError`` and ``CorruptManifestError`` where that cannot be read.
    """
    for key in parquet_keys(feed, unit, storage=storage):
        # Imported here: extracting needs no Arrow but for a damaged manifest.
        from pyarrow import parquet

        from include.ticklake.lake.corrupt_parquet import reading_parquet

        with reading_parquet(key, storage=storage), storage.open_file(key) as opened:
            return int(parquet.read_metadata(opened).num_rows)
    day = day_manifest.find_day(feed.name, unit.slice, unit.window, storage=storage)
    compacted = day.compacted(unit.window.name) if day else None
    return compacted.rows if compacted else 0


def parquet_keys(feed: Feed, unit: Unit, *, storage: Storage) -> list[str]:
    """The files of *unit* that are not its day's: pending ones first."""
    folder = layout.window_folder(Area.PENDING, feed.name, unit.slice, unit.window)
    keys = [key for key in storage.list(folder) if layout.window_name(key) == unit.window.name]
    own = layout.parquet_key(feed.name, unit.slice, unit.window)
    return [*keys, own] if storage.exists(own) else keys


def _parts(feed: Feed, unit: Unit, *, storage: Storage) -> tuple[list[Part], int]:
    """The readable parts of *unit*, those with the greatest number first, and the next number."""
    infos = storage.infos(layout.window_folder(Area.JSON, feed.name, unit.slice, unit.window))
    keys = [key for key in infos if layout.window_name(key) == unit.window.name]
    keys.sort(key=part_number, reverse=True)
    parts = []
    for key in keys:
        fetched_ms = int(infos[key].modified_at.timestamp() * 1000) if feed.snapshot else None
        try:
            parts.append(_describe(feed, key, fetched_ms, storage=storage))
        except CorruptPartError as error:
            log.warning("extract.unreadable %s", error)
    return parts, part_number(keys[0]) + 1 if keys else 0


def _describe(feed: Feed, key: str, fetched_ms: int | None, *, storage: Storage) -> Part:
    """The part at *key*; of a snapshot, fetched when it was stored: *fetched_ms*."""
    part = part_reader.measure(key, storage=storage)
    if fetched_ms is not None:
        at_ns = fetched_ms * 10**6
        return replace(part, first_event_ns=at_ns, last_event_ns=at_ns, fetched_at_ms=fetched_ms)
    event_ns = event_ns_of(feed)
    first_ns: int | None = None
    last_ns: int | None = None
    for record in part_reader.committed([part], storage=storage)[0]:
        at = event_ns(record)
        if at is not None:
            first_ns = at if first_ns is None else min(first_ns, at)
            last_ns = at if last_ns is None else max(last_ns, at)
    return replace(part, first_event_ns=first_ns, last_event_ns=last_ns)


def _sort_out(
    feed: Feed, parts: Sequence[Part], published: Collection[str], *, storage: Storage
) -> tuple[list[Part], list[Part], list[Part]]:
    """*parts* as those that were current, those that others hold, and those that are unclear."""
    current: list[Part] = []
    others: list[Part] = []
    unclear: list[Part] = []
    for part in parts:
        new_rows = _rows_not_in(feed, part, current, storage=storage)
        if new_rows == part.rows and _number(part) not in map(_number, current):
            current.insert(0, part)
        elif part.key not in published:
            (unclear if new_rows else others).append(part)
    return current, others, unclear


def _rows_not_in(feed: Feed, part: Part, current: Sequence[Part], *, storage: Storage) -> int:
    if feed.snapshot or not any(_overlap(part, other) for other in current):
        return part.rows
    own = part_reader.committed([part], storage=storage)
    others = part_reader.committed(current, storage=storage)
    return sum(1 for _ in compare.additions(feed, others, own))


def _number(part: Part) -> int:
    return part_number(part.key)


def _overlap(one: Part, other: Part) -> bool:
    if one.first_event_ns is None or other.first_event_ns is None:
        return True
    first_ns = max(one.first_event_ns, other.first_event_ns)
    return first_ns <= min(one.last_event_ns or first_ns, other.last_event_ns or first_ns)


def _section(feed: Feed, parts: Sequence[Part], *, number: int) -> JsonSection:
    rows = sum(part.rows for part in parts)
    return JsonSection(
        received_rows=rows,
        out_of_window_rows=0,
        duplicate_rows=0,
        pages=0,
        page_bytes=0,
        host=feed.host,
        fetched_at_ms=parts[0].fetched_at_ms if parts else None,
        parts=tuple(parts),
        number=number,
    )
