"""Peak memory against its limit, run after run: it does not grow with the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from include.ticklake.model.sizes import MIB, format_bytes
from include.ui.charts.axes import Axis, at, byte_ticks, time_ticks
from include.ui.charts.markup import draw

if TYPE_CHECKING:
    from markupsafe import Markup

HEIGHT = 220
ROWS_HEIGHT = 44
NEAR_LIMIT = 0.9
"""From this share of its limit on, a run is marked: the next larger page may be too much."""

_WIDTH = 1_000
"""Of the lines' own coordinates, which are stretched to the chart's width."""
_LATEST_S = 253_402_300_799
"""The last second that a date can show."""
_MAX_BYTES = 2**60


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPoint:
    """What one run of a step took."""

    at_s: float
    """Seconds since 1970."""
    peak_bytes: int
    limit_bytes: int
    """0 where nothing limits the step."""
    rows: int
    units: int
    dag_id: str
    run_id: str

    @property
    def is_plausible(self) -> bool:
        """Whether it can be drawn at all: anyone who may write to the lake says what it is."""
        return (
            0 <= self.at_s <= _LATEST_S
            and 0 < self.peak_bytes <= _MAX_BYTES
            and 0 <= self.limit_bytes <= _MAX_BYTES
            and 0 <= self.rows <= _MAX_BYTES
        )

    @property
    def share(self) -> float | None:
        """Of its limit; None where nothing limits it."""
        return self.peak_bytes / self.limit_bytes if self.limit_bytes else None

    @property
    def is_near_limit(self) -> bool:
        """Whether little of the limit is left."""
        return self.share is not None and self.share >= NEAR_LIMIT

    @property
    def text(self) -> str:
        """In words, for a title and a screen reader."""
        limit = f" of {format_bytes(self.limit_bytes)}" if self.limit_bytes else ", not limited"
        share = f" ({self.share:.0%})" if self.share is not None else ""
        return (
            f"{at(self.at_s):%Y-%m-%d %H:%M} UTC: {format_bytes(self.peak_bytes)}{limit}{share}, "
            f"{self.rows:,} rows in {self.units:,} unit{'' if self.units == 1 else 's'}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySummary:
    """A step's runs in a few numbers."""

    runs: int
    median_bytes: int
    peak: MemoryPoint
    """The run that took most."""
    near_limit: int
    """How many runs came near their limit."""


def summarize(points: Sequence[MemoryPoint]) -> MemorySummary:
    """What to say of *points*, at least one."""
    return MemorySummary(
        runs=len(points),
        median_bytes=int(median(point.peak_bytes for point in points)),
        peak=max(points, key=lambda point: point.peak_bytes),
        near_limit=sum(point.is_near_limit for point in points),
    )


def memory_chart(step: str, points: Iterable[MemoryPoint]) -> Markup:
    """The chart of one *step*: its *points*, at least one, in any order."""
    ordered = sorted(points, key=lambda point: point.at_s)
    across = _time_axis(ordered)
    greatest = max(max(point.peak_bytes, point.limit_bytes) for point in ordered)
    up = Axis(0, max(greatest * 1.12, MIB))
    most_rows = max(point.rows for point in ordered)
    rows_up = Axis(0, most_rows or 1)
    return draw(
        "memory.svg",
        step=step,
        summary=summarize(ordered),
        height=HEIGHT,
        rows_height=ROWS_HEIGHT,
        width=_WIDTH,
        y_ticks=byte_ticks(up, height=HEIGHT),
        x_ticks=time_ticks(across),
        most_rows=f"{most_rows:,}",
        points=[
            {
                "x": across.across(point.at_s),
                "y": up.up(point.peak_bytes, HEIGHT),
                "rows_y": rows_up.up(point.rows, ROWS_HEIGHT),
                "point": point,
            }
            for point in ordered
        ],
        peak_line=_line((across.share(p.at_s) * _WIDTH, up.up(p.peak_bytes, HEIGHT))
                        for p in ordered),
        limits=[
            {
                "x1": "0" if first is ordered[0] else across.across(first.at_s),
                "x2": across.across(last_s),
                "y": up.up(first.limit_bytes, HEIGHT), "text": format_bytes(first.limit_bytes),
            }
            for first, last_s in _limits(ordered, across)
        ],
    )  # fmt: skip


def _time_axis(ordered: Sequence[MemoryPoint]) -> Axis:
    first_s, last_s = ordered[0].at_s, ordered[-1].at_s
    space_s = (last_s - first_s) * 0.02 or 1_800
    return Axis(first_s - space_s, last_s + space_s)


def _limits(ordered: Sequence[MemoryPoint], across: Axis) -> Iterator[tuple[MemoryPoint, float]]:
    """The first point of each run of points with the same limit, and where that limit ends."""
    starts = [ordered[0]]
    starts += [
        point for before, point in pairwise(ordered) if point.limit_bytes != before.limit_bytes
    ]
    ends_s = [*(point.at_s for point in starts[1:]), across.high]
    for point, end_s in zip(starts, ends_s, strict=True):
        if point.limit_bytes:
            yield point, end_s


def _line(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
