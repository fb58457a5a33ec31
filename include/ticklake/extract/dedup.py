"""What came before, where pages may overlap: single records, which are dropped, and whole pages.

Pages overlap where a cursor is inclusive, or where a ranking shifts between two pages. A bounded
number of records is remembered by their keys, or as a whole where they have none.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

import msgspec

from include.ticklake.errors import MalformedPageError
from include.ticklake.extract.page_overlap import PageOverlap
from include.ticklake.extract.repeated_pages import PageEnds, RepeatedPages, RepeatState
from include.ticklake.extract.shared_edges import SharedEdges
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.paging import Paging
from include.ticklake.feed.paging.signals import starts_over
from include.ticklake.model.record import Record
from include.ticklake.sources.record_digest import is_by_key, record_digest

REMEMBERED = 5_000
"""More than any exchange's page, so that two neighbours are always compared."""


class OverlapState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What another process resumes with."""

    recent: tuple[str, ...] = ()
    """The last records, oldest first."""
    edges: tuple[str, ...] = ()
    """The records at both ends of the last page."""
    last_page: tuple[str, ...] = ()
    """The records at the end of the last page, where they have no key."""
    repeats: RepeatState = RepeatState()


class Duplicates(Protocol):
    """What recognises a record that an overlapping page has brought already."""

    def seen_before(self, record: Record, at_ns: int | None, *, is_outside: bool = False) -> bool:
        """Return whether *record*, of the time *at_ns*, came before; remember it.

        Also one outside the window: its page may come again.
        """
        ...

    def end_page(self, where: str) -> None:
        """The page of *where* is read to its end; ``MalformedPageError`` if it came before."""
        ...

    def state(self) -> OverlapState:
        """What another process resumes with after the last page that was read to its end."""
        ...


class EdgeDuplicates:
    """The duplicates of pages that are cut by time: the last instant is requested again."""

    def __init__(self, feed: Feed, paging: Paging, state: OverlapState) -> None:
        self._digest = record_digest(feed)
        self._edges = SharedEdges(instant_ns=paging.shared_instant_ns, keys=state.edges)

    def seen_before(self, record: Record, at_ns: int | None, *, is_outside: bool = False) -> bool:  # noqa: ARG002
        """Return whether the page before held *record* at its edge."""
        return self._edges.seen_before(self._digest(record), at_ns)

    def end_page(self, where: str) -> None:  # noqa: ARG002 - paging by time always advances
        """The next page may repeat this one's edges."""
        self._edges.end_page()

    def state(self) -> OverlapState:
        """The records at both ends of the last page."""
        return OverlapState(edges=self._edges.keys)


class RecentRecords:
    """The last records: one with a key comes once, one without comes again at edges only.

    A page whose records all came before is refused, except for the last page of a source that
    returns it again.
    """

    def __init__(self, feed: Feed, paging: Paging, state: OverlapState) -> None:
        self._digest = record_digest(feed)
        self._recent = OrderedDict((digest, at) for at, digest in enumerate(state.recent))
        self._position = len(self._recent)
        instant_ns = paging.shared_instant_ns or 1
        # The records of a snapshot have one time: all of them would be an edge.
        self._edges = (
            None if feed.snapshot else SharedEdges(instant_ns=instant_ns, keys=state.edges)
        )
        self._overlap = None if feed.key else PageOverlap(state.last_page)
        self._compares_times = not feed.key and not feed.snapshot and feed.order != "none"
        self._has_key = bool(feed.key)
        self._has_times = not feed.snapshot
        self._may_repeat_last = getattr(paging, "after_last_page", None) == "repeated"
        self._repeats = RepeatedPages(
            state.repeats, position=self._position, advice=_advice(feed, paging)
        )
        self._start_page()

    def _start_page(self) -> None:
        self._rows = self._times = 0
        self._first = self._last = ""
        self._first_ns: int | None = None
        self._has_several_times = self._is_last_again = False

    def seen_before(self, record: Record, at_ns: int | None, *, is_outside: bool = False) -> bool:
        """Return whether *record* came before."""
        digest, came_before = self._remember(record, at_ns)
        if is_by_key(digest):
            return came_before
        is_known = bool(self._edges and self._edges.seen_before(digest, at_ns))
        is_known |= self._is_last_again and not self._has_key
        repeats_end = self._overlap and self._overlap.seen_before(
            digest, is_known=is_known or is_outside
        )
        return is_known or bool(repeats_end)

    def _remember(self, record: Record, at_ns: int | None) -> tuple[str, bool]:
        digest = self._digest(record)
        if not self._rows:
            self._first, self._first_ns = digest, at_ns
            self._is_last_again = self._may_repeat_last and digest == self._repeats.previous.first
        self._rows += 1
        self._last = digest
        position = self._recent.get(digest)
        if position is None:
            self._recent[digest] = self._position
            self._position += 1
            if len(self._recent) > REMEMBERED:
                self._recent.popitem(last=False)
        if not self._repeats.is_new:
            self._repeats.judge(digest, position, at_ns if self._has_times else None)
        if self._repeats.collects:
            self._repeats.collect(digest)
        if self._compares_times:
            self._times = hash((self._times, at_ns or 0))
            self._has_several_times |= at_ns != self._first_ns
        return digest, position is not None

    def end_page(self, where: str) -> None:
        """Refuse the page if all of its records came before."""
        if self._edges:
            self._edges.end_page()
        if not self._rows:
            return
        ends = PageEnds(
            first=self._first,
            last=self._last,
            rows=self._rows,
            times=self._times if self._has_several_times else 0,
        )
        if self._is_last_again and not self._has_key and ends != self._repeats.previous:
            raise MalformedPageError(
                f"{where}: it starts as the page before, and differs; check "
                "source.paging.after_last_page, or give the feed a key"
            )
        if self._overlap:
            self._overlap.end_page(where)
        self._repeats.end_page(
            ends, position=self._position, where=where, is_last_again=self._is_last_again
        )
        self._start_page()

    def state(self) -> OverlapState:
        """The last records, and what is known of earlier pages."""
        return OverlapState(
            recent=tuple(self._recent),
            edges=self._edges.keys if self._edges else (),
            last_page=self._overlap.rows if self._overlap else (),
            repeats=self._repeats.state(),
        )


def _advice(feed: Feed, paging: Paging) -> str:
    advice = starts_over(paging)
    return advice if feed.key else f"{advice}, or mark the key in fields"
