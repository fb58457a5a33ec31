"""The bar on the screen, by rich; imported in the process that draws it, and nowhere else."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_REFRESH_S = 0.1
_OTHER_COLUMNS = 60
"""What bar, counts and times take beside the title and the note."""


class DrawnBar:
    """A bar in the last line of the terminal; what is printed appears above it."""

    def __init__(self, title: str) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._room = max(10, self._console.width - len(title) - _OTHER_COLUMNS)
        self._drawn_s = 0.0
        self._progress = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}", style="dim", markup=False),
            console=self._console,
            transient=True,
            auto_refresh=False,
        )
        self._task = self._progress.add_task(title, count="", note="", total=None)
        self._progress.start()

    def draw(self, *, done: int, total: int | None, part: float, note: str) -> None:
        """Draw it, unless that was a moment ago; *part* is how much of the next one is done."""
        if time.monotonic() < self._drawn_s + _REFRESH_S:
            return
        self._drawn_s = time.monotonic()
        self._progress.update(
            self._task,
            completed=done + part,
            total=total,
            count=f"{done:,}/{total:,}" if total is not None else "",
            note=note[: self._room],
        )
        self._progress.refresh()

    def print(self, line: str) -> None:
        """Print *line* above the bar, whole: one that is longer than the terminal is not cut."""
        self._console.print(Text.from_ansi(line), soft_wrap=True)

    def remove(self) -> None:
        """Leave nothing of it on the screen."""
        self._progress.stop()
