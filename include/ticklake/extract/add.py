"""Adding what a source without history returns now to what it returned before.

Its records are in the lake once: one that is there already counts as a duplicate. A snapshot is
of another moment than the one before, and is added as a whole, unless nothing in it has changed.
"""

from __future__ import annotations

from itertools import groupby

from msgspec.structs import replace

from include.ticklake.extract import compare, part_reader
from include.ticklake.extract.part_writer import PartSequence
from include.ticklake.extract.staged_set import Publication, StagedSet
from include.ticklake.lake.manifest import JsonSection, Manifest, Part
from include.ticklake.lake.storage import Storage
from include.ticklake.sources.event_time import event_ns_of

TimeRange = tuple[int, int] | None


def add(
    current: Manifest, staged: StagedSet, *, storage: Storage
) -> tuple[JsonSection, tuple[Publication, ...]]:
    """The section of both together, and the parts to publish for it.

    ``CorruptPartError`` where what is there cannot be read.
    """
    if staged.feed.snapshot:
        return _add_snapshot(current, staged)
    old, new = current.json, staged.section
    finished = replace(
        old,
        unfinished_until_ms=new.unfinished_until_ms if old.unfinished_until_ms else None,
        lost_range=_lost_range(staged, old),
    )
    if old.digest == new.digest:
        return finished, staged.publications(old.parts)
    extra = _write_additions(old, staged, storage=storage)
    free = current.free_number
    publications = tuple(
        Publication(part, part.numbered(staged.feed.name, staged.unit, free + at))
        for at, part in enumerate(extra.completed)
    )
    parts = tuple(publication.part for publication in publications)
    if not parts:
        return finished, ()
    rows = sum(part.rows for part in parts)
    return _sum(finished, new, parts, rows=rows, staged=staged), publications


def _add_snapshot(
    current: Manifest, staged: StagedSet
) -> tuple[JsonSection, tuple[Publication, ...]]:
    old, new = current.json, staged.section
    shas = [part.sha256 for part in new.parts]
    for _, group in groupby(old.parts, key=lambda part: part.fetched_at_ms):
        earlier = tuple(group)
        if [part.sha256 for part in earlier] == shas:
            return old, staged.publications(earlier)
    parts = tuple(
        replace(part, fetched_at_ms=new.fetched_at_ms)
        for part in staged.numbered(current.free_number)
    )
    return _sum(old, new, parts, rows=new.rows, staged=staged), staged.publications(parts)


def _sum(
    old: JsonSection, new: JsonSection, parts: tuple[Part, ...], *, rows: int, staged: StagedSet
) -> JsonSection:
    """*old* and the *parts*, which hold *rows* of *new*."""
    is_newest_first = staged.feed.order == "descending"
    return replace(
        old,
        received_rows=old.received_rows + new.received_rows,
        out_of_window_rows=old.out_of_window_rows + new.out_of_window_rows,
        filtered_rows=old.filtered_rows + new.filtered_rows,
        duplicate_rows=old.duplicate_rows + new.duplicate_rows + new.rows - rows,
        pages=old.pages + new.pages,
        page_bytes=old.page_bytes + new.page_bytes,
        new_fields=tuple(dict.fromkeys((*old.new_fields, *new.new_fields))),
        parts=(*parts, *old.parts) if is_newest_first else (*old.parts, *parts),
    )


def _write_additions(old: JsonSection, staged: StagedSet, *, storage: Storage) -> PartSequence:
    feed, unit = staged.feed, staged.unit
    extra = PartSequence(feed, unit, completed=(), storage=storage)
    committed = part_reader.committed(old.parts, storage=storage)
    event_ns = event_ns_of(feed)
    start_ns, end_ns = unit.window.start_ns, unit.window.end_ns
    try:
        for record in compare.additions(feed, committed, staged.readable()):
            at_ns = event_ns(record)
            is_inside = at_ns is not None and start_ns <= at_ns < end_ns
            extra.write([(record, at_ns if is_inside else None)])
            if extra.is_full:
                extra.complete()
        extra.complete()
    except BaseException:
        extra.abandon()
        raise
    return extra


def _lost_range(staged: StagedSet, old: JsonSection) -> TimeRange:
    """The times that neither *old* nor *staged* has, where that is known."""
    lost = staged.section.lost_range
    if lost is None or old.unfinished_until_ms is None:
        return lost and old.lost_range
    known_ns = [part.last_event_ns for part in old.parts if part.last_event_ns is not None]
    candles = staged.feed.candles(staged.unit.slice)
    through_ns = max(known_ns, default=lost[0])
    if known_ns:
        through_ns = candles.end_ns(through_ns) if candles else through_ns + 1
    if through_ns >= lost[1]:  # the two overlap, or meet
        return old.lost_range
    return (old.lost_range or (through_ns, 0))[0], lost[1]
