"""The heat maps of the coverage view, and the links of their cells."""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import quote, urlencode

from markupsafe import Markup

from include.ticklake.feed.feed import Feed
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import format_instant
from include.ui.cell_states import UNKNOWN
from include.ui.coverage import DAY_MS, HOUR_MS, Cell, CoverageYear, day_ms
from include.ui.heat_map import (
    CellGrid,
    Label,
    PlacedCell,
    heat_map,
    place_days,
    place_hours,
    place_month,
    title,
)

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_YEAR = CellGrid(width=18, height=18, left=34, top=20)
_HOURS = CellGrid(width=26, height=18, left=48, top=18, letters=True)
_DAYS = CellGrid(width=88, height=40, left=0, top=20, letters=True)
_HOURS_WIDTH = 24 * _HOURS.width
_WIDTH_OF_LETTER = 12


class Addresses:
    """Links that keep the feed and the slice."""

    def __init__(self, feed: Feed, slice_: Slice) -> None:
        self._query = urlencode({"feed": feed.name, "slice": str(slice_)})

    def unit(self, start_ms: int) -> str:
        """The page of the window that starts there."""
        start = format_instant(start_ms * 10**6).replace(":00Z", "Z")
        return f"unit?{self._query}&start={quote(start, safe=':')}"

    def month(self, year: int, month: int) -> str:
        """A month of the coverage view; 0 and 13 are in the years beside."""
        year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
        return f"coverage?{self._query}&year={year}&month={month}"

    def year(self, year: int) -> str:
        """The newest month of a year."""
        return f"coverage?{self._query}&year={year}"

    def day(self, day: date) -> str:
        """A day of the coverage view."""
        return f"{self.month(day.year, day.month)}&day={day.day}"

    def unit_of(self, cell: Cell) -> str:
        """The page of a cell's first window."""
        return self.unit(cell.window_start_ms)

    def month_of(self, cell: Cell) -> str:
        """The month that a cell is in."""
        return self.month(_at(cell).year, _at(cell).month)

    def day_of(self, cell: Cell) -> str:
        """The day that a cell is in."""
        return self.day(_at(cell).date())


def year_chart(windows: CoverageYear, address: Addresses) -> Markup:
    """The year by days; a day leads to its month."""
    start_ms, end_ms = day_ms(date(windows.year, 1, 1)), day_ms(date(windows.year + 1, 1, 1))
    cells = place_days(windows.cells(start_ms, end_ms, length_ms=DAY_MS))
    labels: list[Label] = [
        (0, _YEAR.top + row * _YEAR.height + 13, _WEEKDAYS[row]) for row in (0, 2, 4)
    ]
    column_of = {placed.cell.start_ms: placed.column for placed in cells}
    for month in range(1, 13):
        first = date(windows.year, month, 1)
        # A month's name stands over its first whole week.
        column = column_of[day_ms(first)] + (first.weekday() > 0)
        labels.append((_YEAR.left + column * _YEAR.width, 13, f"{first:%b}"))
    return heat_map(
        f"{windows.year} by days",
        _YEAR,
        cells,
        link=address.month_of,
        words=lambda cell: title(cell, of_days=True),
        labels=labels,
        unlinked=UNKNOWN,
    )


def month_chart(windows: CoverageYear, address: Addresses, start_ms: int, end_ms: int) -> Markup:
    """A month: by days where a window is a day or more, else by hours of each day.

    A cell leads to its window, or to its day where it has several windows.
    """
    length_ms = windows.cell_ms
    of_days = length_ms == DAY_MS
    cells = place_month(windows.cells(start_ms, end_ms, length_ms=length_ms), length_ms)
    first = datetime.fromtimestamp(start_ms / 1000, UTC).date()
    columns = DAY_MS // length_ms
    return heat_map(
        f"{first:%B %Y}, {'by days' if of_days else 'by hours (UTC)'}",
        _DAYS if of_days else _HOURS._replace(width=_HOURS_WIDTH // columns),
        cells,
        link=address.day_of if windows.window_ms < HOUR_MS else address.unit_of,
        words=lambda cell: title(cell, of_days=of_days),
        labels=_calendar_labels(cells) if of_days else _hour_labels(cells, columns),
    )


def day_chart(windows: CoverageYear, address: Addresses, start_ms: int) -> Markup:
    """A day, window by window: a row per hour."""
    window_ms = windows.window_ms
    cells = place_hours(windows.cells(start_ms, start_ms + DAY_MS, length_ms=window_ms), window_ms)
    columns = HOUR_MS // window_ms
    width = max(10, _HOURS_WIDTH // columns)
    grid = _HOURS._replace(width=width, letters=width >= _WIDTH_OF_LETTER)
    labels: list[Label] = [(0, _middle(grid, hour), f"{hour:02d}:00") for hour in range(24)]
    labels += [
        (grid.left + column * width, 12, f":{column * window_ms // 60_000:02d}")
        for column in range(0, columns, max(1, columns // 6))
    ]
    return heat_map(
        "the day, window by window (UTC)",
        grid,
        cells,
        link=address.unit_of,
        words=lambda cell: title(cell, of_days=False),
        labels=labels,
    )


def _hour_labels(cells: list[PlacedCell], columns: int) -> list[Label]:
    width = _HOURS_WIDTH // columns
    hours: list[Label] = [
        (_HOURS.left + column * width, 12, f"{column * 24 // columns:02d}")
        for column in range(0, columns, max(1, columns // 8))
    ]
    of_rows = {placed.row: _at(placed.cell) for placed in cells}
    days: list[Label] = [
        (0, _middle(_HOURS, row), f"{_WEEKDAYS[at.weekday()][:2]} {at.day:02d}")
        for row, at in of_rows.items()
    ]
    return hours + days


def _calendar_labels(cells: list[PlacedCell]) -> list[Label]:
    names: list[Label] = [(n * _DAYS.width, 13, name) for n, name in enumerate(_WEEKDAYS)]
    days: list[Label] = [
        (p.column * _DAYS.width + 5, _DAYS.top + p.row * _DAYS.height + 14, str(_at(p.cell).day))
        for p in cells
    ]
    return names + days


def _middle(grid: CellGrid, row: int) -> float:
    return grid.top + row * grid.height + 13


def _at(cell: Cell) -> datetime:
    return datetime.fromtimestamp(cell.start_ms / 1000, UTC)
