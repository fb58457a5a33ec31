"""The range of time that the page shows, from its address, and the links to other ranges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.ticklake.errors import UsageError
from include.ticklake.model.times import EPOCH
from include.ticklake.model.window import parse_instant

MAX_LENGTH = timedelta(days=36_525)
_MIN_LENGTH = timedelta(seconds=1)
_FIRST, _LAST = EPOCH.replace(year=1), EPOCH.replace(year=9999)
LENGTHS = {
    "1 h": timedelta(hours=1),
    "6 h": timedelta(hours=6),
    "24 h": timedelta(days=1),
    "7 d": timedelta(days=7),
    "30 d": timedelta(days=30),
    "1 y": timedelta(days=365),
}


@dataclass(frozen=True, slots=True)
class DataRange:
    """``[start, end)``, both aware and UTC."""

    start: datetime
    end: datetime
    problem: str | None = None
    """What was wrong with the address, where the range is not the one that it names."""

    @property
    def length(self) -> timedelta:
        """From start to end."""
        return self.end - self.start

    @property
    def query(self) -> dict[str, str]:
        """As the address of the page names it."""
        return {"from": _text(self.start), "to": _text(self.end)}

    def last(self, length: timedelta) -> DataRange:
        """The *length* before the end."""
        return _within(self.end - min(length, self.end - _FIRST), self.end)

    def moved(self, share: float) -> DataRange:
        """Earlier or later by a *share* of its length."""
        by = self.length * share
        by = max(min(by, _LAST - self.end), _FIRST - self.start)
        return _within(self.start + by, self.end + by)

    def wider(self, factor: float) -> DataRange:
        """Around the same instant, *factor* times as long."""
        length = max(min(self.length * factor, MAX_LENGTH), _MIN_LENGTH)
        middle = self.start + self.length / 2
        start = max(middle - min(length / 2, middle - _FIRST), _FIRST)
        return _within(start, start + min(length, _LAST - start))

    def links(self) -> Iterator[tuple[str, DataRange, bool]]:
        """Texts and ranges to go to, and whether it is this one."""
        for text, length in LENGTHS.items():
            yield text, self.last(length), self.length == length
        yield "earlier", self.moved(-0.5), False
        yield "later", self.moved(0.5), False
        yield "zoom in", self.wider(0.5), False
        yield "zoom out", self.wider(2), False


def parse_range(start: str, end: str, *, newest: datetime, default: timedelta) -> DataRange:
    """The range that the texts name; the *default* before the *newest* event where they do not."""
    fallback = _within(newest - min(default, newest - _FIRST), newest)
    if not start and not end:
        return fallback
    try:
        until = parse_instant(end) if end else newest
        since = parse_instant(start) if start else until - default
    except (UsageError, OverflowError) as error:
        return DataRange(fallback.start, fallback.end, problem=str(error))
    if until - since < _MIN_LENGTH:
        problem = "the range ends before it starts, or is shorter than a second"
        return DataRange(fallback.start, fallback.end, problem=problem)
    if until - since > MAX_LENGTH:
        problem = f"the range is longer than {MAX_LENGTH.days // 365} years"
        return DataRange(fallback.start, fallback.end, problem=problem)
    return _within(since, until)


def _within(start: datetime, end: datetime) -> DataRange:
    """Whole seconds: those of the address."""
    return DataRange(_second(max(start, _FIRST)), _second(min(end, _LAST)))


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
