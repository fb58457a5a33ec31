"""Instants as a source reads them in a request: a format, in the words of ``time_formats``.

A format is as fine as its finest word, a day at most. A bound that lies between two of its times
is written as the one that asks for more, and so is one that the clock of a zone shows twice, when
summer time ends: as a time before that for a start, and one after it for an end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Self
from zoneinfo import ZoneInfo

from include.ticklake.model.time_formats import DAY_NAMES, MONTH_NAMES
from include.ticklake.model.time_zones import to_utc, zone
from include.ticklake.model.times import EPOCH

_WORD = re.compile(r"%(.?)", re.DOTALL)
_HALF_A_DAY = {True: "AM", False: "PM"}
_WRITE: dict[str, Callable[[datetime], str]] = {
    "Y": lambda at: f"{at.year:04}", "y": lambda at: f"{at.year % 100:02}",
    "m": lambda at: f"{at.month:02}", "d": lambda at: f"{at.day:02}",
    "b": lambda at: MONTH_NAMES[at.month - 1][:3], "B": lambda at: MONTH_NAMES[at.month - 1],
    "j": lambda at: f"{at.timetuple().tm_yday:03}",
    "a": lambda at: DAY_NAMES[at.weekday()][:3], "A": lambda at: DAY_NAMES[at.weekday()],
    "H": lambda at: f"{at.hour:02}", "I": lambda at: f"{(at.hour - 1) % 12 + 1:02}",
    "p": lambda at: _HALF_A_DAY[at.hour < 12],
    "M": lambda at: f"{at.minute:02}", "S": lambda at: f"{at.second:02}",
    "f": lambda at: f"{at.microsecond:06}", "Z": lambda _: "UTC", "%": lambda _: "%",
}  # fmt: skip
_STEPS = (
    ("f", timedelta(microseconds=1)), ("S", timedelta(seconds=1)), ("M", timedelta(minutes=1)),
    ("HIp", timedelta(hours=1)),
)  # fmt: skip
_START = datetime(1, 1, 1)  # noqa: DTZ001 - of any clock
_FOLD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TimeWriter:
    """A format and the clock that shows its times."""

    format: str
    zone: ZoneInfo | None
    words: frozenset[str]
    step: timedelta
    """How fine it is."""

    @classmethod
    @lru_cache
    def of(cls, format: str, timezone: str | None = None) -> Self:
        """The format in the time of *timezone*, or UTC; ``ValueError`` where it is none."""
        words = _WORD.findall(format)
        known = (*_WRITE, "z")
        if unknown := [word for word in words if word not in known]:
            listed = " ".join(f"%{word}" for word in known)
            raise ValueError(f"'%{unknown[0]}' is not a word of a format: {listed}")
        if timezone and "Z" in words:
            raise ValueError("%Z says UTC, whatever the zone; write %z, or the zone's own letters")
        step = next((step for names, step in _STEPS if {*words} & {*names}), timedelta(days=1))
        return cls(format, zone(timezone) if timezone else None, frozenset(words), step)

    @property
    def shows_clock(self) -> bool:
        """Whether it has a time of day."""
        return self.step < timedelta(days=1)

    @property
    def shows_offset(self) -> bool:
        """Whether it says how far the clock is from UTC."""
        return bool(self.words & set("zZ"))

    @property
    def says_date(self) -> bool:
        """Whether it says a whole date."""
        has_day = self.words & {"j"} or (self.words & set("mbB") and self.words & {"d"})
        return bool(self.words & set("Yy") and has_day)

    def start(self, at: datetime) -> datetime:
        """What the clock shows at the UTC instant *at*, or the last of its times before."""
        local = self._local(at)
        return local - (local - _START) % self.step

    def end(self, at: datetime) -> datetime:
        """What the clock shows at the UTC instant *at*, or the first of its times after."""
        local = self._local(at)
        return local + (_START - local) % self.step

    def write(self, local: datetime, *, later: bool) -> str:
        """*local* in the format; *later* or earlier where the clock shows it twice, or never."""
        if self.zone and self.shows_clock and not self.shows_offset:
            while to_utc(local, self.zone) is None:
                local += _FOLD if later else -_FOLD
        return _WORD.sub(lambda word: self._word(word[1], local), self.format)

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone or UTC).replace(tzinfo=None)

    def _word(self, word: str, local: datetime) -> str:
        if word == "z":
            return f"{local.replace(tzinfo=self.zone or UTC):%z}"
        return _WRITE[word](local)


def instant(at_ns: int) -> datetime:
    """The UTC instant *at_ns* nanoseconds since 1970, to the microsecond."""
    return EPOCH + timedelta(microseconds=at_ns // 1_000)
