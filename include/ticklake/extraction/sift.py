"""Records in, those that belong to the unit of work out; the others are counted.

A record whose event time cannot be read is kept: the converter puts it into the
quarantine, with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from include.ticklake.extraction.moments import event_ns_of
from include.ticklake.extraction.overlap import Overlap
from include.ticklake.extraction.progress import Progress
from include.ticklake.feeds import Feed
from include.ticklake.http_source import HttpSource
from include.ticklake.paging import Recent, Seen
from include.ticklake.plan import Work
from include.ticklake.sources.records import Record


class ReadPage(Protocol):
    """A page after it was read to its end."""

    rows: int
    page_bytes: int

    def seen(self) -> Seen:
        """What it held."""
        ...


class Sieve:
    """Lets a unit's own records through, each once, and keeps the account of the rest."""

    def __init__(self, feed: Feed, work: Work, done: Progress) -> None:
        self._event_ns, self._start_ns, self._end_ns = _bounds(feed, work, done)
        self._window_end_ns = work.window.end_ms * 10**6
        paging = feed.source.paging if isinstance(feed.source, HttpSource) else None
        overlaps = bool(feed.key and paging and paging.may_overlap)
        self._overlap = Overlap(feed, keys=done.recent_keys) if overlaps else None
        self._recent = paging if isinstance(paging, Recent) else None
        self._done = done

    def through(self, records: Iterable[Record]) -> Iterator[tuple[Record, int | None]]:
        """Each record that belongs here, with its event time in nanoseconds."""
        event_ns, start_ns, end_ns = self._event_ns, self._start_ns, self._end_ns
        overlap, outside, duplicate = self._overlap, 0, 0
        for record in records:
            at_ns = event_ns(record)
            if at_ns is not None and not start_ns <= at_ns < end_ns:
                outside += 1
            elif overlap and overlap.has(record):
                duplicate += 1
            else:
                yield record, at_ns
        self._done = self._done.plus(outside_rows=outside, duplicate_rows=duplicate)

    def note(self, page: ReadPage) -> None:
        """Add *page*, now read, to the account."""
        self._done = self._done.plus(received_rows=page.rows, pages=1, page_bytes=page.page_bytes)
        if self._recent and page.rows >= self._recent.page_rows:
            oldest_ns = page.seen().oldest_ns
            if oldest_ns > self._start_ns:
                missed = self._start_ns, min(oldest_ns, self._window_end_ns)
                self._done = replace(self._done, missed=missed)

    def account(self) -> Progress:
        """The counts so far."""
        keys = self._overlap.keys if self._overlap else ()
        return replace(self._done, recent_keys=keys)


def _bounds(
    feed: Feed, work: Work, done: Progress
) -> tuple[Callable[[Record], int | None], int, int]:
    """What reads a record's event time, and the range of those wanted, in nanoseconds.

    A snapshot is of the moment of fetching, whatever window it is taken for. A candle
    is over when its length has passed before the moment of fetching.
    """
    fetched_ns = done.fetched_at_ms * 10**6
    if feed.snapshot:
        return (lambda _: fetched_ns), fetched_ns, fetched_ns + 1
    end_ns = work.window.end_ms * 10**6
    if length := feed.candle_length(work.slice):
        end_ns = min(end_ns, fetched_ns - int(length.total_seconds()) * 10**9 + 1)
    return event_ns_of(feed.event_time[1]), work.window.start_ms * 10**6, end_ns
