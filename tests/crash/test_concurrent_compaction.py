"""A conversion and a compaction of its day that meet at any step: neither undoes the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from include.ticklake.convert.convert import convert
from include.ticklake.errors import DataError
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, read
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import audit, compact
from include.ticklake.model.window import Window
from tests.support import lake_factory
from tests.support.interleaving_storage import Interleaved

NOON = lake_factory.DAY.start + timedelta(hours=12)
MORNING, EVENING = Window(lake_factory.DAY.start, NOON), Window(NOON, lake_factory.DAY.end)


def feed(field: str) -> Feed:
    """Windows of half a day; reads *field* of each record: another field is its mended self."""
    at = {"type": "timestamp", "unit": "ms", "event_time": True}
    return Feed.model_validate(
        {
            "name": "halves",
            "source": {
                "kind": "http",
                "base_url": "https://api.example.com",
                "path": "/x/{symbol}",
            },
            "slices": {"symbol": ["BTCUSDT"]},
            "window": "12h",
            "fields": {"amount": {"from": field, "type": "int64"}, "at": {"from": "t"} | at},
        }
    )


OLD, MENDED = feed("old"), feed("mended")


def fetched(lake: Storage, window: Window, values: list[int]) -> None:
    lines = [
        f'{{"old":{value},"mended":{10 * value},"t":{window.start_ms + value}}}' for value in values
    ]
    lake_factory.stage(lake, lines, window=window, feed=OLD)


def converted(lake: Storage, window: Window, described: Feed) -> None:
    key = layout.manifest_key(OLD.name, lake_factory.BTC, window)
    convert(key, feed=described, storage=lake, budget=lake_factory.BUDGET)


def compacted(lake: Storage) -> None:
    compact.compact(
        OLD, lake_factory.BTC, lake_factory.DAY, storage=lake, budget=lake_factory.BUDGET
    )


def seen(lake: Storage) -> list[int]:
    """What manifest readers see."""
    return sorted(read.table(OLD, storage=lake, columns=["amount"])["amount"].to_pylist())


def in_folder(lake: Storage) -> list[int]:
    """What folder readers see."""
    table = read.dataset(OLD, storage=lake).to_table(columns=["amount"])
    return sorted(table["amount"].to_pylist())


def findings(lake: Storage, described: Feed) -> list[str]:
    """What audit finds wrong; a day that was emptied on purpose is a warning only."""
    works = plan.plan_units(OLD, start=MORNING.start, end=MORNING.end)
    found = audit.audit(described, works, storage=lake, budget=lake_factory.BUDGET)
    wrong = [one for one in found if one.kind not in audit.WARNINGS]
    return [f"{one.kind}: {one.what}" for one in wrong]


Task = Callable[[Storage], None]


def hours(lake: Storage) -> None:
    """A day in files of its windows."""
    for window, values in ((MORNING, [1, 2]), (EVENING, [3])):
        fetched(lake, window, values)
        converted(lake, window, OLD)


def a_day(lake: Storage) -> None:
    """A compacted day."""
    hours(lake)
    compacted(lake)


def a_late_window(lake: Storage) -> None:
    """A compacted day beside which a window waits."""
    a_day(lake)
    converted(lake, MORNING, MENDED)


def fetch_again(lake: Storage) -> None:
    fetched(lake, MORNING, [5, 6, 7])
    converted(lake, MORNING, OLD)


def fetch_nothing(lake: Storage) -> None:
    fetched(lake, MORNING, [])
    converted(lake, MORNING, OLD)


def rebuild(lake: Storage) -> None:
    converted(lake, MORNING, MENDED)


def rebuild_as_it_was(lake: Storage) -> None:
    converted(lake, MORNING, OLD)


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
        both = [partial(tried, task, lake) for task in (convert_it, compacted)]
        if which == "a conversion in a compaction":
            meeting = Interleaved.around(lake, at_step=step, other=both[0])
            tried(compacted, meeting)
        else:
            meeting = Interleaved.around(lake, at_step=step, other=both[1])
            meeting.meeting.watch = partial(look, lake, (wanted, earlier[0]))
            tried(convert_it, meeting)
        if not meeting.meeting.met:
            break
        assert seen(lake) == wanted, f"met at step {step}"
        assert in_folder(lake) in (wanted, *earlier), f"met at step {step}"
        compacted(lake)
        assert seen(lake) == in_folder(lake) == wanted, f"met at step {step}"
        assert len(list(lake.list("parquet"))) == 1
        assert findings(lake, MENDED if convert_it is rebuild else OLD) == []
    assert step > 5


def look(lake: Storage, expected: tuple[list[int], ...]) -> None:
    """At every step there is one state or the other."""
    assert seen(lake) in expected


def tried(task: Task, lake: Storage) -> None:
    """A compaction may be refused where a file is there and its manifest not yet."""
    try:
        task(lake)
    except DataError:
        assert task is compacted
