"""Half-open UTC intervals, aligned to whole seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from include.ticklake.errors import UsageError
from include.ticklake.model import times
from include.ticklake.model.times import EPOCH
from include.ticklake.model.window_length import WindowLength, at_second, number_at, start_s

_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """The interval ``[start, end)``; both ends are aware UTC datetimes."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for moment in (self.start, self.end):
            if moment.utcoffset() != timedelta(0) or moment.microsecond:
                raise UsageError(
                    f"window bound {moment.isoformat()} is not a whole second in UTC; "
                    "leave its fraction out"
                )
        if self.end <= self.start:
            raise UsageError(
                f"window ends at {self.end.isoformat()}, which is not after its start "
                f"{self.start.isoformat()}"
            )

    @property
    def name(self) -> str:
        """``20261122T050000Z-20261122T060000Z``: sorts by time, safe in a path."""
        return f"{self.start.strftime(_STAMP)}-{self.end.strftime(_STAMP)}"

    @property
    def start_ms(self) -> int:
        """Milliseconds since 1970 of the first instant inside."""
        return int(self.start.timestamp()) * 1000

    @property
    def end_ms(self) -> int:
        """Milliseconds since 1970 of the first instant after."""
        return int(self.end.timestamp()) * 1000

    @property
    def start_ns(self) -> int:
        """Nanoseconds since 1970 of the first instant inside."""
        return self.start_ms * 10**6

    @property
    def end_ns(self) -> int:
        """Nanoseconds since 1970 of the first instant after."""
        return self.end_ms * 10**6

    @classmethod
    @lru_cache(maxsize=1_000)  # each step of a unit reads its window's name again
    def parse(cls, name: str) -> Window:
        """The inverse of ``name``."""
        start, _, end = name.partition("-")
        try:
            bounds = [
                datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC) for stamp in (start, end)
            ]
        except ValueError:
            bounds = []
        # strptime takes 2026111T1Z too, but an object has one name.
        if not bounds or (window := cls(*bounds)).name != name:
            raise UsageError(
                f"{name!r} is not a window; write it as 20261122T050000Z-20261122T060000Z"
            )
        return window


def parse_instant(text: str) -> datetime:
    """An aware UTC datetime from ISO 8601 *text*; without an offset it is UTC.

    A datetime ends at the microsecond. Digits beyond it count as one microsecond where they
    alone take the text past a whole second, so that a range ends after that second, too.
    """
    instant = times.parse(text, unit="iso")
    if instant is None:
        raise UsageError(f"{text!r} is not a time; write it as 2026-11-22T05:00:00Z")
    whole_us, finer_ns = divmod(instant.ns, 1_000)
    if whole_us % 10**6 == 0 and (finer_ns or not instant.is_exact):
        whole_us += 1
    return EPOCH + timedelta(microseconds=whole_us)


def format_instant(at_ns: int) -> str:
    """``2026-11-22T05:00:00Z``: what ``parse_instant`` reads, to the microsecond."""
    moment = EPOCH + timedelta(microseconds=at_ns // 1_000)
    return moment.isoformat().replace("+00:00", "Z")


def split_range(start: datetime, end: datetime, *, length: WindowLength) -> Iterator[Window]:
    """Yield the windows of *length* that ``[start, end)`` touches, aligned to 1970-01-01T00:00Z.

    Each is whole, so that an instant lies in the same window whatever the range.
    """
    for number in _numbers(start, end, length):
        yield _window(length, number)


def count_windows(start: datetime, end: datetime, *, length: WindowLength) -> int:
    """How many windows ``split_range`` yields."""
    return len(_numbers(start, end, length))


def _numbers(start: datetime, end: datetime, length: WindowLength) -> range:
    """The numbers of the windows that ``[start, end)`` touches."""
    if end <= start:
        raise UsageError(
            f"end {end.isoformat()} is not after start {start.isoformat()}; choose a later end"
        )
    first = number_at(length, math.floor(start.timestamp()))
    return range(first, number_at(length, math.ceil(end.timestamp()) - 1) + 1)


def window_at(moment: datetime, length: WindowLength) -> Window:
    """The window of *length* that *moment* is in."""
    return _window(length, number_at(length, math.floor(moment.timestamp())))


def _window(length: WindowLength, number: int) -> Window:
    return Window(at_second(start_s(length, number)), at_second(start_s(length, number + 1)))
