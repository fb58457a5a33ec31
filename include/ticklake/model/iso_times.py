"""The one grammar of ISO 8601 texts.

A date alone, or with an hour, minutes, seconds and a fraction of any length, after ``T`` or a
blank; then ``Z``, ``+00``, ``+0000``, ``+00:00``, or no offset. Read as well are the basic form
(``20261122T0530Z``), week dates (``2026-W47-7``), days of the year (``2026-326``), lower-case
letters, a comma before the fraction, and ``24:00:00`` for the midnight after a day.

Not read: a month alone, a leap second (``:60`` has no number among the seconds since 1970, and
would become another one), and ``2026326``, which may be any number.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

_ISO = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d|\d{8}|\d{4}-W\d\d(?:-\d)?|\d{4}W\d{2,3}|\d{4}-(?P<day>\d{3}))"
    r"(?:[Tt ](?P<hour>\d\d)(?:(?P<colon>:?)(?P<minute>\d\d)"
    r"(?:(?P=colon)(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
    r"(?P<offset>[Zz]|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?)?",
    re.ASCII,
)
_DAY = timedelta(days=1)


class ClockTime(NamedTuple):
    """A time as a text writes it, taken apart."""

    clock: datetime
    """What the clock shows, to the second; without a zone."""
    fraction: str
    """Digits of the second's fraction, all of them."""
    offset: timedelta | None
    """None where the text has none."""


def parse_iso(text: str) -> ClockTime | None:
    """The parts of an ISO 8601 *text*; None if it is not one."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = (match[name] or "00" for name in ("hour", "minute", "second"))
    fraction, offset = match["fraction"] or "", match["offset"]
    is_end_of_day = hour == "24" and not f"{minute}{second}{fraction}".strip("0")
    if is_end_of_day:
        hour = "00"
    try:
        date = _date(match["date"], match["day"])
        clock = date.replace(hour=int(hour), minute=int(minute), second=int(second))
        if is_end_of_day:
            clock += _DAY
        return ClockTime(clock, fraction, parse_offset(offset) if offset else None)
    except (ValueError, OverflowError):
        return None


def _date(text: str, day_of_year: str | None) -> datetime:
    if day_of_year is None:
        return datetime.fromisoformat(text)
    date = datetime(int(text[:4]), 1, 1) + (int(day_of_year) - 1) * _DAY  # noqa: DTZ001
    if date.year != int(text[:4]):
        raise ValueError("no year has that many days")
    return date


def parse_offset(text: str) -> timedelta:
    """What ``Z``, ``+05``, ``+0530``, ``+05:30`` or ``+05:30:00`` is away from UTC."""
    if text in "Zz":
        return timedelta()
    digits = text[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError("no clock is that far from UTC")
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -offset if text[0] == "-" else offset
