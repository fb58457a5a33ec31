"""A year of a slice, window by window, and cut into the cells of a heat map.

A cell is at least an hour and at most a day, whatever the length of the windows: one of five
minutes holds twelve, and one of a week shows the window that covers it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from include.ticklake.lake.summary import FeedSummary, SliceYear
from include.ticklake.lake.summary_windows import first_window
from include.ticklake.model.window_length import WindowLength, longest, number_at, start_s
from include.ui.cell_states import MISSING, RUNNING, UNKNOWN, CellState, worst

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Cell(NamedTuple):
    """Some windows of one stretch of time."""

    start_ms: int
    """Of the stretch."""
    window_start_ms: int
    """Of the first of the windows; a long window starts before the stretch."""
    codes: str
    """One letter a window; empty outside of the year's windows."""

    @property
    def state(self) -> CellState:
        """What the cell shows."""
        return worst(self.codes)


class StateRange(NamedTuple):
    """Windows in a row that are in the same state."""

    start_ms: int
    end_ms: int
    windows: int
    code: str


@dataclass(frozen=True)
class CoverageYear:
    """The letters of ``cell_states`` of all windows of a UTC year."""

    year: int
    window: WindowLength
    codes: str

    @property
    def window_ms(self) -> int:
        """The length of a window, of the longest where they differ."""
        return longest(self.window) // timedelta(milliseconds=1)

    @property
    def first(self) -> int:
        """The number of the year's first window."""
        return first_window(self.year, self.window)

    @property
    def cell_ms(self) -> int:
        """The length of a month's cells."""
        return min(max(self.window_ms, HOUR_MS), DAY_MS)

    def cells(self, start_ms: int, end_ms: int, *, length_ms: int) -> Iterator[Cell]:
        """Yield the cells of ``[start_ms, end_ms)``, each *length_ms* long."""
        for at_ms in range(start_ms, end_ms, length_ms):
            first = _number_at(self.window, at_ms) - self.first
            after = max(_number_at(self.window, at_ms + length_ms) - self.first, first + 1)
            codes = self.codes[first:after] if first >= 0 else ""
            yield Cell(at_ms, self._start_ms(first), codes)

    def ranges(self, start_ms: int, end_ms: int, *, codes: str) -> Iterator[StateRange]:
        """Yield the windows in a row of ``[start_ms, end_ms)`` that have one of *codes*."""
        first = max(_number_from(self.window, start_ms) - self.first, 0)
        after = min(_number_from(self.window, end_ms) - self.first, len(self.codes))
        at = first
        while at < after:
            code, begin = self.codes[at], at
            while at < after and self.codes[at] == code:
                at += 1
            if code in codes:
                yield StateRange(self._start_ms(begin), self._start_ms(at), at - begin, code)

    def _start_ms(self, index: int) -> int:
        """The start of one of the year's windows."""
        return start_s(self.window, self.first + index) * 1000


def coverage_year(
    year: int,
    stored: SliceYear | None,
    summary: FeedSummary,
    *,
    running: Iterable[tuple[int, int]] = (),
    now_ms: int,
) -> CoverageYear:
    """The *year* of a slice as *stored*, with what is missing and what is *running*.

    *running* are ranges of milliseconds. A summary in windows of another length counts for
    nothing: the feed's was changed, and the next publish makes it again.
    """
    window = summary.window
    first_number = first_window(year, window)
    whole = first_window(year + 1, window) - first_number
    over = min(max(_number_at(window, now_ms) - first_number, 0), whole)
    codes = stored.states[:whole] if stored and stored.window == window else ""
    codes = codes.ljust(over, UNKNOWN)

    def index(number: int) -> int:
        return min(max(number - first_number, 0), len(codes))

    if summary.first_start_ms is not None and summary.last_end_ms is not None:
        first = index(_number_at(window, summary.first_start_ms))
        after = index(_number_at(window, summary.last_end_ms))
        between = codes[first:after].replace(UNKNOWN, MISSING)
        codes = codes[:first] + between + codes[after:]
    for start_ms, end_ms in running:
        first = index(_number_at(window, start_ms))
        after = index(_number_from(window, end_ms))
        codes = codes[:first] + RUNNING * (after - first) + codes[after:]
    return CoverageYear(year, window, codes)


def _number_at(window: WindowLength, at_ms: int) -> int:
    """The number of the window that *at_ms* is in."""
    return number_at(window, at_ms // 1000)


def _number_from(window: WindowLength, at_ms: int) -> int:
    """The number of the first window that starts at *at_ms* or later."""
    return number_at(window, -(-at_ms // 1000) - 1) + 1


def month_range(year: int, month: int) -> tuple[int, int]:
    """Start and end of a UTC month, in milliseconds since 1970."""
    start = date(year, month, 1)
    end = (start + timedelta(days=31)).replace(day=1)
    return day_ms(start), day_ms(end)


def day_ms(day: date) -> int:
    """The start of a UTC day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
