"""The windows of a table that a file's records belong to, staged at once while it is read.

The records of a file come in the order of time, more or less: a part is written until a record of
another window comes, and with ``order: none`` those of several windows at once, as many as memory
has room for. All parts wait until the file is read to its end, and its checksum is right.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from msgspec.structs import replace

from include.ticklake.errors import MalformedPageError
from include.ticklake.extract.checkpoint import Checkpoint, OutsideTimes
from include.ticklake.extract.part_sequence import PartSequence
from include.ticklake.extract.part_writer import CompletedPart
from include.ticklake.extract.window_filter import WindowFilter
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.storage import Storage
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import in_blocks
from include.ticklake.model.unit import Unit
from include.ticklake.sources.event_time import event_ns_of

HELD_BYTES = 8 * 1024**2
"""Of completed parts in memory, of all windows together."""
_OPEN_PARTS = 2
_OPEN_PARTS_OF_NO_ORDER = 24
_MAX_SHORT_PARTS = 500
"""Parts of one window that end because records of other windows came in between."""


class TargetWindow:
    """One window of the table, while a file is read that has records of it."""

    def __init__(
        self, feed: Feed, unit: Unit, *, from_feed: str, now_ms: int, storage: Storage
    ) -> None:
        self.unit = unit
        self.parts = PartSequence(feed, unit, completed=(), storage=storage, from_feed=from_feed)
        self.short_parts = 0
        self._filter = WindowFilter(feed, unit, Checkpoint(feed_digest="", fetched_at_ms=now_ms))
        self._rows = self._pages = self._page_bytes = 0

    def write(self, records: Iterable[Record]) -> None:
        """Add *records*, which are of this window or of no time."""
        self.parts.write_blocks(self._filter.filter(in_blocks(self._counted(records))))
        if self.parts.is_full:
            self.parts.complete()

    def count_page(self, page_bytes: int) -> None:
        """Count a page that ended with a record of this window."""
        self._pages += 1
        self._page_bytes += page_bytes

    def progress(self, *, new_fields: Sequence[str] = ()) -> Checkpoint:
        """What was staged."""
        return replace(
            self._filter.progress(),
            received_rows=self._rows,
            pages=self._pages,
            page_bytes=self._page_bytes,
            new_fields=tuple(new_fields) if self._rows else (),
            parts=self.parts.staged,
        )

    def _counted(self, records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            self._rows += 1
            yield record


class TargetWindows:
    """The windows of one unit of a feed of files, in the order of time."""

    def __init__(self, feed: Feed, unit: Unit, *, now_ms: int, storage: Storage) -> None:
        self.feed = as_target(feed)
        units = plan.target_units(feed, unit)
        self.windows = [
            TargetWindow(self.feed, part, from_feed=feed.name, now_ms=now_ms, storage=storage)
            for part in units
        ]
        self._event_ns = event_ns_of(self.feed)
        self._starts_ns = [part.window.start_ns for part in units]
        self._max_open = _OPEN_PARTS_OF_NO_ORDER if feed.order == "none" else _OPEN_PARTS
        self._at = 0
        self._open: OrderedDict[int, None] = OrderedDict()
        self._held: list[CompletedPart] = []

    def write_page(self, records: Iterable[Record], *, where: str) -> None:
        """Add the *records* of a page, each to its window; *where* is for errors."""
        for at, group in groupby(records, key=self._window_of):
            window = self.windows[at]
            self._open[at] = None
            self._open.move_to_end(at)
            window.write(group)
            if len(self._open) > self._max_open:
                self._close(next(iter(self._open)), where=where)
        self._hold()

    def count_page(self, page_bytes: int) -> None:
        """Count the page that was written."""
        self.windows[self._at].count_page(page_bytes)

    def complete(self) -> None:
        """Complete the last parts."""
        for window in self.windows:
            window.parts.complete()

    def abandon(self) -> None:
        """Drop all parts that are not published."""
        for window in self.windows:
            window.parts.abandon()

    def total(self) -> Checkpoint:
        """The counts of all windows together, as of one."""
        each = [window.progress() for window in self.windows]
        total = replace(each[0], parts=tuple(part for one in each for part in one.parts))
        outside = [one.outside for one in each if one.outside]
        if outside:
            total = replace(
                total,
                outside=OutsideTimes(
                    received_first_ns=outside[0].received_first_ns,
                    oldest_ns=min(times.oldest_ns for times in outside),
                    newest_ns=max(times.newest_ns for times in outside),
                ),
            )
        return replace(
            total,
            out_of_window_rows=sum(one.out_of_window_rows for one in each),
            filtered_rows=sum(one.filtered_rows for one in each),
        )

    def _window_of(self, record: Record) -> int:
        """The window of *record*; where its time cannot be read, that of the one before."""
        at_ns = self._event_ns(record)
        if at_ns is not None:
            self._at = max(bisect_right(self._starts_ns, at_ns) - 1, 0)
        return self._at

    def _close(self, at: int, *, where: str) -> None:
        del self._open[at]
        window = self.windows[at]
        window.parts.complete()
        window.short_parts += 1
        if window.short_parts > _MAX_SHORT_PARTS:
            advice = "" if self._max_open > _OPEN_PARTS else "write `order: none`, or "
            raise MalformedPageError(
                f"{where}: its records are not in the order of time, and the windows of "
                f"{self.feed.name} are shorter than the file; {advice}sort it by time"
            )

    def _hold(self) -> None:
        """Keep what is completed elsewhere than in memory, once it is too much."""
        held = [
            part for window in self.windows for part in window.parts.completed if part.is_in_memory
        ]
        if sum(part.part.gzip_bytes for part in held) > HELD_BYTES:
            for part in held:
                part.spill()


def as_target(feed: Feed) -> Feed:
    """The feed of the table, as if it had the source of *feed*: what is staged is for it."""
    return feed.target.model_copy(update={"source": feed.source, "order": feed.order})
