"""Staged records of old units in, the same records as parts of one unit of the feed's grid out.

Nothing is asked of the source. What the unit has already is not added again, so that it may be
done any number of times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from include.ticklake.errors import CorruptPartError
from include.ticklake.extract import part_reader
from include.ticklake.extract.part_sequence import PartSequence
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest, unfinished
from include.ticklake.lake.manifest import JsonSection, Manifest, Part
from include.ticklake.lake.manifest_checks import part_number
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.maintain import regrid_plan
from include.ticklake.model.record import Record
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources.event_time import event_ns_of
from include.ticklake.sources.record_digest import record_digest

HELD_DIGESTS = 200_000
"""How many hashes of records are held at once: about 20 MB."""

TimedRecord = tuple[Record, int | None]
"""A record and its event time in nanoseconds; None where that is not one of its window's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recut:
    """One unit of the feed's, and what is to go there."""

    feed: Feed
    unit: Unit
    sources: Sequence[Manifest]
    """Of units that do not overlap, in the order of time."""
    covers_all: bool
    """Whether nothing of the unit's window was never fetched."""
    storage: Storage
    routed: Counter[str] = field(default_factory=Counter)
    """How many records came from each source, by its manifest's key."""

    def run(self) -> Manifest:
        """Commit the unit with the records of all sources, each once, and return its manifest."""
        key = layout.manifest_key(self.feed.name, self.unit.slice, self.unit.window)
        for _ in range(manifest.ATTEMPTS):
            found = manifest.read_versioned(key, storage=self.storage)
            old, version = found or (None, None)
            if old and regrid_plan.is_expired_json(old):
                raise regrid_plan.expired_error(self.feed, [self.unit])
            parts, rows = self._snapshots(old) if self.feed.snapshot else self._records(old)
            new = self._manifest(old, parts, received_rows=rows)
            if new == old:
                return new
            if (until_ms := new.json.unfinished_until_ms) is not None:
                unfinished.mark(self.feed, self.unit, until_ms=until_ms, storage=self.storage)
            try:
                manifest.write(new, storage=self.storage, expect=version)
            except LostRaceError:
                self._remove_unnamed(parts)
                continue
            return new
        raise manifest.lost_too_often(key, storage=self.storage)

    def _records(self, old: Manifest | None) -> tuple[tuple[Part, ...], int]:
        """Parts with the records that *old* lacks, and the number of all."""
        timed: Callable[[], Iterator[TimedRecord]] = self._timed
        staged = old.json if old and not old.json.removed else None
        additions = timed() if staged is None else lacking(
            self.feed, lambda: self._staged(staged.parts), timed, old_rows=staged.rows
        )  # fmt: skip
        sequence = PartSequence(self.feed, self.unit, completed=(), storage=self.storage)
        try:
            for record in additions:
                sequence.write([record])
                if sequence.is_full:
                    sequence.complete()
            sequence.complete()
        except BaseException:
            sequence.abandon()
            raise
        first = old.free_number if old else 0
        return self._publish(sequence, first), sum(self.routed.values())

    def _publish(self, sequence: PartSequence, first: int) -> tuple[Part, ...]:
        parts = []
        for number, completed in enumerate(sequence.completed, first):
            part = completed.numbered(self.feed.name, self.unit, number)
            completed.publish(part.key)
            parts.append(part)
        return tuple(parts)

    def _remove_unnamed(self, parts: Iterable[Part]) -> None:
        """Delete what was published in vain: no manifest can name it any more."""
        key = layout.manifest_key(self.feed.name, self.unit.slice, self.unit.window)
        if now := manifest.read(key, storage=self.storage):
            named = {part.key for section in now.json_sections for part in section.parts}
            for part in parts:
                if part.key not in named and part_number(part.key) < now.free_number:
                    self.storage.delete(part.key)

    def _snapshots(self, old: Manifest | None) -> tuple[tuple[Part, ...], int]:
        """Copies of the parts that *old* lacks, and the number of the records in all."""
        self.routed.clear()
        have = Counter[tuple[str, int]]()
        if old and not old.json.removed:
            have.update(
                (part.sha256, regrid_plan.fetched_at_ms(part, old.json)) for part in old.json.parts
            )
        number, parts = old.free_number if old else 0, []
        for source, part, at_ms in self._snapshot_parts():
            self.routed[source.key] += part.rows
            if have[part.sha256, at_ms] > 0:
                have[part.sha256, at_ms] -= 1
                continue
            key = self._part_key(number, part)
            self.storage.copy(part.key, key)
            parts.append(replace(part, key=key, fetched_at_ms=at_ms))
            number += 1
        return tuple(parts), sum(self.routed.values())

    def _snapshot_parts(self) -> Iterator[tuple[Manifest, Part, int]]:
        """The parts that belong to the unit, each with its source and the time of fetching."""
        for source in self.sources:
            window = Window.parse(source.window)
            for part in source.json.parts:
                at_ms = regrid_plan.fetched_at_ms(part, source.json)
                if regrid_plan.snapshot_target(self.feed, window, at_ms) == self.unit.window:
                    yield source, part, at_ms

    def _part_key(self, number: int, part: Part) -> str:
        slice_, window = self.unit.slice, self.unit.window
        return layout.part_key(self.feed.name, slice_, window, number=number, sha256=part.sha256)

    def _timed(self) -> Iterator[TimedRecord]:
        """The records of all sources that belong to the unit, in the source's order."""
        self.routed.clear()
        is_newest_first = self.feed.order == "descending"
        for source in reversed(self.sources) if is_newest_first else self.sources:
            for record in self._of_source(source):
                self.routed[source.key] += 1
                yield record

    def _of_source(self, source: Manifest) -> Iterator[TimedRecord]:
        """The records of *source* that belong to the unit.

        Those without a time inside their window go to the unit with the start of that.
        """
        event_ns, target = event_ns_of(self.feed), self.unit.window
        window = Window.parse(source.window)
        is_home = target.start <= window.start < target.end
        for part in source.json.parts:
            if not is_home and not _may_touch(part, target):
                continue
            for record in read_part(self.feed, part, storage=self.storage):
                at_ns = event_ns(record)
                if at_ns is None or not window.start_ns <= at_ns < window.end_ns:
                    if is_home:
                        yield record, None
                elif target.start_ns <= at_ns < target.end_ns:
                    yield record, at_ns

    def _staged(self, parts: Iterable[Part]) -> Iterator[TimedRecord]:
        event_ns, window = event_ns_of(self.feed), self.unit.window
        for part in parts:
            for record in read_part(self.feed, part, storage=self.storage):
                at_ns = event_ns(record)
                is_inside = at_ns is not None and window.start_ns <= at_ns < window.end_ns
                yield record, at_ns if is_inside else None

    def _manifest(
        self, old: Manifest | None, parts: tuple[Part, ...], *, received_rows: int
    ) -> Manifest:
        sections = [source.json for source in self.sources]
        before = old.json if old and not old.json.removed else None
        kept = before.parts if before else ()
        if old and before and not parts:
            return old
        is_newest_first = self.feed.order == "descending"
        rows = sum(part.rows for part in (*kept, *parts))
        received = received_rows + (before.received_rows if before else 0)
        outside = before.out_of_window_rows if before else 0
        filtered = before.filtered_rows if before else 0
        section = JsonSection(
            received_rows=received,
            out_of_window_rows=outside,
            filtered_rows=filtered,
            duplicate_rows=received - outside - filtered - rows,
            lost_range=_lost_range(sections, self.unit.window),
            pages=sum(section.pages for section in (*sections, *([before] if before else []))),
            page_bytes=sum(part.json_bytes for part in (*kept, *parts)),
            host=self.feed.host,
            fetched_at_ms=(before or sections[0]).fetched_at_ms,
            parts=(*parts, *kept) if is_newest_first else (*kept, *parts),
            new_fields=tuple(dict.fromkeys(n for section in sections for n in section.new_fields)),
            unfinished_until_ms=self._unfinished_until_ms(before),
            number=max((s.number for s in old.json_sections), default=0) + 1 if old else 1,
        )
        if old is None:
            return Manifest(
                feed=self.feed.name,
                slice=self.unit.slice.as_dict(),
                window=self.unit.window.name,
                json=section,
            )
        return replace(old, json=section, next_part=max(old.free_number, _after(parts)))

    def _unfinished_until_ms(self, before: JsonSection | None) -> int | None:
        sections = [source.json for source in self.sources] + ([before] if before else [])
        known = [s.unfinished_until_ms for s in sections if s.unfinished_until_ms is not None]
        if not self.covers_all and before is None and not self.feed.snapshot:
            known.append(int(plan.whole_at(self.feed, self.unit).timestamp() * 1000))
        return max(known, default=None)


def read_part(feed: Feed, part: Part, *, storage: Storage) -> Iterator[Record]:
    """Yield the records of *part*; ``CorruptPartError`` where it is not what its manifest says."""
    try:
        for readable in part_reader.committed([part], storage=storage):
            yield from readable
    except CorruptPartError as error:
        raise CorruptPartError(
            f"{error}; readers still see the old windows. Undo the change to the feed's file, run "
            f"`regrid {feed.name}`, then `audit {feed.name} --start TIME --end TIME --repair`"
        ) from None


def lacking(
    feed: Feed,
    old: Callable[[], Iterable[TimedRecord]],
    new: Callable[[], Iterable[TimedRecord]],
    *,
    old_rows: int,
    held: int = HELD_DIGESTS,
) -> Iterator[TimedRecord]:
    """Yield the records of *new* that *old* lacks; both are read once for each *held* old rows.

    A record is known by its key and its time, or by all of it: one that comes twice in *new* and
    once in *old* is lacking once.
    """
    digest = record_digest(feed)
    passes = max(-(-old_rows // held), 1)
    for number in range(passes):
        known = Counter[int]()
        for record, at_ns in old():
            if (name := hash((digest(record), at_ns))) % passes == number:
                known[name] += 1
        for record, at_ns in new():
            if (name := hash((digest(record), at_ns))) % passes != number:
                continue
            if known[name] > 0:
                known[name] -= 1
            else:
                yield record, at_ns


def _may_touch(part: Part, target: Window) -> bool:
    """Whether records of *part* may lie in *target*, by the times in its manifest."""
    if part.first_event_ns is None or part.last_event_ns is None:
        return False
    return part.first_event_ns < target.end_ns and part.last_event_ns >= target.start_ns


def _lost_range(sections: Iterable[JsonSection], target: Window) -> tuple[int, int] | None:
    """What of *target* a source without history no longer had."""
    lost = [s.lost_range for s in sections if s.lost_range is not None]
    first_ns = max(min((start for start, _ in lost), default=0), target.start_ns)
    after_ns = min(max((end for _, end in lost), default=0), target.end_ns)
    return (first_ns, after_ns) if first_ns < after_ns else None


def _after(parts: Iterable[Part]) -> int:
    return max((part_number(part.key) + 1 for part in parts), default=0)
