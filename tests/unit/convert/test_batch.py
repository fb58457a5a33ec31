"""Windows that are converted side by side share one limit of memory."""

from __future__ import annotations

import threading

import pytest
from msgspec.structs import replace

from include.ticklake.convert.batch import ConversionRoom
from include.ticklake.convert.budget import budget_for
from include.ticklake.lake.manifest import JsonSection, Manifest, Part
from tests.support.feed_texts import feed

MIB = 2**20
BUDGET = budget_for(128 * MIB)
FEED = feed()
PART = Part(
    key="json/small/x", rows=1, json_bytes=1, gzip_bytes=1, sha256="ab", first_event_ns=None,
    last_event_ns=None,
)  # fmt: skip


def staged(json_bytes: int) -> Manifest:
    section = JsonSection(
        received_rows=1, out_of_window_rows=0, duplicate_rows=0, pages=1, page_bytes=1,
        host="a.example", fetched_at_ms=None, parts=(replace(PART, json_bytes=json_bytes),),
    )  # fmt: skip
    return Manifest(
        feed="small", slice={}, window="20261122T050000Z-20261122T060000Z", json=section
    )


def test_small_windows_run_side_by_side_each_with_one_worker():
    """Together they take what is free, and no more."""
    room, inside = ConversionRoom(BUDGET, units_at_once=8), threading.Barrier(9)
    running, most, lock = [], [], threading.Lock()

    def convert() -> None:
        with room.reserved(staged(6_000), FEED) as budget:
            assert (budget.workers, budget.ahead_bytes) == (1, 0)
            with lock:
                running.append(1)
                most.append(len(running))
            inside.wait(30)
            with lock:
                running.pop()

    threads = [threading.Thread(target=convert) for _ in range(8)]
    for thread in threads:
        thread.start()
    inside.wait(30)
    for thread in threads:
        thread.join()
    assert max(most) == 8
    assert 8 * BUDGET.needed_bytes(6_000, columns=2) <= BUDGET.side_by_side(8)[1]


def test_a_large_window_has_the_whole_budget_to_itself():
    """It waits for those that run, and small ones that come later wait for it."""
    room, order = ConversionRoom(BUDGET, units_at_once=8), []
    small_runs, large_runs = threading.Event(), threading.Event()
    may_end = {name: threading.Event() for name in ("small", "large")}

    def convert(name: str, json_bytes: int, runs: threading.Event) -> None:
        with room.reserved(staged(json_bytes), FEED) as budget:
            order.append((name, budget == BUDGET))
            runs.set()
            assert may_end.get(name, may_end["large"]).wait(30)

    threads = [threading.Thread(target=convert, args=("small", 1, small_runs))]
    threads[0].start()
    assert small_runs.wait(30)
    threads.append(threading.Thread(target=convert, args=("large", 100 * MIB, large_runs)))
    threads[1].start()
    while not room._turn.locked():  # it is the first in the queue
        assert not large_runs.is_set()
    threads.append(threading.Thread(target=convert, args=("later", 1, threading.Event())))
    threads[2].start()
    assert order == [("small", False)]
    may_end["small"].set()
    assert large_runs.wait(30)
    assert order == [("small", False), ("large", True)]
    may_end["large"].set()
    for thread in threads:
        thread.join()
    assert order[-1] == ("later", False)


@pytest.mark.parametrize("json_bytes", [1, 100 * MIB])
def test_a_window_by_itself_has_all_of_it(json_bytes):
    """Whatever its size."""
    with ConversionRoom(BUDGET, units_at_once=1).reserved(staged(json_bytes), FEED) as budget:
        assert budget == BUDGET
