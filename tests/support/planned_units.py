"""What a plan's references stand for, and what plans ask of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from include.operators.access import batches
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit


class PlanTask:
    """The task instance of a plan; keeps what is pushed."""

    dag_id, run_id = "ingest_many", "scheduled__2026-01-02T03:20:00+00:00"

    def __init__(self, active: Iterable[str] = ()) -> None:
        self.pushed: dict[str, object] = {}
        self.active = set(active)
        """Ids of runs that are not over."""

    def xcom_push(self, *, key: str, value: object) -> None:
        """Keep *value*."""
        self.pushed[key] = value

    def get_dr_count(self, *, dag_id: str, run_ids: list[str], states: list[str]) -> int:
        """How many runs with these ids are active."""
        assert (dag_id, states) == (self.dag_id, ["queued", "running"])
        return len(self.active.intersection(run_ids))


def units_of(reference: Mapping[str, Any], storage: Storage) -> list[Unit]:
    """The units of one batch."""
    return [Unit.of(unit) for unit in batches.read_units(dict(reference), lambda: storage)]
