"""A conversion and a compaction of its day that meet at any step: neither undoes the other."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from include.ticklake.errors import DataError
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import audit
from tests.support import lake_factory
from tests.support.half_days import (
    CORRECTED,
    EVENING,
    MORNING,
    OLD,
    Task,
    compact_day,
    convert_window,
    in_folder,
    ingest,
    seen,
)
from tests.support.interleaving_storage import Interleaved


def findings(lake: Storage, described: Feed) -> list[str]:
    """What audit finds wrong; a day that was emptied on purpose is a warning only."""
    works = plan.plan_units(OLD, start=MORNING.start, end=MORNING.end)
    found = audit.audit(described, works, storage=lake, budget=lake_factory.BUDGET)
    wrong = [one for one in found if one.kind not in audit.WARNINGS]
    return [f"{one.kind}: {one.what}" for one in wrong]


def hours(lake: Storage) -> None:
    """A day in files of its windows."""
    ingest(lake, MORNING, [1, 2])
    ingest(lake, EVENING, [3])


def a_day(lake: Storage) -> None:
    """A compacted day."""
    hours(lake)
    compact_day(lake)


def a_late_window(lake: Storage) -> None:
    """A compacted day beside which a window waits."""
    a_day(lake)
    convert_window(lake, MORNING, CORRECTED)


def fetch_again(lake: Storage) -> None:
    ingest(lake, MORNING, [5, 6, 7])


def fetch_nothing(lake: Storage) -> None:
    ingest(lake, MORNING, [])


def rebuild(lake: Storage) -> None:
    convert_window(lake, MORNING, CORRECTED)


def rebuild_as_it_was(lake: Storage) -> None:
    convert_window(lake, MORNING)


MEETINGS = [
    pytest.param(hours, fetch_again, [5, 6, 7], id="fetched again, first compaction"),
    pytest.param(hours, fetch_nothing, [], id="emptied, first compaction"),
    pytest.param(hours, rebuild, [10, 20], id="rebuilt, first compaction"),
    pytest.param(hours, rebuild_as_it_was, [1, 2], id="rebuilt as it was, first compaction"),
    pytest.param(a_day, fetch_again, [5, 6, 7], id="fetched again, compacted before"),
    pytest.param(a_late_window, fetch_again, [5, 6, 7], id="fetched again, one waits"),
    pytest.param(a_late_window, fetch_nothing, [], id="emptied, one waits"),
    pytest.param(a_late_window, rebuild_as_it_was, [1, 2], id="put back, one waits"),
]


@pytest.mark.parametrize("which", ["a conversion in a compaction", "a compaction in a conversion"])
@pytest.mark.parametrize(("before", "convert_it", "morning"), MEETINGS)
def test_what_was_converted_is_seen_and_nothing_twice(
    tmp_path: Path, before: Task, convert_it: Task, morning: list[int], which: str
) -> None:
    """Whichever step they meet at; and the next compaction leaves one file and no fault."""
    for step in range(200):
        lake = Storage.open(f"file://{tmp_path}/{step}", {})
        before(lake)
        earlier, wanted = [seen(lake), in_folder(lake)], sorted([*morning, 3])
        both = [partial(tried, task, lake) for task in (convert_it, compact_day)]
        if which == "a conversion in a compaction":
            meeting = Interleaved.around(lake, at_step=step, other=both[0])
            tried(compact_day, meeting)
        else:
            meeting = Interleaved.around(lake, at_step=step, other=both[1])
            meeting.meeting.watch = partial(look, lake, (wanted, earlier[0]))
            tried(convert_it, meeting)
        if not meeting.meeting.met:
            break
        assert seen(lake) == wanted, f"met at step {step}"
        assert in_folder(lake) in (wanted, *earlier), f"met at step {step}"
        compact_day(lake)
        assert seen(lake) == in_folder(lake) == wanted, f"met at step {step}"
        assert len(list(lake.list("parquet"))) == 1
        assert findings(lake, CORRECTED if convert_it is rebuild else OLD) == []
    assert step > 5


def look(lake: Storage, expected: tuple[list[int], ...]) -> None:
    """At every step there is one state or the other."""
    assert seen(lake) in expected


def tried(task: Task, lake: Storage) -> None:
    """A compaction may be refused where a file is there and its manifest not yet."""
    try:
        task(lake)
    except DataError:
        assert task is compact_day
