"""Calls run side by side, and their reader gets them in order, as if one had followed the other."""

from __future__ import annotations

import logging
import threading

import pytest

from include.ticklake.model import side_by_side
from include.ticklake.model.side_by_side import SideBySide
from include.ticklake.model.stop_signal import StopSignal

WAIT_S = 30
log = logging.getLogger("include.ticklake.test")


def run(work, items, *, threads=4, is_fatal=lambda _: True, stop=None) -> SideBySide:
    return SideBySide(
        work, items, threads=threads, stop=stop or StopSignal(), is_fatal=is_fatal
    )  # fmt: skip


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("count", [0, 1, 2, 600])
def test_results_come_in_the_order_of_the_items(threads, count):
    """Whatever the number of items and threads."""
    with run(lambda item: item * 2, iter(range(count)), threads=threads) as tasks:
        assert [(task.item, task.result()) for task in tasks] == [(n, n * 2) for n in range(count)]
    assert not side_by_side.has_threads()


def test_calls_wait_for_each_other_side_by_side():
    """As many as there are threads are inside at once."""
    barrier = threading.Barrier(3)
    with run(lambda _: barrier.wait(WAIT_S), range(6), threads=3) as tasks:
        assert len([task.result() for task in tasks]) == 6


@pytest.mark.parametrize(("threads", "count"), [(1, 3), (4, 1)])
def test_one_thread_or_one_item_needs_no_thread(threads, count):
    """The reader makes the call itself, when it asks for the result."""
    with run(lambda _: threading.current_thread(), range(count), threads=threads) as tasks:
        assert {task.result() for task in tasks} == {threading.current_thread()}


def test_an_interrupt_among_the_items_ends_the_reader_now():
    """It is no error of the items, whose turn would come behind calls that may take long."""
    begun = []

    def items():
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), run(lambda item: item, items()) as tasks:
        begun.extend(task.item for task in tasks)
    assert begun == []


def test_log_lines_come_in_the_order_of_the_items(caplog):
    """Also of a call that ends before the one before it begins to log."""
    caplog.set_level("INFO")
    later = threading.Event()

    def work(item: int) -> None:
        if item == 0:
            assert later.wait(WAIT_S)
        log.info("begins %d", item)
        log.info("ends %d", item)
        if item == 3:
            later.set()

    with run(work, range(4)) as tasks:
        for task in tasks:
            task.result()
    assert caplog.messages == [f"{what} {n}" for n in range(4) for what in ("begins", "ends")]


@pytest.mark.parametrize("threads", [1, 4])
def test_an_error_of_the_items_comes_in_its_place(threads):
    """What is before it is done."""

    def items():
        yield from (1, 2)
        raise KeyError("third")

    results = []
    with run(lambda item: item, items(), threads=threads) as tasks:
        with pytest.raises(KeyError, match="third"):
            results.extend(task.result() for task in tasks)
        assert results == [1, 2]


@pytest.mark.parametrize("is_fatal", [True, False])
def test_after_a_fatal_error_no_call_begins(is_fatal):
    """Any other error is raised by its own result only."""
    begun, first_may_end = [], threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        if item == 0:
            assert first_may_end.wait(WAIT_S)
        if item == 1:
            raise ValueError("of one")
        return item

    with run(work, range(100), threads=2, is_fatal=lambda _: is_fatal) as tasks:
        iterator = iter(tasks)
        head = next(iterator)
        for thread in tuple(tasks._running[1:]) if is_fatal else ():
            thread.join(0)
        first_may_end.set()
        assert head.result() == 0
        with pytest.raises(ValueError, match="of one"):
            next(iterator).result()
        done = [task.item for task in tasks.finished()] if is_fatal else []
    if is_fatal:
        assert set(done) <= set(begun) <= {0, 1, 2, 3}
    assert not side_by_side.has_threads()


def test_what_is_done_is_there_after_the_loop_ended():
    """Calls that still run look at the signal and end; those that did not begin never do."""
    stop, begun, ended = StopSignal(), threading.Event(), []

    def work(item: int) -> int:
        if item == 2:
            begun.set()
            try:
                stop.sleep(WAIT_S)
            finally:
                ended.append(item)
        return item

    with run(work, range(50), threads=2, stop=stop) as tasks:
        for task in tasks:
            if task.item == 1:
                assert begun.wait(WAIT_S)
                break
        finished = [task.item for task in tasks.finished()]
    assert ended == [2]
    assert finished
    assert 2 not in finished


def test_an_interrupt_of_the_reader_ends_the_calls():
    """It does not wait for those that have not begun."""
    stop, calls = StopSignal(), []

    def work(item: int) -> None:
        calls.append(item)
        stop.sleep(WAIT_S)

    def interrupted() -> None:
        with run(work, range(9), threads=2, stop=stop) as tasks:
            next(iter(tasks))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert sorted(calls) in ([], [0], [1], [0, 1])
    assert not side_by_side.has_threads()
