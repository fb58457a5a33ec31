"""The results of a batch whose units run side by side, in order, without those that failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.side_by_side import PendingCall, SideBySide

Item = TypeVar("Item")
Result = TypeVar("Result")
Tasks = Iterable[PendingCall[Item, Result]]


def batch_results(
    tasks: SideBySide[Item, Result],
    failed: FailedUnits,
    *,
    unit_of: Callable[[Item], object] = lambda item: item,
    track: Callable[[Tasks[Item, Result]], Tasks[Item, Result]] = iter,
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with its result; *failed* notes those that failed, under ``unit_of(item)``.

    What concerns all units is raised, after the results that are there by then: what is committed
    is reported. *track* sees each task before its result is there.
    """
    try:
        for task in track(tasks):
            results = []
            with failed.attempt(unit_of(task.item)):
                results.append(task.result())
            for result in results:
                yield task.item, result
    except Exception:
        for task in tasks.finished():
            failed.done += 1
            yield task.item, task.result()
        raise
