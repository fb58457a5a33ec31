"""A source that starts over is noticed, at whatever record and with whatever pages."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.extract.dedup import OverlapState, RecentRecords
from tests.unit.extract.test_dedup import FEED, NO_KEY, record

FEEDS = pytest.mark.parametrize("described", [FEED, NO_KEY], ids=["by key", "by the whole record"])


def pages_until_refused(described, numbers, sizes, *, pages_max: int) -> int | None:
    """How many pages are read until one is refused; None if none of *pages_max* is."""
    records = RecentRecords(described, described.source.paging, OverlapState())
    for read in range(1, pages_max + 1):
        for number in islice(numbers, sizes(read)):
            records.seen_before(record(number, t=number), number)
        try:
            records.end_page("/rows")
        except MalformedPageError:
            return read
    return None


def in_circles(length: int, *, start: int):
    """Numbers from 0 on, which go on at *start* when they reach *length*."""
    number = 0
    while True:
        yield number
        number = number + 1 if number + 1 < length else start


@FEEDS
@settings(max_examples=60)
@given(
    length=st.integers(2, 60),
    start=st.integers(0, 58),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_pages_that_wrap_round_are_refused(described, length, start, sizes):
    """At any alignment, with pages of any size."""
    numbers = in_circles(length, start=min(start, length - 2))
    read = pages_until_refused(
        described, numbers, lambda page: sizes[page % len(sizes)], pages_max=4 * length + 12
    )
    assert read is not None


@FEEDS
@pytest.mark.parametrize(
    ("length", "rows", "rounds"),
    [
        pytest.param(3_000, 1_000, 2, id="a round that is remembered"),
        pytest.param(20_500, 1_000, 4, id="a round of 20.5 pages"),
        pytest.param(16_000, 8_000, 4, id="pages larger than what is remembered"),
        pytest.param(30_007, 8_000, 9, id="large pages, at any alignment"),
    ],
)
def test_a_long_round_is_noticed_after_a_few(described, length, rows, rounds):
    """In bounded memory: a stretch of the records is remembered, or a sample of it."""
    numbers = in_circles(length, start=0)
    pages_max = rounds * length // rows + 2
    assert pages_until_refused(described, numbers, lambda _: rows, pages_max=pages_max)


@FEEDS
@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=60),
    overlaps=st.lists(st.integers(0, 40), min_size=1, max_size=7),
)
def test_pages_that_lead_on_are_never_refused(described, sizes, overlaps):
    """However much of the page before each of them repeats, if it has one new record."""
    records, first, end = RecentRecords(described, described.source.paging, OverlapState()), 0, 0
    for turn, size in enumerate(sizes):
        first = max(first + 1 if size else first, end - overlaps[turn % len(overlaps)])
        new_end = max(first, end) + size
        for number in range(first, new_end) if size else ():
            records.seen_before(record(number, t=number), number)
        end = max(end, new_end)
        records.end_page("/rows")


@FEEDS
def test_a_million_records_are_never_refused(described):
    """And no more than some thousands of them are remembered."""
    records = RecentRecords(described, described.source.paging, OverlapState())
    for first in range(0, 60_000, 6_000):
        for number in range(first, first + 6_000):
            assert not records.seen_before(record(number, t=number), number)
        records.end_page("/rows")
    state = records.state()
    assert (len(state.recent), len(state.repeats.stretch) <= 4_000) == (5_000, True)
