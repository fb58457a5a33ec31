"""What is left out of a unit is remembered by its times, and says until when it is unfinished."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.extract.checkpoint import Checkpoint, OutsideTimes
from include.ticklake.extract.left_out import LeftOutRecords, unfinished_until_ms
from include.ticklake.extract.window_filter import WindowFilter
from include.ticklake.model.candles import parse_candles
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import in_blocks
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, format_instant, parse_instant
from tests.support.feed_texts import feed

DAY = Unit(Slice(), Window.parse("20261122T000000Z-20261123T000000Z"))
SNAPSHOT = {"id": {"type": "int64"},
            "at": {"from": "$fetched_at", "type": "timestamp", "event_time": True}}  # fmt: skip


def ns(text: str) -> int:
    return int(parse_instant(text).timestamp()) * 10**9


def fetched(now: str) -> Checkpoint:
    return Checkpoint(feed_digest="x", fetched_at_ms=ns(now) // 10**6)


def until(now: str, *opened: str, inside: str | None = None, **changes: object) -> str | None:
    """Until when the day is unfinished that was fetched at *now*, with these left out."""
    described, start = feed(**{"window": "1d", **changes}), fetched(now)
    left_out = LeftOutRecords(described, DAY, start)
    for at in opened:
        assert left_out.add(ns(at))
        left_out.end_page(ns(at))
    if inside:
        left_out.end_page(ns(inside))
    until_ms = unfinished_until_ms(described, DAY, left_out.added_to(start))
    return None if until_ms is None else format_instant(until_ms * 10**6)


def test_the_first_and_the_last_time_outside_are_kept():
    """Also when an interrupted attempt resumes."""
    described, progress = feed(), fetched("2026-11-25")
    for at in ("2026-11-21T05:00", "2026-11-20T05:00", "2026-11-23T05:00", "2026-11-21T23:00"):
        left_out = LeftOutRecords(described, DAY, progress)
        assert left_out.add(ns(at))
        progress = left_out.added_to(progress)
    assert progress.outside == OutsideTimes(
        received_first_ns=ns("2026-11-21T05:00"),
        oldest_ns=ns("2026-11-20T05:00"),
        newest_ns=ns("2026-11-23T05:00"),
    )


@pytest.mark.parametrize(
    ("now", "found"), [("2026-11-22T23:59:59", "2026-11-23T00:00:00Z"), ("2026-11-23", None)]
)
def test_a_window_that_is_not_over_is_unfinished(now, found):
    """Whatever its records are."""
    assert until(now) == found


def test_a_snapshot_is_whole_when_it_is_fetched():
    """Its window may have just begun."""
    assert until("2026-11-22T00:00:01", fields=SNAPSHOT, snapshot=True) is None


@pytest.mark.parametrize("candle_opens", [None, "16:00"])
def test_a_candle_that_was_received_too_early_is_waited_for(candle_opens):
    """Its own end counts."""
    found = until("2026-11-23T00:05", "2026-11-22T16:00", candle="1d", candle_opens=candle_opens)
    assert found == "2026-11-23T16:00:00Z"


def test_a_candle_that_opens_at_another_hour_than_the_feed_says_is_waited_for():
    """Whatever the grid is, this one is not over."""
    found = until("2026-11-23T00:05", "2026-11-22T16:00", candle="1d", candle_opens="00:00")
    assert found == "2026-11-23T16:00:00Z"


@pytest.mark.parametrize(
    ("now", "found"),
    [("2026-11-23T00:05", "2026-11-23T16:00:00Z"), ("2026-11-23T16:00", None)],
)
def test_a_candle_that_the_source_does_not_return_yet_is_waited_for(now, found):
    """The feed says that one opens at 16:00, or one of another day shows it."""
    assert until(now, candle="1d", candle_opens="16:00") == found
    assert until(now, "2026-11-21T16:00", candle="1d") == found


@pytest.mark.parametrize(
    ("candle", "found"), [("1d", "2026-11-24T00:00:00Z"), ("1h", "2026-11-23T01:00:00Z"),
                          ("15m", None), ("1m", None)]
)  # fmt: skip
def test_without_any_candle_it_may_open_at_any_hour(candle, found):
    """But those that divide a quarter of an hour open at the same instants everywhere."""
    assert until("2026-11-23T00:00:05", candle=candle) == found


def test_a_day_with_all_of_its_hours_is_whole():
    """The last one shows when they open."""
    assert until("2026-11-23T00:00:05", inside="2026-11-22T22:00", candle="1h") is None
    assert until("2026-11-23T00:00:05", inside="2026-11-22T22:30", candle="1h") == (
        "2026-11-23T00:30:00Z"
    )


@pytest.mark.parametrize(("now", "is_over"), [("2026-12-30", True), ("2026-12-21", False)])
def test_a_month_that_is_shorter_than_the_longest_is_over(now, is_over):
    """Of 22 November to 22 December, whatever the longest month is."""
    described = feed(window="1d", candle="1mo", candle_opens="00:00")
    left_out = LeftOutRecords(described, DAY, fetched(now))
    assert left_out.add(ns("2026-11-22")) is not is_over


@pytest.mark.parametrize("shows_open_candles", [True, False])
@pytest.mark.parametrize("says_when", [True, False])
@pytest.mark.parametrize("candle", ["1h", "4h", "1d", "1w", "1mo"])
@given(
    minutes=st.integers(0, 24 * 60 - 1),
    fetched_s=st.integers(0, 40 * 86_400),
    shown=st.integers(0, 3),
)
def test_a_unit_that_is_not_unfinished_has_all_of_its_candles(
    candle, says_when, shows_open_candles, minutes, fetched_s, shown
):
    """Whenever candles open, whatever the source shows; and an unfinished one says when it has."""
    at = f"{minutes // 60:02}:{minutes % 60:02}"
    described = feed(window="1d", candle=candle, candle_opens=at if says_when else None)
    grid = parse_candles(candle, at)
    start_s, end_s = DAY.window.start_ns // 10**9, DAY.window.end_ns // 10**9
    own = list(grid.opens_s(start_s, end_s))
    earlier = list(grid.opens_s(start_s - 70 * 86_400, start_s))[-shown:] if shown else []

    def fetch(now_s: int) -> tuple[list[int], int | None]:
        start = Checkpoint(feed_digest="x", fetched_at_ms=now_s * 1000)
        window_filter = WindowFilter(described, DAY, start)
        rows = [
            Record(f'{{"id":{opened_s},"t":{opened_s * 1000}}}'.encode())
            for opened_s in [*earlier, *own]
            if (opened_s if shows_open_candles else grid.end_ns(opened_s * 10**9) / 10**9) <= now_s
        ]
        blocks = window_filter.filter(in_blocks(rows))
        passed = [at_ns // 10**9 for _, times_ns in blocks for at_ns in times_ns if at_ns]
        until_ms = unfinished_until_ms(described, DAY, window_filter.progress())
        return passed, None if until_ms is None else until_ms // 1000

    passed, until_s = fetch(start_s + fetched_s)
    if until_s is None:
        assert passed == own
    else:
        assert fetch(until_s) == (own, None)
