"""Heat maps as SVG: one path per state, and over it a link per cell.

Small enough for a year of days or a month of hours. Colours come from the page's style sheet by
the class of the state; patterns are in the legend, once per page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from markupsafe import Markup, escape

from include.ui.cell_states import UNKNOWN, CellState, in_words
from include.ui.coverage import DAY_MS, Cell

_PLAIN = {"c", UNKNOWN}
"""States without a pattern."""


class CellGrid(NamedTuple):
    """Where the cells of a heat map are, in units of its ``viewBox``."""

    width: int
    height: int
    """Of a cell, with the space around it."""
    left: int
    top: int
    """Of the first cell: labels stand before it."""
    letters: bool = False
    """Whether the letter of a state is drawn into its cells."""


class PlacedCell(NamedTuple):
    """A cell, and its place in the grid."""

    column: int
    row: int
    cell: Cell


Label = tuple[float, float, str]
"""x, y and text."""
Link = Callable[[Cell], str]


def heat_map(
    name: str,
    grid: CellGrid,
    cells: Sequence[PlacedCell],
    *,
    link: Link,
    words: Callable[[Cell], str],
    labels: Iterable[Label] = (),
    unlinked: str = "",
) -> Markup:
    """The SVG, which is *name* to a screen reader; a cell links to *link* and says *words*.

    A cell of nothing but the states in *unlinked* has no link.
    """
    columns = max((placed.column for placed in cells), default=0) + 1
    rows = max((placed.row for placed in cells), default=0) + 1
    width, height = grid.left + columns * grid.width, grid.top + rows * grid.height
    return Markup(
        '<svg class="heat" data-grid role="group" aria-label="{}" viewBox="0 0 {} {}" '
        'width="{}" height="{}">{}{}{}</svg>'
    ).format(
        name, width, height, width, height,
        Markup("").join(_label(*label) for label in labels),
        _states(grid, cells),
        _links(grid, cells, link, words, unlinked),
    )  # fmt: skip


def _label(x: float, y: float, text: str) -> Markup:
    return Markup('<text class="axis" x="{:g}" y="{:g}">{}</text>').format(x, y, text)


def _states(grid: CellGrid, cells: Iterable[PlacedCell]) -> Markup:
    by_state: dict[CellState, list[PlacedCell]] = defaultdict(list)
    for placed in cells:
        if placed.cell.codes:
            by_state[placed.cell.state].append(placed)
    drawn = []
    for state, of_state in by_state.items():
        path = "".join(_rectangle(grid, placed) for placed in of_state)
        drawn.append(Markup('<path class="s s-{}" d="{}"/>').format(_css_name(state), path))
        if state.code not in _PLAIN:
            fill = f"url(#p-{state.code})"
            drawn.append(Markup('<path fill="{}" d="{}"/>').format(fill, path))
        if grid.letters and state.letter:
            drawn.append(_letters(grid, state.letter, of_state))
    return Markup("").join(drawn)


def _css_name(state: CellState) -> str:
    return "none" if state.code == UNKNOWN else state.code


def _letters(grid: CellGrid, letter: str, cells: Sequence[PlacedCell]) -> Markup:
    """One text for all cells: a letter at each of the positions."""
    xs = " ".join(f"{grid.left + (p.column + 0.5) * grid.width - 0.5:g}" for p in cells)
    ys = " ".join(f"{grid.top + (p.row + 0.5) * grid.height + 3:g}" for p in cells)
    return Markup('<text class="letter" aria-hidden="true" x="{}" y="{}">{}</text>').format(
        xs, ys, letter * len(cells)
    )


def _links(
    grid: CellGrid,
    cells: Iterable[PlacedCell],
    link: Link,
    words: Callable[[Cell], str],
    unlinked: str,
) -> Markup:
    links = (
        f'<a href="{escape(link(placed.cell))}"><title>{escape(words(placed.cell))}</title>'
        f'<path d="{_rectangle(grid, placed)}"/></a>'
        for placed in cells
        if placed.cell.codes.strip(unlinked)
    )
    return Markup('<g class="links">{}</g>').format(Markup("".join(links)))  # noqa: S704 - escaped


def _rectangle(grid: CellGrid, placed: PlacedCell) -> str:
    x, y = grid.left + placed.column * grid.width, grid.top + placed.row * grid.height
    return f"M{x} {y}h{grid.width - 1}v{grid.height - 1}h-{grid.width - 1}z"


def place_days(cells: Iterable[Cell]) -> list[PlacedCell]:
    """Days as a year's calendar: a column per week, from Monday down to Sunday."""
    placed: list[PlacedCell] = []
    for cell in cells:
        day = _day(cell)
        first_monday = date(day.year, 1, 1) - timedelta(days=date(day.year, 1, 1).weekday())
        placed.append(PlacedCell((day - first_monday).days // 7, day.weekday(), cell))
    return placed


def place_month(cells: Iterable[Cell], cell_ms: int) -> list[PlacedCell]:
    """A row per day of the month, the newest first; days themselves as a calendar, a row per week.

    Days that are still to come have no row.
    """
    of_month = list(cells)
    newest = max((_day(cell).day for cell in of_month if cell.codes), default=31)
    placed: list[PlacedCell] = []
    for cell in of_month:
        day = _day(cell)
        if cell_ms == DAY_MS:
            row = (day.day - 1 + day.replace(day=1).weekday()) // 7
            placed.append(PlacedCell(day.weekday(), row, cell))
        elif day.day <= newest:
            placed.append(PlacedCell(cell.start_ms % DAY_MS // cell_ms, newest - day.day, cell))
    return placed


def place_hours(cells: Iterable[Cell], window_ms: int) -> list[PlacedCell]:
    """The windows of a day: a row per hour."""
    return [
        PlacedCell(
            cell.start_ms % 3_600_000 // window_ms, cell.start_ms % DAY_MS // 3_600_000, cell
        )
        for cell in cells
    ]


def title(cell: Cell, *, of_days: bool) -> str:
    """``22 Nov 05:00 missing``; for a screen reader, and shown where the pointer rests."""
    at = datetime.fromtimestamp(cell.start_ms / 1000, UTC)
    day = f"{at.day} {at:%b}"
    return f"{day if of_days else f'{day} {at:%H:%M}'} {in_words(cell.codes)}"


def _day(cell: Cell) -> date:
    return datetime.fromtimestamp(cell.start_ms / 1000, UTC).date()
