"""Records in, those that belong to the unit of work out; the others are counted.

A record whose event time cannot be read, or lies in no plausible year, is kept: it is of
no other window, and the converter puts it into the quarantine, with a reason. But where
another unit makes it a time, the source has changed its unit, and nothing goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from include.ticklake.errors import TimeUnitError
from include.ticklake.extract.checkpoint import Checkpoint
from include.ticklake.extract.dedup import RecentKeys
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.paging import PageInfo
from include.ticklake.model import times
from include.ticklake.model.record import Record
from include.ticklake.model.unit import Unit
from include.ticklake.sources.event_time import event_ns_of, text_at


class ReadPage(Protocol):
    """A page after it was read to its end."""

    rows: int
    page_bytes: int

    def info(self) -> PageInfo:
        """What it held."""
        ...


class WindowFilter:
    """Lets a unit's own records through, each once, and keeps the account of the rest."""

    def __init__(self, feed: Feed, work: Unit, done: Checkpoint) -> None:
        self._event_ns, self._start_ns, self._end_ns = _bounds(feed, work, done)
        self._plausible_ns = times.plausible_range(feed.years, unit="ns")
        self._refuse_other_unit = _unit_guard(feed)
        self._window_end_ns = work.window.end_ns
        paging = feed.source.paging if isinstance(feed.source, HttpSource) else None
        overlaps = bool(feed.key and paging and paging.may_overlap)
        self._overlap = RecentKeys(feed, keys=done.recent_keys) if overlaps else None
        forgets = paging is not None and not paging.has_history
        self._full_page_rows: int | None = getattr(paging, "page_rows", None) if forgets else None
        self._done = done

    def through(self, records: Iterable[Record]) -> Iterator[tuple[Record, int | None]]:
        """Each record that belongs here, with its event time in nanoseconds.

        ``TimeUnitError`` where a time is in another unit than the feed says.
        """
        event_ns, start_ns, end_ns = self._event_ns, self._start_ns, self._end_ns
        overlap, outside, duplicate = self._overlap, 0, 0
        for record in records:
            at_ns = event_ns(record)
            if at_ns is None or not start_ns <= at_ns < end_ns:
                if self._is_plausible(at_ns):
                    outside += 1
                    continue
                self._refuse_other_unit(record)
                at_ns = None
            if overlap and overlap.has(record):
                duplicate += 1
            else:
                yield record, at_ns
        self._done = self._done.plus(outside_rows=outside, duplicate_rows=duplicate)

    def _is_plausible(self, at_ns: int | None) -> bool:
        first_ns, after_ns = self._plausible_ns
        return at_ns is not None and first_ns <= at_ns < after_ns

    def note(self, page: ReadPage) -> None:
        """Add *page*, now read, to the account."""
        self._done = self._done.plus(received_rows=page.rows, pages=1, page_bytes=page.page_bytes)
        if self._full_page_rows and page.rows >= self._full_page_rows:
            oldest_ns = page.info().oldest_ns
            if oldest_ns > self._start_ns:
                missed = self._start_ns, min(oldest_ns, self._window_end_ns)
                self._done = replace(self._done, missed=missed)

    def account(self) -> Checkpoint:
        """The counts so far."""
        keys = self._overlap.keys if self._overlap else ()
        return replace(self._done, recent_keys=keys)


def _unit_guard(feed: Feed) -> Callable[[Record], None]:
    """What raises ``TimeUnitError`` for a record whose time is one in another unit."""
    name, field = feed.event_time
    written = text_at(field.source)

    def refuse_other_unit(record: Record) -> None:
        text = written(record)
        if told := times.detect_other_unit(text, field.units, years=feed.years):
            raise TimeUnitError(
                f"feed {feed.name}, field {name}: {text} is no time between {feed.years[0]} and "
                f"{feed.years[1]} in {' or '.join(field.units)}, as the feed says; {told}. The "
                f"source has changed its unit: nothing was committed; "
                f"{times.suggest_unit(text, field.units, years=feed.years)}"
            )

    return refuse_other_unit


def _bounds(
    feed: Feed, work: Unit, done: Checkpoint
) -> tuple[Callable[[Record], int | None], int, int]:
    """What reads a record's event time, and the range of those wanted, in nanoseconds.

    A snapshot is of the moment of fetching, whatever window it is taken for. A candle
    is over when its length has passed before the moment of fetching.
    """
    fetched_ns = done.fetched_at_ms * 10**6
    if feed.snapshot:
        return (lambda _: fetched_ns), fetched_ns, fetched_ns + 1
    end_ns = work.window.end_ns
    if length := feed.candle_length(work.slice):
        end_ns = min(end_ns, fetched_ns - int(length.total_seconds()) * 10**9 + 1)
    return event_ns_of(feed), work.window.start_ns, end_ns
