"""Adding what one fetch returned to what another one did.

A source without history has forgotten what it returned before, and of the two sources of one table,
files and an API, neither knows what the other has. A record is in the lake once: one that is there
already counts as a duplicate. A snapshot is of another moment than the one before, and is added as
a whole, unless nothing in it has changed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import groupby

from msgspec.structs import replace

from include.ticklake.extract import compare, part_reader
from include.ticklake.extract.part_reader import ReadablePart
from include.ticklake.extract.part_sequence import PartSequence
from include.ticklake.extract.staged_set import Publication, StagedSet, in_order
from include.ticklake.lake.manifest import JsonSection, Manifest, Part
from include.ticklake.lake.storage import Storage
from include.ticklake.sources.event_time import event_ns_of

log = logging.getLogger(__name__)

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
    committed = part_reader.committed(old.parts, storage=storage)
    overlap = compare.Overlap()
    extra = _write_additions(
        staged, committed, staged.readable(), from_feed=staged.from_feed, overlap=overlap,
        storage=storage,
    )  # fmt: skip
    if staged.has_others(old):
        _warn_of_other_values(staged, overlap)
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
    together = (*parts, *old.parts) if is_newest_first else (*old.parts, *parts)
    if staged.has_others(old):  # as likely before as after
        together = tuple(in_order(together, staged.feed, part_of=lambda part: part))
    return replace(
        old,
        received_rows=old.received_rows + new.received_rows,
        out_of_window_rows=old.out_of_window_rows + new.out_of_window_rows,
        filtered_rows=old.filtered_rows + new.filtered_rows,
        duplicate_rows=old.duplicate_rows + new.duplicate_rows + new.rows - rows,
        pages=old.pages + new.pages,
        page_bytes=old.page_bytes + new.page_bytes,
        new_fields=tuple(dict.fromkeys((*old.new_fields, *new.new_fields))),
        parts=together,
    )


def join(staged: StagedSet, parts: Iterable[Part], *, storage: Storage) -> StagedSet:
    """*staged*, and of the records of committed *parts* all that it lacks.

    ``CorruptPartError`` where one cannot be read.
    """
    joined = staged
    by_feed: dict[str | None, list[Part]] = {}
    for part in parts:
        by_feed.setdefault(part.from_feed, []).append(part)
    for from_feed, committed in by_feed.items():
        extra = _write_additions(
            staged, joined.readable(), part_reader.committed(committed, storage=storage),
            from_feed=from_feed, overlap=None, storage=storage,
        )  # fmt: skip
        joined = joined.with_parts(extra.completed)
    return joined


def _write_additions(
    staged: StagedSet,
    old: list[ReadablePart],
    new: list[ReadablePart],
    *,
    from_feed: str | None,
    overlap: compare.Overlap | None,
    storage: Storage,
) -> PartSequence:
    """The records of *new* that *old* lacks, in parts."""
    feed, unit = staged.feed, staged.unit
    extra = PartSequence(feed, unit, completed=(), storage=storage, from_feed=from_feed)
    event_ns = event_ns_of(feed)
    start_ns, end_ns = unit.window.start_ns, unit.window.end_ns
    try:
        for record in compare.additions(feed, old, new, overlap=overlap):
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


def _warn_of_other_values(staged: StagedSet, overlap: compare.Overlap) -> None:
    if overlap.differing:
        log.warning(
            "extract.differs feed=%s slice=%s window=%s: of the first %d records that both %s and "
            "the lake have, %d have other values, such as %s %s; what was there first stays",
            staged.feed.name, staged.unit.slice, staged.unit.window.name, overlap.compared,
            staged.from_feed or "the source", overlap.differing, ", ".join(staged.feed.key),
            (overlap.example or "").replace("\n", ", "),
        )  # fmt: skip


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
