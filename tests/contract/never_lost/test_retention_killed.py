"""Retention that is killed beside a task that goes on: no manifest is left without its file.

The task is stopped before each of its storage calls in turn; retention begins then, and is killed
before each of its changes in turn, so that it never looks again; then the task goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.lake.storage import Storage
from tests.support.crashing_storage import Crash, crashing
from tests.support.half_days import (
    EVENING,
    MORNING,
    Task,
    compact_day,
    convert_window,
    fetch,
    in_folder,
    ingest,
    named_and_gone,
    retire,
    seen,
)
from tests.support.memory_storage import memory_storage
from tests.support.stopped_tasks import stopped_at_each_step

retention = partial(retire, json="1d", parquet="1d")


@pytest.fixture(params=[pytest.param("disk", marks=pytest.mark.slow), "bucket"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Storage]:
    """Makes lakes: on disk, and in a bucket that honours conditional writes."""
    if request.param == "bucket":
        return memory_storage
    numbers = iter(range(10**6))
    return lambda: Storage.open(f"file://{tmp_path}/{next(numbers)}", {})


def fetched(lake: Storage) -> Storage:
    """A window that was never converted, beside one that was."""
    ingest(lake, EVENING, [3])
    fetch(lake, MORNING, [5, 6, 7])
    return lake


def converted(lake: Storage) -> Storage:
    """A window that was fetched again after it was converted."""
    ingest(lake, MORNING, [1, 2])
    return fetched(lake)


def compacted(lake: Storage) -> Storage:
    """The same in a day that was compacted."""
    ingest(lake, MORNING, [1, 2])
    ingest(lake, EVENING, [3])
    compact_day(lake)
    fetch(lake, MORNING, [5, 6, 7])
    return lake


def retired(lake: Storage) -> Storage:
    """The same after retention removed the day."""
    retention(converted(lake))
    fetch(lake, MORNING, [5, 6, 7])
    return lake


def back(lake: Storage) -> Storage:
    """A compacted day that retention removed, and that was fetched and converted again."""
    retention(compacted(lake))
    ingest(lake, MORNING, [5, 6, 7])
    ingest(lake, EVENING, [3])
    return lake


def convert_morning(lake: Storage) -> None:
    with suppress(UsageError):  # its JSON was just removed
        convert_window(lake, MORNING)


MEETINGS = [
    *(
        pytest.param(state, convert_morning, id=f"convert-{state.__name__}")
        for state in (fetched, converted, compacted, retired)
    ),
    pytest.param(back, compact_day, id="compact-back", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("state", "task"), MEETINGS)
def test_retention_that_is_killed_leaves_no_manifest_without_its_file_to_who_goes_on(
    empty, state: Callable[[Storage], Storage], task: Task
):
    """Every scan works, and the next retention ends what was begun."""
    for kill in count():
        deaths: list[int] = []
        made = lambda: state(empty())  # noqa: E731
        other = partial(_killed_retention, at_step=kill, deaths=deaths)
        for step, lake in stopped_at_each_step(made, task, other):
            where = f"stopped before step {step}, retention killed before change {kill}"
            # A window of a removed day is there where its file is: reading fails for no other.
            assert {*seen(lake)} <= {1, 2, 3, 5, 6, 7}, where
            retention(lake)
            assert (seen(lake), in_folder(lake), named_and_gone(lake)) == ([], [], []), where
        if not deaths:
            break
    assert kill > 3


def _killed_retention(lake: Storage, *, at_step: int, deaths: list[int]) -> None:
    try:
        retention(crashing(lake, after_steps=at_step))
    except Crash:
        deaths.append(at_step)
