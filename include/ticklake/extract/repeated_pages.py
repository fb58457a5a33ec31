"""Pages that came before: the source ignores what it is asked for, or has started over.

Some overlap is legal: an inclusive cursor repeats the last record, a ranking shifts between two
pages. So a page counts only where none of its records is new, and they have several times (or,
in a snapshot, are several). The last records of the page before may come again, once.
"""

from __future__ import annotations

import msgspec

from include.ticklake.errors import MalformedPageError
from include.ticklake.extract.record_sample import RecordSample

_MAX_REPEATED_PAGES = 100
"""In a row: also where all of their records share one time."""


class PageEnds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what a page is recognised that comes again."""

    first: str = ""
    last: str = ""
    rows: int = 0
    times: int = 0
    """A number that stands for the times of all records, in their order; 0 for one time only."""


class RepeatState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What another process resumes with."""

    stretch: tuple[str, ...] = ()
    one_in: int = 1
    stretch_rows: int = 0
    stretch_pages: int = 0
    pages: int = 0
    largest_rows: int = 0
    previous: PageEnds = PageEnds()
    previous_new_rows: int = 0
    repeated_pages: int = 0
    marks: tuple[str, ...] = ()


class RepeatedPages:
    """Judges the pages of a unit by what is new in them.

    The last records are remembered by the caller. Of the earlier ones, a stretch is remembered
    here: it starts with pages 1, 2, 4, 8, ... and is as long as two pages. So a source that starts
    over, at whatever record, brings a page that is in the stretch as a whole, a few rounds later.
    """

    def __init__(self, state: RepeatState, *, position: int, advice: str) -> None:
        self._stretch = RecordSample(state.stretch, one_in=state.one_in)
        self._stretch_rows, self._stretch_pages = state.stretch_rows, state.stretch_pages
        self._pages, self._largest_rows = state.pages, state.largest_rows
        self.previous, self._previous_new_rows = state.previous, state.previous_new_rows
        self._repeated_pages, self._marks = state.repeated_pages, set(state.marks)
        self._advice = advice
        self._start_page(position)

    def _start_page(self, position: int) -> None:
        self.is_new = False
        """Whether the page has a record that did not come before."""
        self._start = self._earliest = position
        number = self._pages + 1
        if number & (number - 1) == 0:
            self._stretch, self._stretch_rows, self._stretch_pages = RecordSample(), 0, 0
        self.collects = self._stretch_pages < 2 or self._stretch_rows < 2 * self._largest_rows
        """Whether the page belongs to the stretch."""

    def judge(self, digest: str, position: int | None, at_ns: int | None) -> None:
        """Judge one record of a page that is not new yet.

        *position* is where it stands among the records so far, None if it is not remembered.
        """
        if position is None:
            in_stretch = self._stretch.has(digest)
            if in_stretch is None:
                return
            if not in_stretch:
                self.is_new = True
                return
        self._earliest = min(self._earliest, -1 if position is None else position)
        if len(self._marks) < 2:
            self._marks.add(digest if at_ns is None else str(at_ns))

    def collect(self, digest: str) -> None:
        """Remember a record of a page that belongs to the stretch."""
        self._stretch.add(digest)

    def end_page(self, ends: PageEnds, *, position: int, where: str, is_last_again: bool) -> None:
        """Refuse the page if it repeats earlier ones; *position* is where the next one starts.

        *is_last_again* says that the source may return its last page again, and did.
        """
        problem = None
        if self.is_new:
            self._repeated_pages, self._marks = 0, set()
            if ends.times and ends.times == self.previous.times:
                problem = f"its {ends.rows} records have the times of those of the page before"
        elif not is_last_again:
            self._repeated_pages += 1
            if self._makes_no_progress():
                problem = f"its {ends.rows} records all came before"
        if problem:
            raise MalformedPageError(f"{where}: {problem}: {self._advice}")
        if self.collects:
            self._stretch_rows += ends.rows
            self._stretch_pages += 1
        self._pages += 1
        self._largest_rows = max(self._largest_rows, ends.rows)
        self.previous, self._previous_new_rows = ends, position - self._start
        self._start_page(position)

    def _makes_no_progress(self) -> bool:
        if self._repeated_pages >= _MAX_REPEATED_PAGES:
            return True
        if len(self._marks) < 2:
            return False
        is_tail = self._earliest > self._start - self._previous_new_rows
        return not (is_tail and self._repeated_pages == 1)

    def state(self) -> RepeatState:
        """What another process resumes with."""
        return RepeatState(
            stretch=tuple(sorted(self._stretch.digests)),
            one_in=self._stretch.one_in,
            stretch_rows=self._stretch_rows,
            stretch_pages=self._stretch_pages,
            pages=self._pages,
            largest_rows=self._largest_rows,
            previous=self.previous,
            previous_new_rows=self._previous_new_rows,
            repeated_pages=self._repeated_pages,
            marks=tuple(sorted(self._marks)),
        )
