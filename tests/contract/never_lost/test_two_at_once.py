"""Two at once: whichever storage call one of them is stopped before, nothing stored is lost.

One is stopped before each of its calls in turn; the other runs from its beginning to its end; then
the first one goes on, as after SIGSTOP and SIGCONT, or is killed where it stands.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from include.ticklake.convert.convert import convert
from include.ticklake.errors import UsageError
from include.ticklake.feed.fields import FieldSpec
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.staged_object import HELD_BYTES
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.compact import compact
from tests.support import lake_factory
from tests.support.half_days import (
    CORRECTED,
    DAY,
    EVENING,
    MORNING,
    OLD,
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

BOTH = {"json": "1d", "parquet": "1d"}


@pytest.fixture(params=["disk", "bucket"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Storage]:
    """Makes lakes: on disk, and in a bucket that honours conditional writes."""
    if request.param == "bucket":
        return memory_storage
    numbers = iter(range(10**6))
    return lambda: Storage.open(f"file://{tmp_path}/{next(numbers)}", {})


def windows(lake: Storage) -> Storage:
    """Two windows of one day, in files of their own."""
    ingest(lake, MORNING, [1, 2])
    ingest(lake, EVENING, [3])
    return lake


def day(lake: Storage) -> Storage:
    """The same day, compacted."""
    compact_day(windows(lake))
    return lake


def late(lake: Storage) -> Storage:
    """A compacted day beside which a window waits."""
    convert_window(day(lake), MORNING, CORRECTED)
    return lake


STATES = [pytest.param(state, id=state.__name__) for state in (windows, day, late)]


@pytest.mark.parametrize("is_killed", [False, True], ids=["woken", "killed"])
@pytest.mark.parametrize("order", ["compaction stopped", "retention stopped"])
@pytest.mark.parametrize("state", STATES)
def test_retention_meeting_compaction_leaves_no_day_s_manifest_without_its_file(
    empty, state, order, is_killed
):
    """What a manifest counts on is there; the next retention ends what was begun."""
    retention = partial(retire, **BOTH)
    tasks = (compact_day, retention) if order.startswith("compaction") else (retention, compact_day)
    made = lambda: state(empty())  # noqa: E731
    for step, lake in stopped_at_each_step(made, *tasks, is_killed=is_killed):
        if not is_killed:
            assert named_and_gone(lake) == [], f"stopped before step {step}"
        retention(lake)
        assert named_and_gone(lake) == []
        assert (seen(lake), in_folder(lake)) == ([], [])


@pytest.mark.parametrize("is_killed", [False, True], ids=["woken", "killed"])
@pytest.mark.parametrize("state", STATES)
def test_a_compaction_that_wakes_after_another_one_undoes_nothing(empty, state, is_killed):
    """The other one has a window that was converted again meanwhile."""

    def other(lake: Storage) -> None:
        ingest(lake, MORNING, [5, 6, 7])
        compact_day(lake)

    def look(lake: Storage) -> None:
        assert seen(lake) == [3, 5, 6, 7]

    made = lambda: state(empty())  # noqa: E731
    for step, lake in stopped_at_each_step(
        made, compact_day, other, is_killed=is_killed, watch=look
    ):
        assert seen(lake) == [3, 5, 6, 7], f"stopped before step {step}"
        assert named_and_gone(lake) == [], f"stopped before step {step}"
        compact_day(lake)
        assert seen(lake) == in_folder(lake) == [3, 5, 6, 7]
        assert len(list(lake.list("parquet"))) == 1
        assert list(lake.list("late")) == []


def test_rows_do_not_vanish_from_readers_when_a_paused_conversion_wakes(empty):
    """It converted what was staged before: the second run fetched more, and is done."""

    def made() -> Storage:
        lake = windows(empty())
        fetch(lake, MORNING, [1, 2, 5])
        return lake

    def look(lake: Storage) -> None:
        assert seen(lake) == [1, 2, 3, 5, 6]

    for step, lake in stopped_at_each_step(
        made,
        partial(convert_window, window=MORNING),
        partial(ingest, window=MORNING, values=[1, 2, 5, 6]),
        watch=look,
    ):
        assert seen(lake) == in_folder(lake) == [1, 2, 3, 5, 6], f"stopped before step {step}"
        assert named_and_gone(lake) == []


@pytest.mark.parametrize("state", STATES)
def test_a_paused_conversion_that_wakes_after_a_compaction_shows_no_row_twice(empty, state):
    """Nor does the folder, once the conversion is over and its day is compacted again."""

    def other(lake: Storage) -> None:
        convert_window(lake, MORNING)
        compact_day(lake)

    for step, lake in stopped_at_each_step(
        lambda: state(empty()), partial(convert_window, window=MORNING, described=CORRECTED), other
    ):
        assert seen(lake) in ([1, 2, 3], [3, 10, 20]), f"stopped before step {step}"
        assert named_and_gone(lake) == [], f"stopped before step {step}"
        expected = seen(lake)
        compact_day(lake)
        assert seen(lake) == in_folder(lake) == expected


def test_a_window_converted_for_the_first_time_by_two_is_there_once(empty):
    """The second one is done, and its day compacted, before the first one publishes."""

    def made() -> Storage:
        lake = empty()
        ingest(lake, EVENING, [3])
        fetch(lake, MORNING, [1, 2])
        return lake

    def other(lake: Storage) -> None:
        convert_window(lake, MORNING)
        compact_day(lake)

    for step, lake in stopped_at_each_step(made, partial(convert_window, window=MORNING), other):
        assert seen(lake) == in_folder(lake) == [1, 2, 3], f"stopped before step {step}"
        assert len(list(lake.list("parquet"))) == 1


@pytest.mark.parametrize("state", STATES)
def test_no_mark_of_two_retentions_is_lost(empty, state):
    """One removes the JSON, the other the Parquet: the manifests say both in the end."""
    for step, lake in stopped_at_each_step(
        lambda: state(empty()), partial(retire, json="1d"), partial(retire, parquet="1d")
    ):
        found = list(manifest.read_all(OLD.name, storage=lake))
        marks = {(one.json.removed, one.parquet.removed) for one in found}
        assert marks == {(True, True)}, f"stopped before step {step}"
        assert (seen(lake), named_and_gone(lake)) == ([], [])


@pytest.mark.parametrize("state", STATES)
def test_a_conversion_that_wakes_after_retention_leaves_no_manifest_that_is_wrong(empty, state):
    """The window has expired: it is there, or it was deleted and its manifest says so."""

    def made() -> Storage:
        lake = state(empty())
        fetch(lake, MORNING, [5, 6, 7])
        return lake

    def converted(lake: Storage) -> None:
        with suppress(UsageError):  # its JSON was just removed
            convert_window(lake, MORNING)

    for step, lake in stopped_at_each_step(made, converted, partial(retire, **BOTH)):
        assert named_and_gone(lake) == [], f"stopped before step {step}"
        assert seen(lake) in ([], [5, 6, 7]), f"stopped before step {step}"
        retire(lake, **BOTH)
        assert (seen(lake), in_folder(lake), named_and_gone(lake)) == ([], [], [])


@pytest.mark.parametrize("state", STATES)
def test_a_retention_that_wakes_after_a_window_was_fetched_again_leaves_no_manifest_that_is_wrong(
    empty, state
):
    """What came back has expired, too: it is there, or its manifest says that it was deleted."""
    again = partial(ingest, window=MORNING, values=[5, 6, 7])
    for step, lake in stopped_at_each_step(lambda: state(empty()), partial(retire, **BOTH), again):
        assert named_and_gone(lake) == [], f"stopped before step {step}"
        assert seen(lake) in ([], [5, 6, 7]), f"stopped before step {step}"
        retire(lake, **BOTH)
        assert (seen(lake), in_folder(lake), named_and_gone(lake)) == ([], [], [])


SAME = [
    pytest.param(windows, compact_day, id="compact"),
    pytest.param(day, partial(convert_window, window=MORNING, described=CORRECTED), id="rebuild"),
    pytest.param(late, compact_day, id="compact again"),
    pytest.param(late, partial(retire, **BOTH), id="retention"),
]


@pytest.mark.parametrize(("state", "command"), SAME)
def test_two_of_the_same_command_delete_nothing_that_the_other_one_is_writing(
    empty, state: Callable[[Storage], Storage], command: Task
):
    """Neither ends in an error, such as ``Errno 2``, and nothing is left under ``_incomplete/``."""
    alone = state(empty())
    command(alone)
    for step, lake in stopped_at_each_step(lambda: state(empty()), command, command):
        assert seen(lake) == seen(alone), f"stopped before step {step}"
        assert named_and_gone(lake) == []
        assert list(lake.list("_incomplete")) == []


NOISE = {"from": "noise", "type": "string"}
LARGE = OLD.model_copy(update={"fields": {**OLD.fields, "noise": FieldSpec.model_validate(NOISE)}})


def convert_and_compact(lake: Storage) -> None:
    """The day of a feed with long texts."""
    for window in (MORNING, EVENING):
        key = layout.manifest_key(LARGE.name, lake_factory.BTC, window)
        convert(key, feed=LARGE, storage=lake, budget=lake_factory.BUDGET)
    compact(LARGE, lake_factory.BTC, DAY, storage=lake, budget=lake_factory.BUDGET)


@pytest.mark.slow
def test_two_of_a_kind_with_files_that_are_not_held_in_memory_end_as_one_alone(empty):
    """Each writes, reads and deletes unfinished files of its own only."""
    noise = random.Random(7)
    lines = [
        f'{{"old":{n},"t":{MORNING.start_ms + n},"noise":"{noise.randbytes(28_000).hex()}"}}'
        for n in range(42)
    ]

    def made() -> Storage:
        lake = empty()
        lake_factory.stage(lake, lines, window=MORNING, feed=LARGE)
        lake_factory.stage(lake, [], window=EVENING, feed=LARGE)
        return lake

    alone = made()
    convert_and_compact(alone)
    objects = data(alone)
    assert max(size for key, size in objects.items() if ".parquet" in key) > HELD_BYTES
    for step, lake in stopped_at_each_step(made, convert_and_compact, convert_and_compact):
        assert data(lake) == objects, f"stopped before step {step}"


def data(lake: Storage) -> dict[str, int]:
    """All objects but the feed's record, which says what was found out about the store."""
    return {key: size for key, size in lake.sizes("").items() if not key.startswith("schemas/")}
