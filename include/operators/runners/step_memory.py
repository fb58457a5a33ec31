"""The memory that the steps of a run took, on its way from their tasks to the summary.

Conversions and compactions return it with their counts. An extraction returns what is to be
converted, so its memory is an XCom of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.ticklake.lake.summary import StepRun

MEMORY = "memory"
"""Key of the XCom of an extraction: ``peak_bytes``, ``cap_bytes``, ``rows``, ``manifests``."""


def push_memory(
    context: Context, *, peak_bytes: int, cap_bytes: int, rows: int, manifests: int
) -> None:
    """Leave what an extraction took for the task that publishes; *cap_bytes* 0: no limit."""
    if (ti := context.get("ti")) is not None:
        taken = {"peak_bytes": peak_bytes, "cap_bytes": cap_bytes, "rows": rows}
        ti.xcom_push(key=MEMORY, value=taken | {"manifests": manifests})


def pull_memory(context: Context, *, task_id: str) -> list[dict[str, Any]]:
    """What each batch of the extraction *task_id* took; nothing of one that did not say so."""
    if (ti := context.get("ti")) is None:
        return []
    taken = ti.xcom_pull(task_ids=task_id, key=MEMORY)
    return [each for each in (taken if isinstance(taken, list) else [taken]) if each]


def step_runs(context: Context, **batches: Iterable[Mapping[str, Any]]) -> list[StepRun]:
    """One entry for each step by name, with the greatest peak of its batches; none of no batch."""
    from include.ticklake.lake.summary import StepRun

    if (ti := context.get("ti")) is None:
        return []
    runs = []
    for step, counts in batches.items():
        taken = list(counts)
        if not taken:
            continue
        runs.append(
            StepRun(
                at_ms=time.time_ns() // 10**6,
                dag_id=ti.dag_id,
                run_id=ti.run_id,
                step=step,
                peak_bytes=max(int(each["peak_bytes"]) for each in taken),
                cap_bytes=max(int(each["cap_bytes"]) for each in taken),
                rows=sum(int(each["rows"]) for each in taken),
                units=sum(int(each["manifests"]) for each in taken),
            )
        )
    return runs
