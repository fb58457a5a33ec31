"""The parts of one unit, one after the other: the last one may be unfinished."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from include.ticklake.extract.part_writer import CompletedPart, PartWriter, StagedPart
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.storage import Storage
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block
from include.ticklake.model.unit import Unit


class PartSequence:
    """The parts of one unit, one after the other; the last one may be unfinished.

    *from_feed* is the feed whose source they are from, where that is another one.
    """

    def __init__(
        self,
        feed: Feed,
        unit: Unit,
        *,
        completed: Iterable[StagedPart],
        storage: Storage,
        from_feed: str | None = None,
    ) -> None:
        self._feed, self._unit, self._storage = feed, unit, storage
        self._from_feed = from_feed
        self._completed = [CompletedPart(staged, storage=storage) for staged in completed]
        self._part: PartWriter | None = None

    @property
    def completed(self) -> tuple[CompletedPart, ...]:
        """The parts that are whole."""
        return tuple(self._completed)

    @property
    def is_full(self) -> bool:
        """Whether the unfinished part has the size of the feed's parts."""
        return self._part is not None and self._part.size_bytes >= self._feed.part_bytes

    def write(self, records: Iterable[tuple[Record, int | None]]) -> None:
        """Add *records*, each with its event time, to the unfinished part."""
        for record, event_ns in records:
            self._unfinished().write(record, event_ns)

    def write_blocks(self, blocks: Iterable[tuple[Block, Sequence[int | None]]]) -> None:
        """Add the records of *blocks*, each with their event times, to the unfinished part."""
        for block, times_ns in blocks:
            self._unfinished().write_block(block, times_ns)

    def _unfinished(self) -> PartWriter:
        if self._part is None:
            self._part = PartWriter(
                self._feed.name,
                self._unit,
                number=len(self._completed),
                storage=self._storage,
                from_feed=self._from_feed,
            )
        return self._part

    def complete(self) -> None:
        """Complete the unfinished part, if there is one."""
        if self._part is not None:
            self._completed.append(self._part.close())
            self._part = None

    def spill(self) -> tuple[StagedPart, ...]:
        """Keep the completed parts where they outlive this process, and say where."""
        for completed in self._completed:
            completed.spill()
        return self.staged

    @property
    def staged(self) -> tuple[StagedPart, ...]:
        """The completed parts as a checkpoint has them."""
        return tuple(completed.staged for completed in self._completed)

    def abandon(self, *, keep: Iterable[StagedPart] = ()) -> None:
        """Drop the unfinished part, and the completed ones but those to *keep*."""
        if self._part is not None:
            self._part.abandon()
            self._part = None
        kept = {staged.temporary_key for staged in keep}
        for completed in self._completed:
            if completed.staged.temporary_key not in kept:
                completed.discard()
