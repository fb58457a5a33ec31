"""How the objects of a summary say how long windows are, and which of them starts a year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypedDict

from include.ticklake.model.window_length import (
    MONTH_COUNTS,
    Months,
    WindowLength,
    longest,
    number_at,
)

_LONGEST_MS = 100 * 366 * 86_400_000


def first_window(year: int, window: WindowLength) -> int:
    """The number of the first window that starts in *year*."""
    year_s = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    return number_at(window, year_s - 1) + 1


class WindowMembers(TypedDict):
    """How an object says the length of windows."""

    window_ms: int
    window_months: int


def window_members(window: WindowLength) -> WindowMembers:
    """*window* as an object says it."""
    return {
        "window_ms": longest(window) // timedelta(milliseconds=1),
        "window_months": window.count if isinstance(window, Months) else 0,
    }


def is_window(window_ms: int, window_months: int) -> bool:
    """Whether a feed may have windows of that length: an object may say anything."""
    return 1_000 <= window_ms <= _LONGEST_MS and window_months in (0, *MONTH_COUNTS)


def window_of(window_ms: int, window_months: int) -> WindowLength:
    """What an object says of the length of windows."""
    return Months(window_months) if window_months else timedelta(milliseconds=window_ms)
