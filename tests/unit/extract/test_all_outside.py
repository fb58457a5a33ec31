"""Which units may have records outside their window only."""

from __future__ import annotations

from typing import Any

import pytest

from include.ticklake.errors import OutsideWindowError
from include.ticklake.extract.all_outside import refuse_all_outside, warn_outside_of_files
from include.ticklake.extract.checkpoint import Checkpoint, OutsideTimes
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support.feed_texts import feed
from tests.support.file_feeds import feed as bulk_feed

DAY = Unit(Slice(), Window.parse("20261124T000000Z-20261125T000000Z"))  # a Tuesday
HOUR_NS = 3600 * 10**9
BEFORE = DAY.window.start_ns - HOUR_NS, DAY.window.start_ns - 1
AFTER = DAY.window.end_ns, DAY.window.end_ns + HOUR_NS
BACKWARD = {"kind": "id_backward", "param": "to_id", "field": "id"}


def received(times: tuple[int, int], **changes: Any) -> Checkpoint:
    """Ten records of these times, the newest first."""
    outside = OutsideTimes(received_first_ns=max(times), oldest_ns=min(times), newest_ns=max(times))
    fetched = {"fetched_at_ms": 2 * DAY.window.end_ms, "outside": outside}
    return Checkpoint(feed_digest="x", out_of_window_rows=10, **fetched | changes)


def is_refused(progress: Checkpoint, **changes: Any) -> bool:
    try:
        refuse_all_outside(feed(window="1d", **changes), DAY, progress)
    except OutsideWindowError:
        return True
    return False


@pytest.mark.parametrize("times", [BEFORE, AFTER], ids=["before", "after"])
def test_records_on_one_side_prove_nothing(times):
    """The source may have ignored what it was asked for; a feed may say that it has not."""
    assert is_refused(received(times))
    assert not is_refused(received(times), may_be_outside=True)


@pytest.mark.parametrize(
    ("times", "is_proof"),
    [
        pytest.param((BEFORE[0], AFTER[1]), True, id="both sides"),
        pytest.param((BEFORE[1], AFTER[0]), True, id="both edges"),
        pytest.param((AFTER[0], AFTER[0]), True, id="the end of the range"),
        pytest.param((BEFORE[1], BEFORE[1]), False, id="just before"),
        pytest.param((AFTER[1], AFTER[1]), False, id="one after"),
    ],
)
def test_what_lies_around_the_window_is_proof(times, is_proof):
    """And the end alone is asked for by a range that includes it."""
    assert is_refused(received(times)) is not is_proof


@pytest.mark.parametrize(
    ("paging", "before", "after"),
    [
        pytest.param({"kind": "single"}, True, True, id="single"),
        pytest.param({"kind": "time_forward", "start_param": "a"}, True, True, id="forward"),
        pytest.param({"kind": "time_backward", "end_param": "b"}, False, True, id="backward"),
        pytest.param({"kind": "newest_only", "page_rows": 9}, False, True, id="newest"),
        pytest.param(BACKWARD | {"first_params": {"to": "{last_ms}"}}, False, True, id="ids back"),
        pytest.param(BACKWARD | {"first_params": {"to": "17"}}, True, True, id="ids from a text"),
        pytest.param({"kind": "id_search", "param": "a", "field": "id", "direction": "forward",
                      "page_rows": 9}, False, False, id="a search"),
    ],
)  # fmt: skip
def test_paging_that_knows_its_edge_is_proof(paging, before, after):
    """Whether records before the window, and after it, are refused."""
    source = {"paging": paging}
    assert is_refused(received(BEFORE), source=source) is before
    assert is_refused(received(AFTER), source=source) is after


def test_a_unit_that_is_unfinished_is_fetched_again_anyway():
    """What belongs to it may come later."""
    fetched_at_ms = DAY.window.end_ms + 300_000
    progress = received(BEFORE, fetched_at_ms=fetched_at_ms)
    assert not is_refused(progress, candle="1d", candle_opens="16:00")
    assert is_refused(progress, candle="1d", candle_opens="00:00")


def test_a_loss_that_is_accounted_for_is_normal():
    """The manifest names what came too late."""
    assert not is_refused(received(AFTER, lost_range=(DAY.window.start_ns, DAY.window.end_ns)))


@pytest.mark.parametrize(("candle_opens", "refused"), [("monday", False), ("tuesday", True)])
def test_a_window_in_which_no_candle_opens_has_none(candle_opens, refused):
    """The source may return the one that it lies in."""
    progress = received(BEFORE)
    assert is_refused(progress, candle="1w", candle_opens=candle_opens) is refused


def test_another_candle_shows_that_none_opens():
    """Where the feed does not say when they do."""
    monday_ns = DAY.window.start_ns - 24 * HOUR_NS
    assert not is_refused(received(BEFORE, candle_ns=monday_ns), candle="1w")
    assert is_refused(received(BEFORE, candle_ns=monday_ns + 30 * HOUR_NS), candle="1w")


def test_records_outside_of_files_are_worth_a_warning(caplog):
    """No window reads them: days may begin at another hour than those of the windows."""
    files = bulk_feed("https://data.example.com/{date}.csv")
    warn_outside_of_files(files, DAY, received(BEFORE))
    assert "10 records in its files are of 2026-11-23T23:00:00" in caplog.text
    caplog.clear()
    warn_outside_of_files(files, DAY, Checkpoint(feed_digest="x", fetched_at_ms=0))
    warn_outside_of_files(feed(window="1d"), DAY, received(BEFORE))  # an API has no such edges
    assert not caplog.text
