"""Writes the plan of a run into the lake, and gives each mapped task a reference to its batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from include.operators.access.batches import COVERS, OPTIONS, Reference
from include.operators.dag_support import labels
from include.ticklake.lake import run_plan
from include.ticklake.lake.run_plan import DagRunName, RunPlan
from include.ticklake.model.unit import Unit

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.ticklake.lake.storage import Storage

MAX_UNITS = 1_000_000
"""Of a run: a batch of the default 200 then has 5,000, and is planned in a few seconds."""


@dataclass(slots=True)
class Scope:
    """What the units of a run cover together, noted as they pass."""

    start: datetime | None = None
    end: datetime | None = None
    windows: set[datetime] = field(default_factory=set)
    slices: set[object] = field(default_factory=set)

    def note(self, units: Iterable[Unit]) -> Iterator[Unit]:
        """Yield *units*."""
        for unit in units:
            window = unit.window
            if window.start not in self.windows:
                self.windows.add(window.start)
                self.start = min(self.start or window.start, window.start)
                self.end = max(self.end or window.end, window.end)
            self.slices.add(unit.slice)
            yield unit

    def to_dict(self) -> dict[str, Any]:
        """For the run's event; ``start`` and ``end`` only where there is a unit."""
        bounds = {"start": self.start, "end": self.end}
        plain: dict[str, Any] = {name: at.isoformat() for name, at in bounds.items() if at}
        return plain | {"windows": len(self.windows), "slices": len(self.slices)}


def save(
    feed: str,
    batches: Iterable[list[Unit]],
    *,
    context: Context,
    storage: Storage,
    options: dict[str, bool] | None = None,
) -> list[Reference]:
    """Write the plan of *feed*'s part of this run, and return a reference to each of *batches*.

    One batch at a time is in memory. Nothing is written where there is none.
    """
    ti, run = context["ti"], context["dag_run"]
    written = RunPlan(feed, DagRunName(dag_id=ti.dag_id, run_id=ti.run_id))
    references: list[Reference] = []
    for batch in batches:
        part = written.add(batch)
        reference: Reference = {
            "offset": part.offset,
            "bytes": part.bytes,
            "units": part.units,
            "first": batch[0].to_xcom(),
            COVERS: labels.label((unit.slice, unit.window) for unit in batch),
        }
        references.append(reference | ({OPTIONS: options} if options else {}))
    if not references:
        return []
    key = written.save(run.run_after, storage=storage)
    return [{"plan": key} | reference for reference in references]


def find_old(feed: str, *, now: datetime, context: Context, storage: Storage) -> dict[str, int]:
    """The plans of *feed* that no run can need any more, with their bytes.

    One that is older than plans are kept stays as long as its run is active.
    """
    found = run_plan.find_old(feed, before=now - run_plan.KEPT, storage=storage)
    return {
        key: size_bytes
        for key, size_bytes in found.items()
        if not _is_active(run_plan.read_run(key, storage=storage), context)
    }


def _is_active(run: DagRunName | None, context: Context) -> bool:
    if run is None:
        return False
    states = ["queued", "running"]
    count = context["ti"].get_dr_count(dag_id=run.dag_id, run_ids=[run.run_id], states=states)
    return count > 0
