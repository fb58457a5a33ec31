"""How many records the days of a feed have, in all of its slices together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from include.ticklake.lake import layout
from include.ticklake.model.window import Window


class DayRows:
    """Units and rows by the UTC day in which their windows begin."""

    def __init__(self) -> None:
        self._by_day: dict[str, tuple[int, int]] = {}

    def add(self, window: Window, *, rows: int) -> None:
        """Count a unit that was fetched, and its *rows*."""
        self._count(layout.day_of(window).name, units=1, rows=rows)

    def add_all(self, days: Mapping[str, list[int]]) -> None:
        """Count what ``as_dict`` returned of other slices."""
        for day, (units, rows) in days.items():
            self._count(day, units=units, rows=rows)

    def as_dict(self) -> dict[str, list[int]]:
        """Units and rows by the name of the day: plain JSON."""
        return {day: list(counts) for day, counts in self._by_day.items()}

    def empty(self) -> Iterator[tuple[Window, int]]:
        """Yield the days without any row, and how many units they have."""
        for day, (units, rows) in sorted(self._by_day.items()):
            if not rows:
                yield Window.parse(day), units

    def _count(self, day: str, *, units: int, rows: int) -> None:
        units_before, rows_before = self._by_day.get(day, (0, 0))
        self._by_day[day] = units_before + units, rows_before + rows
