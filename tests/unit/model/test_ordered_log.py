"""Lines of several threads are written in the order of their tasks."""

from __future__ import annotations

import logging
import threading

from include.ticklake.model.ordered_log import OURS, HeldLog, OrderedLog

log = logging.getLogger(f"{OURS}.test")


def test_a_task_waits_for_its_turn(caplog):
    """What it logged before comes then, and what it logs later at once; others log as ever."""
    caplog.set_level("INFO")
    ordered, first, second = OrderedLog(), HeldLog(), HeldLog()
    ordered.open()
    try:
        ordered.show(first)
        for held, text in ((second, "second 1"), (first, "first 1"), (first, "first 2")):
            logged(ordered, held, text)
        log.info("the main thread")
        ordered.show(second)
        logged(ordered, second, "second 2")
    finally:
        ordered.close()
    log.info("afterwards")
    assert caplog.messages == [
        "first 1", "first 2", "the main thread", "second 1", "second 2", "afterwards",
    ]  # fmt: skip


def test_only_one_at_a_time_holds_lines_back(caplog):
    """A second one passes everything on, and the first one stays."""
    caplog.set_level("INFO")
    outer, inner, held = OrderedLog(), OrderedLog(), HeldLog()
    outer.open()
    inner.open()
    logged(inner, held, "of the second")
    inner.close()
    assert caplog.messages == ["of the second"]
    logged(outer, held, "of the first")
    outer.close()
    assert caplog.messages == ["of the second"]


def logged(ordered: OrderedLog, held: HeldLog, text: str) -> None:
    """Log *text* in a thread whose lines are part of *held*."""

    def work() -> None:
        with ordered.held(held):
            log.info(text)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
