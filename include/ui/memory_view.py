"""The memory that each step of a feed took, run after run, against its limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from include.ui.access import ViewerDep
from include.ui.charts.memory_chart import MemoryPoint, MemorySummary, memory_chart, summarize
from include.ui.chosen_feed import choose_feed
from include.ui.rendering import render
from include.ui.routes import add_page

if TYPE_CHECKING:
    from include.ticklake.lake.summary import StepRun

STEPS = {
    "convert": "Convert: staged JSON to Parquet",
    "compact": "Compact: a day's Parquet files to one",
    "extract": "Extract: pages of the source to staged JSON",
}
"""The steps that have a place of their own, those under a limit first, and what they do."""
MAX_TABLE_ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMemory:
    """One step: its chart, and the numbers behind it."""

    step: str
    title: str
    chart: Any
    summary: MemorySummary
    largest: MemoryPoint
    smallest: MemoryPoint
    """The runs with the most and the fewest rows."""
    newest: list[MemoryPoint]
    left_out: int
    """How many runs cannot be drawn: what is stored of them is not plausible."""


def add_routes(app: FastAPI) -> None:
    """Serve the page at ``/memory``."""
    add_page(app, "/memory", memory)


def memory(viewer: ViewerDep, feed: str = "") -> HTMLResponse:
    """The charts of one feed."""
    selected, summary = choose_feed(viewer, feed, has_content=lambda stored: stored.runs)
    steps = step_memories(summary.runs if summary else ())
    return render("memory.html", viewer, view="memory", feed=selected, steps=steps)


def step_memories(runs: Iterable[StepRun]) -> list[StepMemory]:
    """The steps of *runs* that have a run that can be drawn."""
    by_step: dict[str, list[MemoryPoint]] = {}
    for run in runs:
        by_step.setdefault(run.step, []).append(_point(run))
    known = [step for step in STEPS if step in by_step]
    others = sorted(step for step in by_step if step not in STEPS)
    return [
        _step_memory(step, plausible, left_out=len(by_step[step]) - len(plausible))
        for step in [*known, *others]
        if (plausible := [point for point in by_step[step] if point.is_plausible])
    ]


def _step_memory(step: str, points: list[MemoryPoint], *, left_out: int) -> StepMemory:
    newest = sorted(points, key=lambda point: point.at_s, reverse=True)
    return StepMemory(
        step=step,
        title=STEPS.get(step, step),
        chart=memory_chart(step, points),
        summary=summarize(points),
        largest=max(points, key=lambda point: point.rows),
        smallest=min(points, key=lambda point: point.rows),
        newest=newest[:MAX_TABLE_ROWS],
        left_out=left_out,
    )


def _point(run: StepRun) -> MemoryPoint:
    return MemoryPoint(
        at_s=run.at_ms / 1000,
        peak_bytes=run.peak_bytes,
        limit_bytes=run.cap_bytes,
        rows=run.rows,
        units=run.units,
        dag_id=run.dag_id,
        run_id=run.run_id,
    )
