"""All that one extraction fetched of a unit: complete, and not visible yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TypeVar

import msgspec

from include.ticklake.extract.part_reader import ReadablePart
from include.ticklake.extract.part_writer import CompletedPart
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout
from include.ticklake.lake.manifest import JsonSection, Part
from include.ticklake.model.unit import Unit

AnyPart = TypeVar("AnyPart")


def in_order(
    parts: Iterable[AnyPart], feed: Feed, *, part_of: Callable[[AnyPart], Part]
) -> list[AnyPart]:
    """*parts* in the order of *feed*'s records, as far as they do not overlap in time."""
    return sorted(
        parts,
        key=lambda part: part_of(part).first_event_ns or 0,
        reverse=feed.order == "descending",
    )


@dataclass(frozen=True, slots=True)
class Publication:
    """A part, and how a manifest will name it."""

    completed: CompletedPart
    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedSet:
    """The parts of one extraction, and the section that accounts for them."""

    feed: Feed
    unit: Unit
    section: JsonSection
    """Its parts have the keys that they would have in a unit that was never fetched."""
    parts: tuple[CompletedPart, ...]
    from_feed: str | None = None
    """The feed whose source they are from, where its ``into`` names *feed*."""

    @property
    def manifest_key(self) -> str:
        """The key of the unit's manifest."""
        return layout.manifest_key(self.feed.name, self.unit.slice, self.unit.window)

    @property
    def is_small(self) -> bool:
        """Whether it is one object in memory at most: publishing it in vain costs little."""
        return len(self.parts) <= 1 and all(part.is_in_memory for part in self.parts)

    def readable(self) -> list[ReadablePart]:
        """The records of its parts."""
        return [part.readable() for part in self.parts]

    def has_others(self, section: JsonSection) -> bool:
        """Whether parts of *section* are from the source of another feed than these."""
        return any(part.from_feed != self.from_feed for part in section.parts)

    def with_parts(self, others: Iterable[CompletedPart]) -> StagedSet:
        """This set with the records of *others*, too, which were received before."""
        parts = in_order((*self.parts, *others), self.feed, part_of=attrgetter("part"))
        rows = sum(part.part.rows for part in parts) - self.section.rows
        section = msgspec.structs.replace(
            self.section,
            parts=tuple(part.part for part in parts),
            received_rows=self.section.received_rows + rows,
        )
        return replace(self, parts=tuple(parts), section=section)

    def numbered(self, first: int) -> tuple[Part, ...]:
        """Its parts with the keys that they have from the number *first* on."""
        return tuple(
            part.numbered(self.feed.name, self.unit, first + at)
            for at, part in enumerate(self.parts)
        )

    def publications(self, parts: Iterable[Part]) -> tuple[Publication, ...]:
        """Its parts as *parts*, which have the same content."""
        return tuple(map(Publication, self.parts, parts))
