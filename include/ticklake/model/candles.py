"""When candles open and when they are over: at any hour of the day, by weeks, by months."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import MAXYEAR, date, datetime, timedelta

from include.ticklake.model.durations import parse_duration
from include.ticklake.model.times import EPOCH
from include.ticklake.model.window import Window

_DAY_S = 86_400
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FIRST_MONDAY_S = 4 * _DAY_S
"""1970-01-05."""
_LONGEST_MONTH_S = 31 * _DAY_S
_SAME_IN_EVERY_ZONE_S = 15 * 60
"""Time zones differ by quarters of an hour: what divides one opens at the same instants in all."""
_MONTHS = re.compile(r"([1-9]\d{0,2})mo(?:nths?)?", re.ASCII)
_WEEKS = re.compile(r"\d+w", re.ASCII)
_OPENS = re.compile(
    rf"(?:({'|'.join(_WEEKDAYS)})(?: (?=\d)|$))?"
    r"(?:([01]\d|2[0-3]):([0-5]\d)(?:Z|([+-])(0\d|1[0-4]):([0-5]\d))?)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleGrid:
    """The instants at which a series of candles opens; all in seconds since 1970."""

    length_s: int
    """Of the longest candle, where they are months."""
    months: int = 0
    """Length in calendar months; 0 for a length that is always the same."""
    shift_s: int = 0
    """An instant at which a candle opens; of months, how long after 00:00 UTC of the first."""
    is_certain: bool = True
    """Whether the candles are known to open at these instants, and not at another hour."""

    def opens_s(self, start_s: int, end_s: int) -> Iterator[int]:
        """Yield when the candles open that open in ``[start_s, end_s)``."""
        if not self.months:
            first = start_s + (self.shift_s - start_s) % self.length_s
            yield from range(first, end_s, self.length_s)
            return
        first_month = _month_of(start_s - self.shift_s) // self.months * self.months
        last_month = _month_of(end_s - self.shift_s)
        for month in range(first_month, last_month + 1, self.months):
            opened_s = _month_start_s(month) + self.shift_s
            if start_s <= opened_s < end_s:
                yield opened_s

    def end_ns(self, opened_ns: int) -> int:
        """When the candle that opened at *opened_ns* is over, in nanoseconds."""
        if not self.months:
            return opened_ns + self.length_s * 10**9
        opened_s, rest_ns = divmod(opened_ns, 10**9)
        grid = self.through(opened_ns)
        month = _month_of(opened_s - grid.shift_s)
        return (_month_start_s(month + self.months) + grid.shift_s) * 10**9 + rest_ns

    def through(self, opened_ns: int) -> CandleGrid:
        """The grid of which one candle opened at *opened_ns*."""
        opened_s = opened_ns // 10**9
        if not self.months:
            return replace(self, shift_s=opened_s % self.length_s, is_certain=True)
        # A month may open some hours before the first in UTC: the nearest one is meant.
        month = _month_of(opened_s) // self.months * self.months
        starts = [_month_start_s(month), _month_start_s(month + self.months)]
        nearest_s = min(starts, key=lambda start_s: abs(opened_s - start_s))
        return replace(self, shift_s=opened_s - nearest_s, is_certain=True)

    def may_have_none_in(self, window: Window) -> bool:
        """Whether it may be that no candle opens in *window*."""
        start_s, end_s = window.start_ns // 10**9, window.end_ns // 10**9
        if not self.is_certain:
            return self.length_s > end_s - start_s
        return next(self.opens_s(start_s, end_s), None) is None

    def whole_at_s(self, window: Window) -> int:
        """From when on all candles that open in *window* are over, wherever those may be."""
        start_s, end_s = window.start_ns // 10**9, window.end_ns // 10**9
        if not self.is_certain:
            return end_s + self.length_s
        last_s = max(self.opens_s(start_s, end_s), default=None)
        return end_s if last_s is None else max(end_s, self.end_ns(last_s * 10**9) // 10**9)


def _month_of(second: int) -> int:
    """The calendar month of *second* in UTC, counted from January 1970 on."""
    moment: datetime = EPOCH + timedelta(seconds=second)
    return (moment.year - 1970) * 12 + moment.month - 1


def _month_start_s(month: int) -> int:
    years, month_of_year = divmod(month, 12)
    first = date(min(1970 + years, MAXYEAR), month_of_year + 1, 1)
    return (first.toordinal() - EPOCH.toordinal()) * _DAY_S


def parse_candles(length: str, opens: str | None = None) -> CandleGrid:
    """The candles of a *length* such as 1m, 1d, 1w or 1mo; *opens* as ``parse_opens`` reads it.

    Weeks open on Monday, months on the first, days at 00:00 UTC. ``ValueError`` where a text
    is not valid.
    """
    weekday, shift_s = parse_opens(opens) if opens else (0, 0)
    if months := _MONTHS.fullmatch(length):
        count = int(months[1])
        return CandleGrid(
            length_s=count * _LONGEST_MONTH_S, months=count, shift_s=shift_s,
            is_certain=opens is not None,
        )  # fmt: skip
    try:
        length_s = int(parse_duration(length).total_seconds())
    except ValueError:
        raise ValueError(
            f"{length!r} is not a length of time; write it as 15m, 1h, 1d, 1w or 1mo"
        ) from None
    if is_weeks(length):
        shift_s += _FIRST_MONDAY_S + (weekday or 0) * _DAY_S
    return CandleGrid(
        length_s=length_s,
        shift_s=shift_s % length_s,
        is_certain=opens is not None or _SAME_IN_EVERY_ZONE_S % length_s == 0,
    )


def is_weeks(length: str) -> bool:
    """Whether *length* is written in weeks, which open on a weekday."""
    return _WEEKS.fullmatch(length) is not None


def parse_opens(text: str) -> tuple[int | None, int]:
    """The weekday from Monday on, None where there is none, and seconds after 00:00 UTC.

    ``16:00``, ``00:00+08:00``, ``sunday 16:00``, ``monday``; ``ValueError`` for other texts.
    """
    match = _OPENS.fullmatch(text)
    if not match or not text:
        raise ValueError(
            f"{text!r} does not say when candles open; write a time of day in UTC as 16:00, with "
            "an offset as 00:00+08:00, of weeks with a weekday as sunday 16:00"
        )
    weekday, hours, minutes, sign, offset_hours, offset_minutes = match.groups()
    time_s = int(hours or 0) * 3600 + int(minutes or 0) * 60
    offset_s = int(offset_hours or 0) * 3600 + int(offset_minutes or 0) * 60
    return (
        _WEEKDAYS.index(weekday.lower()) if weekday else None,
        time_s + (offset_s if sign == "-" else -offset_s),
    )
