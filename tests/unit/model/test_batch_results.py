"""A batch goes on after the failure of a unit, and reports what is done before it ends early."""

from __future__ import annotations

import threading

import pytest

from include.ticklake.errors import DataError, UsageError
from include.ticklake.model.batch_results import batch_results
from include.ticklake.model.failed_units import FailedUnits, ends_batch
from include.ticklake.model.side_by_side import SideBySide
from include.ticklake.model.stop_signal import StopSignal


def tasks_of(work, count: int, *, threads: int = 3) -> SideBySide:
    return SideBySide(work, range(count), threads=threads, stop=StopSignal(), is_fatal=ends_batch)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_unit_that_fails_is_left_out(threads):
    """It is noted under its name."""

    def work(item: int) -> int:
        if item in (1, 4):
            raise DataError("bad")
        return item

    failed = FailedUnits()
    with tasks_of(work, 6, threads=threads) as tasks:
        results = list(batch_results(tasks, failed, unit_of=lambda item: f"unit {item}"))
    assert results == [(n, n) for n in (0, 2, 3, 5)]
    with pytest.raises(DataError, match="2 of 6 units failed") as raised:
        failed.raise_if_any()
    assert "unit 1: bad" in str(raised.value)
    assert "unit 4: bad" in str(raised.value)


@pytest.mark.parametrize("error", [UsageError("of all"), OSError("the disk is full")])
def test_what_is_done_is_reported_before_what_concerns_all_is_raised(error):
    """Later units may have been faster than the one that ends the batch."""
    second_done = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second_done.wait(30)
            raise error
        second_done.set()
        return item

    failed, reported = FailedUnits(), []
    with tasks_of(work, 2) as tasks, pytest.raises(type(error), match=str(error)):
        reported.extend(item for item, _ in batch_results(tasks, failed))
    assert reported == [1]
    assert failed.done == 1
