"""Candle intervals and their bars; all times in milliseconds UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
MONDAY_MS = 4 * DAY_MS  # 1970-01-01 was a Thursday


class Candle(NamedTuple):
    """One bar: prices and quantities in 1e-8 units, turnovers in 1e-16, ids of its trades.

    A NamedTuple because a page holds a thousand, and because it is what rows are made of.
    """

    open_ms: int
    end_ms: int  # exclusive
    open_e8: int
    high_e8: int
    low_e8: int
    close_e8: int
    volume_e8: int
    turnover_e16: int
    taker_volume_e8: int  # of trades in which the buyer was the taker
    taker_turnover_e16: int
    trades: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A grid over time: steps of ``length_ms`` from ``offset_ms``, or calendar months."""

    length_ms: int = 0
    offset_ms: int = 0
    months: int = 0

    def opening(self, moment_ms: int) -> int:
        """When the bar opens that holds *moment_ms*."""
        if self.months:
            month = _month_of(moment_ms - self.offset_ms)
            return self._month_opening(month // self.months * self.months)
        return moment_ms - (moment_ms - self.offset_ms) % self.length_ms

    def step(self, opening_ms: int, *, bars: int) -> int:
        """The opening *bars* after (or, negative, before) the one at *opening_ms*."""
        if self.months:
            return self._month_opening(_month_of(opening_ms - self.offset_ms) + bars * self.months)
        return opening_ms + bars * self.length_ms

    def openings(self, start_ms: int, end_ms: int) -> Iterator[int]:
        """Every opening in ``[start_ms, end_ms)``, ascending."""
        opening = self.opening(start_ms)
        if opening < start_ms:
            opening = self.step(opening, bars=1)
        while opening < end_ms:
            yield opening
            opening = self.step(opening, bars=1)

    def _month_opening(self, month: int) -> int:
        first = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        return int(first.timestamp()) * 1000 + self.offset_ms


def _month_of(moment_ms: int) -> int:
    moment = datetime.fromtimestamp(moment_ms // 1000, UTC)
    return moment.year * 12 + moment.month - 1


def minutes(count: int, *, offset_ms: int = 0) -> Interval:
    """A grid of *count* minutes."""
    return Interval(length_ms=count * MINUTE_MS, offset_ms=offset_ms)
