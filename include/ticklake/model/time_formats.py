"""Times in a format of their own, in the words of ``strptime``: ``%d.%m.%Y %H:%M:%S``.

===================== ==================================================================
word                  stands for
===================== ==================================================================
``%Y``, ``%y``        year: four digits, or two of them (69 to 99 are 1969 to 1999)
``%m``, ``%b``, ``%B`` month: 1 to 12, ``Nov``, ``November`` (in English, in any case)
``%d``, ``%j``        day of the month, or of the year
``%H``; ``%I`` ``%p`` hour: 0 to 23, or 1 to 12 and ``AM`` or ``PM``
``%M``, ``%S``        minute, second
``%f``                fraction of the second, as many digits as there are
``%z``, ``%Z``        offset from UTC (``+0530``, ``Z``); the words ``UTC``, ``GMT`` or ``Z``
``%a``, ``%A``        ``Sun``, ``Sunday``: must be the date's
``%%``                a percent sign
===================== ==================================================================

Anything else stands for itself. A number has all its digits; those of a day, a month or a time of
day may leave out the leading zero where no other number follows or precedes at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Self

from include.ticklake.model.iso_times import ClockTime, parse_offset

MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _any_of(names: Iterable[str]) -> str:
    return f"(?i:{'|'.join(names)})"


_OFFSET = r"[Zz]|[+-]\d\d(?::?\d\d(?::?\d\d)?)?"
_PATTERNS = {
    "Y": r"\d{4}", "y": r"\d{2}", "m": r"\d{2}", "d": r"\d{2}", "j": r"\d{3}",
    "H": r"\d{2}", "I": r"\d{2}", "M": r"\d{2}", "S": r"\d{2}", "f": r"\d+",
    "b": _any_of(name[:3] for name in MONTH_NAMES), "B": _any_of(MONTH_NAMES),
    "a": _any_of(name[:3] for name in DAY_NAMES), "A": _any_of(DAY_NAMES),
    "p": _any_of(["AM", "PM"]), "z": _OFFSET, "Z": _any_of(["UTC", "GMT", "Z"]),
}  # fmt: skip
_DIGITS = frozenset("YymdjHIMSf")
_MAY_BE_SHORT = {"m": r"\d{1,2}", "d": r"\d{1,2}", "j": r"\d{1,3}"} | dict.fromkeys(
    "HIMS", r"\d{1,2}"
)
_WORD = re.compile(r"%(.)|([^%]+)|(%)", re.DOTALL)
_NEEDS = {"M": "HI", "S": "M", "f": "S", "I": "p", "p": "I"}
"""A word, and those of which one must be there with it."""


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """A format, ready to read texts."""

    text: str
    pattern: re.Pattern[str]
    words: frozenset[str]

    @classmethod
    @lru_cache
    def of(cls, text: str) -> Self:
        """The format *text*; ``ValueError`` where it is none, or says no date."""
        parts = _parts(text)
        words = [word for word, _ in parts if word]
        _check(words)
        pattern = "".join(_part_pattern(parts, at) for at in range(len(parts)))
        return cls(text, re.compile(pattern, re.ASCII), frozenset(words))

    @property
    def has_fraction(self) -> bool:
        """Whether its times may be finer than a second."""
        return "f" in self.words

    @property
    def has_clock(self) -> bool:
        """Whether it has a time of day, or an offset from UTC."""
        return bool(self.words & set("HIzZ"))

    @property
    def has_offset(self) -> bool:
        """Whether its times say how far they are from UTC."""
        return bool(self.words & set("zZ"))

    def parse(self, text: str) -> ClockTime | None:
        """The parts of *text*; None where it is not in this format, or no time."""
        match = self.pattern.fullmatch(text)
        if match is None:
            return None
        found = match.groupdict()
        try:
            clock = _clock(found)
            offset = parse_offset(found["z"]) if "z" in found else None
        except (ValueError, OverflowError):
            return None
        if not _is_named_day(clock, found.get("a") or found.get("A")):
            return None
        if "Z" in found:
            offset = timedelta()
        return ClockTime(clock, found.get("f") or "", offset)


def _parts(text: str) -> list[tuple[str, str]]:
    """The words of a format, each without text, and the texts between them, without a word."""
    parts = []
    for match in _WORD.finditer(text):
        word, literal, percent = match.groups()
        if percent or (word and word != "%" and word not in _PATTERNS):
            known = " ".join(f"%{name}" for name in _PATTERNS)
            raise ValueError(f"{match[0]!r} is not a word of a format: {known} %%")
        parts.append(("", "%") if word == "%" else (word or "", literal or ""))
    return parts


def _check(words: list[str]) -> None:
    """Raise ``ValueError`` where the *words* are not a full date, or do not go together."""
    if twice := next((word for word in words if words.count(word) > 1), None):
        raise ValueError(f"%{twice} is in it more than once")
    for names in ("Yy", "mbB", "dj", "HI", "aA", "zZ"):
        if len(both := [word for word in words if word in names]) > 1:
            raise ValueError(f"%{both[0]} and %{both[1]} say the same; leave one out")
    has = {names: bool(set(words) & set(names)) for names in ("Yy", "mbB", "d", "j")}
    if not has["Yy"] or not (has["j"] or (has["mbB"] and has["d"])) or (has["j"] and has["mbB"]):
        raise ValueError(
            "a time needs a year, a month and a day: %Y %m %d, or a year and its day: %Y %j"
        )
    for word, needed in _NEEDS.items():
        if word in words and not set(needed) & set(words):
            raise ValueError(f"%{word} needs %{' or %'.join(needed)} with it")


def _part_pattern(parts: list[tuple[str, str]], at: int) -> str:
    word, literal = parts[at]
    if not word:
        return re.escape(literal)
    before = at > 0 and _ends_in_digit(parts[at - 1])
    after = at + 1 < len(parts) and _begins_with_digit(parts[at + 1])
    if word == "f" and after:
        raise ValueError("%f has any number of digits; no other number can follow at once")
    short = word in _MAY_BE_SHORT and not before and not after
    return f"(?P<{word}>{_MAY_BE_SHORT[word] if short else _PATTERNS[word]})"


def _ends_in_digit(part: tuple[str, str]) -> bool:
    word, literal = part
    return word in _DIGITS or word == "z" or literal[-1:].isdigit()


def _begins_with_digit(part: tuple[str, str]) -> bool:
    word, literal = part
    return word in _DIGITS or literal[:1].isdigit()


def _clock(found: Mapping[str, str]) -> datetime:
    year = int(found.get("Y") or found["y"])
    if "y" in found:
        year += 1900 if year >= 69 else 2000
    hour = int(found.get("H") or found.get("I") or 0)
    if "I" in found:
        if not 1 <= hour <= 12:
            raise ValueError("the hour of half a day")
        hour = hour % 12 + 12 * (found["p"].upper() == "PM")
    clock = datetime(  # noqa: DTZ001 - the zone is the caller's
        year, _month(found), int(found.get("d") or 1), hour, int(found.get("M") or 0),
        int(found.get("S") or 0),
    )  # fmt: skip
    if "j" in found:
        clock += timedelta(days=int(found["j"]) - 1)
        if clock.year != year:
            raise ValueError("no year has that many days")
    return clock


def _month(found: Mapping[str, str]) -> int:
    if "m" in found:
        return int(found["m"])
    name = (found.get("b") or found.get("B") or "jan")[:3].title()
    return next(number for number, month in enumerate(MONTH_NAMES, start=1) if month[:3] == name)


def _is_named_day(clock: datetime, name: str | None) -> bool:
    """Whether *clock* lies on the day that *name* names, if there is one.

    A date whose day of the week is another one was read in the wrong order.
    """
    return name is None or DAY_NAMES[clock.weekday()][:3].lower() == name[:3].lower()
