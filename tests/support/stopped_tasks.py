"""A task that is stopped before each of its storage calls in turn, and what happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

from include.ticklake.lake.storage import Storage
from tests.support.crashing_storage import Crash
from tests.support.interleaving_storage import Interleaved

Task = Callable[[Storage], object]


def stopped_at_each_step(
    make: Callable[[], Storage],
    task: Task,
    other: Task,
    *,
    is_killed: bool = False,
    watch: Task = lambda _: None,
) -> Iterator[tuple[int, Storage]]:
    """Yield each step and its lake, after *other* ran while *task* was stopped before that step.

    *task* goes on then, or is killed there. *watch* sees the lake at each further step.
    """
    for step in count():
        lake = make()
        if not _meet(lake, step, task, other, is_killed=is_killed, watch=watch):
            assert step > 2
            return
        yield step, lake


def _meet(
    lake: Storage, step: int, task: Task, other: Task, *, is_killed: bool, watch: Task
) -> bool:
    """Whether *task* has so many steps."""

    def meanwhile() -> None:
        other(lake)
        if is_killed:
            raise Crash

    stopped = Interleaved.around(lake, at_step=step, other=meanwhile)
    stopped.meeting.watch = partial(_stay_dead if is_killed else watch, lake)
    try:
        task(stopped)
    except Crash:
        assert is_killed
    return stopped.meeting.met


def _stay_dead(_: Storage) -> None:
    raise Crash
