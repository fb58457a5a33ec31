"""A unit gets the records of its window, each once; every other record is counted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import TimeUnitError
from include.ticklake.extract.checkpoint import Checkpoint
from include.ticklake.extract.window_filter import WindowFilter
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.paging import PageInfo
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import in_blocks
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support.feed_texts import SMALL, feed

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")
UNIT = Unit(Slice(), WINDOW)
DAY = Unit(Slice(), Window.parse("20261122T000000Z-20261123T000000Z"))


@dataclass
class ReadRows:
    """A page that was read: its oldest record is of *oldest_ns*."""

    rows: int
    oldest_ns: int = 0
    page_bytes: int = 100
    where: str = "https://api.example.com/rows"

    def info(self) -> PageInfo:
        return PageInfo(rows=self.rows, first_event_ns=self.oldest_ns, last_event_ns=self.oldest_ns)


def started(now: str = "2026-11-25T00:00:00+00:00", **more: object) -> Checkpoint:
    fetched_at_ms = int(datetime.fromisoformat(now).timestamp() * 1000)
    return Checkpoint(feed_digest="x", fetched_at_ms=fetched_at_ms, **more)


def filtered(window_filter: WindowFilter, *records: dict[str, object]) -> list[dict[str, object]]:
    passed = window_filter.filter(
        in_blocks(Record(json.dumps(record).encode()) for record in records)
    )
    return [json.loads(bytes(record)) for block, _ in passed for record in block]


def written_in(unit: str, **more: object) -> Feed:
    at = SMALL["fields"]["at"] | {"unit": unit}
    return feed(fields=SMALL["fields"] | {"at": at}, **more)


@given(st.lists(st.integers(WINDOW.start_ms - 9, WINDOW.end_ms + 9)))
def test_records_inside_pass_and_others_are_counted(times_ms):
    """The start is inside, the end is not."""
    window_filter = WindowFilter(feed(), UNIT, started())
    records = [{"id": number, "t": at_ms} for number, at_ms in enumerate(times_ms)]
    inside = [record for record in records if WINDOW.start_ms <= record["t"] < WINDOW.end_ms]
    assert filtered(window_filter, *records) == inside
    assert window_filter.progress().out_of_window_rows == len(records) - len(inside)


@pytest.mark.parametrize(
    "text", ["2026-11-22T05:30Z", "2026-11-22 05:30", "2026-11-22T05:30:00+00"]
)
def test_times_to_the_minute_are_times(text):
    """Of eight records from three to half past six, the two of the window pass."""
    times = [text.replace("05:30", f"{hour:02}:{minute}") for hour in range(3, 7)
             for minute in ("00", "30")]  # fmt: skip
    window_filter = WindowFilter(written_in("iso"), UNIT, started())
    assert [record["t"] for record in filtered(window_filter, *({"t": t} for t in times))] == times[
        4:6
    ]
    assert window_filter.progress().out_of_window_rows == 6


@pytest.mark.parametrize("value", [None, "soon", [], 0, 7])
def test_a_record_without_a_plausible_time_passes(value):
    """No other window would have it; conversion quarantines it with a reason."""
    window_filter = WindowFilter(feed(), UNIT, started())
    records = window_filter.filter([[Record(json.dumps({"t": value}).encode())]])
    assert [times_ns for _, times_ns in records] == [[None]]


def test_a_time_in_another_unit_stops_the_extraction():
    """Nothing of the page is committed then."""
    window_filter = WindowFilter(feed(), UNIT, started())
    with pytest.raises(TimeUnitError, match=f"{WINDOW.start_ms * 1000} in ms is not between 2009"):
        filtered(window_filter, {"t": WINDOW.start_ms * 1000})


@pytest.mark.parametrize(
    ("now", "days"),
    [("2026-11-22T12:00:00+00:00", []), ("2026-11-23T00:00:00+00:00", ["2026-11-22"])],
)
def test_a_candle_passes_when_it_is_over(now, days):
    """Also one that is named by its day."""
    daily = written_in("iso", window="1d", candle="1d")
    window_filter = WindowFilter(daily, DAY, started(now))
    assert [record["t"] for record in filtered(window_filter, {"t": "2026-11-22"})] == days
    assert window_filter.progress().out_of_window_rows == 1 - len(days)


def test_a_snapshot_happens_when_it_is_fetched():
    """Whatever is in its records, they are of this time."""
    fields = {"id": {"type": "int64", "key": True},
              "at": {"from": "$fetched_at", "type": "timestamp", "event_time": True}}  # fmt: skip
    start = started()
    window_filter = WindowFilter(feed(fields=fields, snapshot=True), UNIT, start)
    assert list(window_filter.filter([[Record(b'{"id":1}')]])) == [
        ([Record(b'{"id":1}')], [start.fetched_at_ms * 10**6])
    ]


def test_pages_are_counted():
    """On top of what an earlier attempt had counted."""
    window_filter = WindowFilter(feed(), UNIT, started(pages=2, received_rows=7, page_bytes=50))
    window_filter.add_page(ReadRows(rows=3))
    progress = window_filter.progress()
    assert (progress.pages, progress.received_rows, progress.page_bytes) == (3, 10, 150)


@pytest.mark.parametrize(
    ("rows", "oldest_ns", "candle", "lost_until_ns"),
    [
        pytest.param(10, WINDOW.start_ns + 5, None, WINDOW.start_ns + 6, id="full"),
        pytest.param(10, WINDOW.start_ns + 5, "1m", WINDOW.start_ns + 5, id="full, of candles"),
        pytest.param(10, WINDOW.end_ns + 5, None, WINDOW.end_ns, id="all of it"),
        pytest.param(10, WINDOW.start_ns - 1, None, None, id="back to before the start"),
        pytest.param(10, WINDOW.start_ns, None, WINDOW.start_ns + 1, id="back to the start"),
        pytest.param(10, WINDOW.start_ns, "1m", None, id="back to the first candle"),
        pytest.param(9, WINDOW.start_ns + 5, None, None, id="not full: there is nothing older"),
    ],
)
def test_what_a_source_without_history_no_longer_has_is_recorded(
    rows, oldest_ns, candle, lost_until_ns
):
    """A full page lacks older records, and some that share the oldest time, but for candles."""
    newest = feed(source={"paging": {"kind": "newest_only", "page_rows": 10}}, candle=candle)
    lost = lost_until_ns and (WINDOW.start_ns, lost_until_ns)
    window_filter = WindowFilter(newest, UNIT, started())
    window_filter.add_page(ReadRows(rows=rows, oldest_ns=oldest_ns))
    assert window_filter.progress().lost_range == lost


def test_a_record_outside_that_comes_again_is_a_duplicate():
    """Each is counted as outside once."""
    by_time = feed(source={"paging": {"kind": "time_forward", "start_param": "from"}})
    window_filter = WindowFilter(by_time, UNIT, started())
    page = [{"id": 1, "t": WINDOW.end_ms - 1}, {"id": 2, "t": WINDOW.end_ms}]
    assert filtered(window_filter, *page) == page[:1]
    window_filter.add_page(ReadRows(rows=2))
    assert filtered(window_filter, page[1]) == []
    progress = window_filter.progress()
    assert (progress.out_of_window_rows, progress.duplicate_rows) == (1, 1)


def test_records_that_the_feed_does_not_want_are_counted():
    """After those outside of the window, and each of them once."""
    wanting = feed(where={"s": "TRADING"})
    window_filter = WindowFilter(wanting, UNIT, started())
    at_ms = WINDOW.start_ms
    page = [
        {"id": 1, "t": at_ms, "s": "TRADING"},
        {"id": 2, "t": at_ms, "s": "BREAK"},
        {"id": 3, "t": at_ms},
        {"id": 4, "t": WINDOW.end_ms, "s": "BREAK"},
    ]
    assert filtered(window_filter, *page) == [page[0], page[2]]
    progress = window_filter.progress()
    assert (progress.out_of_window_rows, progress.filtered_rows) == (1, 1)


def test_duplicates_of_overlapping_pages_are_counted():
    """Also where another process has seen the first of them."""
    source = {"paging": {"kind": "page", "param": "p", "page_rows": 2}}
    paged = feed(source=source)
    first = WindowFilter(paged, UNIT, started())
    record = {"id": 1, "t": WINDOW.start_ms}
    assert filtered(first, record, record) == [record]
    resumed = WindowFilter(paged, UNIT, first.progress())
    assert filtered(resumed, record) == []
    assert resumed.progress().duplicate_rows == 2
