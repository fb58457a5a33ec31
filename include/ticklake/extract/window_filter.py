"""The records that belong to a unit; the others are counted.

A record whose event time cannot be read, or gives no plausible year, is kept: it belongs to
no other window, and conversion quarantines it with a reason. But where another unit makes it
a plausible time, the source has changed its unit, and the extraction stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeGuard

from msgspec.structs import replace

from include.ticklake.errors import TimeUnitError
from include.ticklake.extract.checkpoint import Checkpoint
from include.ticklake.extract.dedup import (
    Duplicates,
    EdgeDuplicates,
    OverlapState,
    RecentRecords,
)
from include.ticklake.extract.left_out import LeftOutRecords
from include.ticklake.extract.record_filter import record_filter
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.paging import PageInfo, Paging
from include.ticklake.model import times
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block
from include.ticklake.model.unit import Unit
from include.ticklake.sources.event_time import EventTimes, event_times_of, text_at


class ReadPage(Protocol):
    """A page that was read to its end."""

    rows: int
    page_bytes: int

    @property
    def where(self) -> str:
        """The request that it answered."""
        ...

    def info(self) -> PageInfo:
        """What it held."""
        ...


class WindowFilter:
    """Lets the records of one unit pass, each once, and counts the others."""

    def __init__(self, feed: Feed, unit: Unit, progress: Checkpoint) -> None:
        self._event_times, self._start_ns, self._end_ns = _bounds(feed, unit, progress)
        self._left_out = LeftOutRecords(feed, unit, progress)
        self._plausible_ns = times.plausible_range(feed.years, unit="ns")
        self._refuse_other_unit = unit_guard(feed)
        self._window_end_ns = unit.window.end_ns
        paging = feed.source.paging if isinstance(feed.source, HttpSource) else None
        self._duplicates = _duplicates(feed, paging, progress.overlap)
        forgets = paging is not None and not paging.has_history
        # Of the records that share the oldest time some may be lacking; candles share none.
        self._oldest_may_lack_ns = 0 if feed.candle else 1
        self._full_page_rows: int | None = getattr(paging, "page_rows", None) if forgets else None
        self._is_wanted = record_filter(feed.where)
        self._progress = progress

    def filter(self, blocks: Iterable[Block]) -> Iterator[tuple[Block, Sequence[int | None]]]:
        """Yield the records that belong to the unit, and their event times in nanoseconds.

        ``TimeUnitError`` where a time is in another unit than the feed says.
        """
        event_times, start_ns, end_ns = self._event_times, self._start_ns, self._end_ns
        known, outside, duplicates, dropped = self._duplicates, 0, 0, 0
        is_wanted = self._is_wanted
        at_ns = None
        for block in blocks:
            times_ns = event_times(block)
            if not known and not is_wanted and _are_within(times_ns, start_ns, end_ns):
                at_ns = times_ns[-1]
                yield block, times_ns
                continue
            passed: Block = []
            passed_ns: list[int | None] = []
            for record, record_ns in zip(block, times_ns, strict=True):
                at_ns = record_ns
                is_outside = at_ns is None or not start_ns <= at_ns < end_ns
                if is_outside and not self._is_plausible(at_ns):
                    self._refuse_other_unit(record)
                    at_ns = None
                if known and known.seen_before(record, at_ns, is_outside=is_outside):
                    duplicates += 1
                elif is_outside and at_ns is not None and self._left_out.add(at_ns):
                    outside += 1
                elif is_wanted and not is_wanted(record):
                    dropped += 1
                else:
                    passed.append(record)
                    passed_ns.append(at_ns)
            if passed:
                yield passed, passed_ns
        self._left_out.end_page(at_ns)
        self._progress = self._progress.plus(
            out_of_window_rows=outside, duplicate_rows=duplicates, filtered_rows=dropped
        )

    def _is_plausible(self, at_ns: int | None) -> TypeGuard[int]:
        first_ns, after_ns = self._plausible_ns
        return at_ns is not None and first_ns <= at_ns < after_ns

    def add_page(self, page: ReadPage) -> None:
        """Count *page*, which was read to its end."""
        self._progress = self._progress.plus(
            received_rows=page.rows, pages=1, page_bytes=page.page_bytes
        )
        if self._duplicates:
            self._duplicates.end_page(page.where)
        if self._full_page_rows and page.rows >= self._full_page_rows:
            complete_from_ns = page.info().oldest_ns + self._oldest_may_lack_ns
            if complete_from_ns > self._start_ns:
                lost_range = self._start_ns, min(complete_from_ns, self._window_end_ns)
                self._progress = replace(self._progress, lost_range=lost_range)

    def progress(self) -> Checkpoint:
        """The counts so far."""
        overlap = self._duplicates.state() if self._duplicates else OverlapState()
        return replace(self._left_out.added_to(self._progress), overlap=overlap)


def _are_within(times_ns: Sequence[int | None], start_ns: int, end_ns: int) -> bool:
    """Whether every record has a time, and all of them belong to the unit."""
    known_ns = [at_ns for at_ns in times_ns if at_ns is not None]
    return len(known_ns) == len(times_ns) and start_ns <= min(known_ns) and max(known_ns) < end_ns


def _duplicates(feed: Feed, paging: Paging | None, state: OverlapState) -> Duplicates | None:
    """What recognises the duplicates of the feed's pages; None where pages do not overlap."""
    if paging is None:
        return None
    if paging.may_overlap:
        return RecentRecords(feed, paging, state)
    cut_by_time = paging.shared_instant_ns and not (feed.snapshot and not feed.key)
    return EdgeDuplicates(feed, paging, state) if cut_by_time else None


def unit_guard(feed: Feed) -> Callable[[Record], None]:
    """A function that raises ``TimeUnitError`` for a record whose time is in another unit."""
    name, field = feed.event_time
    text_of = text_at(field.source)

    def refuse_other_unit(record: Record) -> None:
        if field.format:  # which is no unit: digits in it may be a time in any
            return
        text = text_of(record)
        if other := times.detect_other_unit(text, field.units, years=feed.years):
            raise TimeUnitError(
                f"feed {feed.name}, field {name}: {text} in {' or '.join(field.units)} is not "
                f"between {feed.years[0]} and {feed.years[1]}; {other}. The source has changed its "
                f"unit: nothing was committed; "
                f"{times.suggest_unit(text, field.units, years=feed.years)}"
            )

    return refuse_other_unit


def _bounds(feed: Feed, unit: Unit, progress: Checkpoint) -> tuple[EventTimes, int, int]:
    """A function that reads the event times of a block, and the range that belongs to the unit.

    A snapshot happens when it is fetched, whatever its window. A candle is over when its
    length has passed before the time of fetching; of later ones ``LeftOutRecords`` decides.
    """
    fetched_ns = progress.fetched_at_ms * 10**6
    if feed.snapshot:
        return (lambda block: [fetched_ns] * len(block)), fetched_ns, fetched_ns + 1
    end_ns = unit.window.end_ns
    if candles := feed.candles(unit.slice):
        end_ns = min(end_ns, fetched_ns - candles.length_s * 10**9 + 1)
    return event_times_of(feed), unit.window.start_ns, end_ns
