"""How long windows are: always the same, or as long as a calendar month is.

Windows have numbers, counted from the one that begins at 1970-01-01T00:00Z. What reckons with
windows reckons with their numbers, and so needs not know which of the two it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from include.ticklake.errors import UsageError
from include.ticklake.model.durations import format_duration, parse_duration
from include.ticklake.model.times import EPOCH

_YEAR_MONTHS = 12
MONTH_COUNTS = (1, 2, 3, 4, 6, 12)
"""Those that a year is made of: so each year begins with a window."""
_DAY_S = 86_400
_LONGEST_MONTH = timedelta(days=31)
_MONTHS = re.compile(r"(\d{1,2})mo", re.ASCII)


@dataclass(frozen=True, slots=True)
class Months:
    """A number of calendar months, one of ``MONTH_COUNTS``."""

    count: int

    def __post_init__(self) -> None:
        if self.count not in MONTH_COUNTS:
            *most, last = (f"{count}mo" for count in MONTH_COUNTS)
            raise ValueError(
                f"'{self.count}mo' does not divide a year; write {', '.join(most)} or {last}"
            )

    def __str__(self) -> str:
        return f"{self.count}mo"


WindowLength = timedelta | Months


def parse_window_length(text: str) -> WindowLength:
    """``1h``, ``1d`` or ``1mo``; ``ValueError`` if *text* is not the length of a window."""
    if months := _MONTHS.fullmatch(text):
        return Months(int(months[1]))
    try:
        return parse_duration(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a length of time; write it as 1h, 15m, 1d or 1mo"
        ) from None


def format_window_length(length: WindowLength) -> str:
    """What ``parse_window_length`` reads."""
    return str(length) if isinstance(length, Months) else format_duration(length)


def longest(length: WindowLength) -> timedelta:
    """How long the longest of such windows is."""
    return length.count * _LONGEST_MONTH if isinstance(length, Months) else length


def number_at(length: WindowLength, second: int) -> int:
    """The number of the window that *second*, counted since 1970, is in."""
    if not isinstance(length, Months):
        return second // int(length.total_seconds())
    try:
        moment: datetime = EPOCH + timedelta(seconds=second)
    except OverflowError:
        raise _outside() from None
    return ((moment.year - EPOCH.year) * _YEAR_MONTHS + moment.month - 1) // length.count


def start_s(length: WindowLength, number: int) -> int:
    """The second at which window *number* begins."""
    if not isinstance(length, Months):
        return number * int(length.total_seconds())
    years, month = divmod(number * length.count, _YEAR_MONTHS)
    if not 1 <= EPOCH.year + years <= MAXYEAR:
        raise _outside()
    first = date(EPOCH.year + years, month + 1, 1)
    return (first.toordinal() - EPOCH.toordinal()) * _DAY_S


def floor(moment: datetime, length: WindowLength) -> datetime:
    """The start of the window that *moment* is in."""
    second = int((moment - EPOCH) // timedelta(seconds=1))
    return at_second(start_s(length, number_at(length, second)))


def start_before(start: datetime, length: WindowLength) -> datetime:
    """The start of the window before the one that begins at *start*."""
    return floor(start - timedelta(seconds=1), length)


def at_second(second: int) -> datetime:
    """The instant; ``UsageError`` where no calendar has it."""
    try:
        return EPOCH + timedelta(seconds=second)
    except OverflowError:
        raise _outside() from None


def _outside() -> UsageError:
    return UsageError("the requested range is outside the years 1 to 9999; choose another")


def _parsed(value: object) -> object:
    # YAML reads 1:30 as a number of seconds, and pydantic would take it.
    if not isinstance(value, str | int | float | timedelta | Months) or isinstance(value, bool):
        raise ValueError("must be a length of time, such as 1h, 15m, 1d or 1mo")
    return value if isinstance(value, timedelta | Months) else parse_window_length(str(value))


def _serialized(length: WindowLength) -> str:
    return str(length) if isinstance(length, Months) else f"{int(length.total_seconds())}s"


FeedWindow = Annotated[
    WindowLength,
    BeforeValidator(_parsed),
    PlainSerializer(_serialized),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+[smhdw]|([12346]|12)mo)$"}),
]
