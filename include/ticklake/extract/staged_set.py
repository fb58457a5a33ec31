"""All that one extraction fetched of a unit: complete, and not visible yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from include.ticklake.extract.part_reader import ReadablePart
from include.ticklake.extract.part_writer import CompletedPart
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout
from include.ticklake.lake.manifest import JsonSection, Part
from include.ticklake.model.unit import Unit


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

    def numbered(self, first: int) -> tuple[Part, ...]:
        """Its parts with the keys that they have from the number *first* on."""
        return tuple(
            part.numbered(self.feed.name, self.unit, first + at)
            for at, part in enumerate(self.parts)
        )

    def publications(self, parts: Iterable[Part]) -> tuple[Publication, ...]:
        """Its parts as *parts*, which have the same content."""
        return tuple(map(Publication, self.parts, parts))
