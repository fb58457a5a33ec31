"""Where a value is in a chart, and which values its axes name.

Across, places are per cents of the chart's width, which only the browser knows; up and down they
are pixels. Text and lines so keep their size on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from include.ticklake.model.sizes import KIB, format_bytes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400

_TIME_STEPS_S = (
    1, 5, 10, 30, MINUTE_S, 5 * MINUTE_S, 10 * MINUTE_S, 30 * MINUTE_S, HOUR_S, 2 * HOUR_S,
    3 * HOUR_S, 6 * HOUR_S, 12 * HOUR_S, DAY_S, 2 * DAY_S, 7 * DAY_S, 14 * DAY_S, 30 * DAY_S,
    90 * DAY_S, 180 * DAY_S, 365 * DAY_S, 730 * DAY_S, 1_825 * DAY_S, 3_650 * DAY_S, 36_500 * DAY_S,
)  # fmt: skip
_MAX_DIGITS = 8
_EDGE = 0.025


@dataclass(frozen=True, slots=True)
class Tick:
    """A value that an axis names, its place, and its text."""

    place: str
    text: str
    is_minor: bool = False
    """Left out where the chart is narrow."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The range of values from one end of a chart to the other."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Sequence[float], *, margin: float = 0.06) -> Axis:
        """With some space above and below *values*; they may all be the same."""
        low, high = min(values, default=0.0), max(values, default=1.0)
        space = (high - low) * margin or abs(high) * margin or 1.0
        return cls(low - space, high + space)

    def share(self, value: float) -> float:
        """0 at the low end, 1 at the high end, and no further."""
        if self.high <= self.low:
            return 0.5
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def across(self, value: float) -> str:
        """``12.34%`` of the width."""
        return f"{self.share(value) * 100:.3f}%"

    def up(self, value: float, height: float) -> float:
        """Pixels from the top of a chart that is *height* high."""
        return round(height * (1 - self.share(value)), 2)


def number_ticks(axis: Axis, *, height: float, count: int = 5) -> list[Tick]:
    """About *count* round numbers, each with the digits that tell it from its neighbours."""
    step = _round_step((axis.high - axis.low) / count)
    digits = min(max(-math.floor(math.log10(step)), 0), _MAX_DIGITS)
    return [
        Tick(str(axis.up(value, height)), f"{value:,.{digits}f}")
        for value in _multiples(axis, step)
    ]


def byte_ticks(axis: Axis, *, height: float, count: int = 5) -> list[Tick]:
    """About *count* sizes: 32 MiB, 64 MiB."""
    step = float(KIB)
    while (axis.high - axis.low) / step > count:
        step *= 2
    return [
        Tick(str(axis.up(value, height)), format_bytes(int(value)) if value else "0")
        for value in _multiples(axis, step)
    ]


def time_ticks(axis: Axis, *, count: int = 8) -> list[Tick]:
    """About *count* whole hours, days or the like of an axis of seconds since 1970."""
    length_s = max(axis.high - axis.low, 1.0)
    step_s = next((step for step in _TIME_STEPS_S if length_s / step <= count), _TIME_STEPS_S[-1])
    ticks = []
    for number, value in enumerate(_multiples(axis, step_s)):
        # At the very edge a text would be cut off.
        is_inside = _EDGE < axis.share(value) < 1 - _EDGE
        text = _time_text(at(value), step_s) if is_inside else ""
        ticks.append(Tick(axis.across(value), text, is_minor=number % 2 == 1))
    return ticks


def at(seconds: float) -> datetime:
    """The instant *seconds* after 1970."""
    return EPOCH + timedelta(seconds=seconds)


def _time_text(moment: datetime, step_s: float) -> str:
    day = f"{moment.day} {moment:%b}"
    if step_s >= 300 * DAY_S:
        return f"{moment:%Y}"
    if step_s >= 30 * DAY_S:
        return f"{moment:%b %Y}"
    if step_s >= DAY_S or (step_s >= 3 * HOUR_S and moment.hour == 0):
        return day
    return f"{moment:%H:%M:%S}" if step_s < MINUTE_S else f"{moment:%H:%M}"


def _multiples(axis: Axis, step: float) -> Iterator[float]:
    first, last = math.ceil(axis.low / step), math.floor(axis.high / step)
    for number in range(first, last + 1):
        yield number * step


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, not less than *least*."""
    power = 10.0 ** math.floor(math.log10(least)) if least > 0 else 1.0
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)
