"""A year of a slice, window by window, and cut into the cells of a heat map.

A cell is at least an hour and at most a day, whatever the length of the windows: one of five
minutes holds twelve, and one of a week shows the window that covers it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from include.ticklake.lake.summary import FeedSummary, SliceYear, first_window_ms
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
    window_ms: int
    codes: str

    @property
    def first_ms(self) -> int:
        """The start of the year's first window."""
        return first_window_ms(self.year, self.window_ms)

    @property
    def cell_ms(self) -> int:
        """The length of a month's cells."""
        return min(max(self.window_ms, HOUR_MS), DAY_MS)

    def cells(self, start_ms: int, end_ms: int, *, length_ms: int) -> Iterator[Cell]:
        """Yield the cells of ``[start_ms, end_ms)``, each *length_ms* long."""
        for at_ms in range(start_ms, end_ms, length_ms):
            first = (at_ms - self.first_ms) // self.window_ms
            after = max((at_ms + length_ms - self.first_ms) // self.window_ms, first + 1)
            codes = self.codes[first:after] if first >= 0 else ""
            yield Cell(at_ms, self.first_ms + first * self.window_ms, codes)

    def ranges(self, start_ms: int, end_ms: int, *, codes: str) -> Iterator[StateRange]:
        """Yield the windows in a row of ``[start_ms, end_ms)`` that have one of *codes*."""
        first = max(-(-(start_ms - self.first_ms) // self.window_ms), 0)
        after = min(-(-(end_ms - self.first_ms) // self.window_ms), len(self.codes))
        at = first
        while at < after:
            code, begin = self.codes[at], at
            while at < after and self.codes[at] == code:
                at += 1
            if code in codes:
                start = self.first_ms + begin * self.window_ms
                end = self.first_ms + at * self.window_ms
                yield StateRange(start, end, at - begin, code)


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
    window_ms = summary.window_ms
    first_ms = first_window_ms(year, window_ms)
    whole = (first_window_ms(year + 1, window_ms) - first_ms) // window_ms
    over = min(max((now_ms - first_ms) // window_ms, 0), whole)
    codes = stored.states[:whole] if stored and stored.window_ms == window_ms else ""
    codes = codes.ljust(over, UNKNOWN)

    def index(at_ms: int) -> int:
        return min(max((at_ms - first_ms) // window_ms, 0), len(codes))

    if summary.first_start_ms is not None and summary.last_end_ms is not None:
        first, after = index(summary.first_start_ms), index(summary.last_end_ms)
        between = codes[first:after].replace(UNKNOWN, MISSING)
        codes = codes[:first] + between + codes[after:]
    for start_ms, end_ms in running:
        first, after = index(start_ms), index(end_ms + window_ms - 1)
        codes = codes[:first] + RUNNING * (after - first) + codes[after:]
    return CoverageYear(year, window_ms, codes)


def month_range(year: int, month: int) -> tuple[int, int]:
    """Start and end of a UTC month, in milliseconds since 1970."""
    start = date(year, month, 1)
    end = (start + timedelta(days=31)).replace(day=1)
    return day_ms(start), day_ms(end)


def day_ms(day: date) -> int:
    """The start of a UTC day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
