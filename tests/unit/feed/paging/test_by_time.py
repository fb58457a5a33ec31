"""Paging by time returns every record of the window, and ends."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import FeedFileError, MalformedPageError
from include.ticklake.feed.paging import PageInfo, PageRequest
from tests.support.paging import (
    CLAIMED,
    END,
    MIDDLE,
    ROWS,
    SIZES,
    START,
    UNIQUE,
    WINDOW,
    PageAnswer,
    between,
    check,
    check_repeated_page,
    paging,
    records,
    walk,
)

UNITS = st.sampled_from(["ms", "us", "ns"])
SCALE = {"ms": 1, "us": 10**3, "ns": 10**6}


@given(
    times=UNIQUE,
    size=SIZES,
    unit=UNITS,
    exclusive=st.booleans(),
    claimed=CLAIMED,
    ended=st.booleans(),
)
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("newest_first", [False, True], ids=["ascending", "descending"])
def test_paging_by_time(backward, newest_first, times, size, unit, exclusive, claimed, ended):
    """Forward and backward, whichever way a page runs, with any page size and unit."""
    size += bool(claimed)  # full pages of one record are pages of one instant
    rows, scale = records(times), SCALE[unit]
    options = {
        "start_param": "start",
        "end_param": "end",
        "unit": unit,
        "end": "exclusive" if exclusive else "inclusive",
        "page_rows": claimed and size + claimed - 1,
    }
    if not ended:
        del options["start_param" if backward else "end_param"]

    def source(request: PageRequest) -> PageAnswer:
        first = int(request.params.get("start", 0))
        last = int(request.params.get("end", 10**30)) - (exclusive and "end" in request.params)
        page = between(rows, -(-first // scale), last // scale)
        page = page[-size:] if backward else page[:size]
        return PageAnswer(rows=page[::-1] if newest_first else page)

    check(paging("time_backward" if backward else "time_forward", **options), source, rows)


@given(times=ROWS, size=SIZES, exclusive=st.booleans(), claimed=CLAIMED, ended=st.booleans())
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("newest_first", [False, True], ids=["ascending", "descending"])
def test_records_that_share_an_instant_at_a_page_edge_are_not_lost(
    backward, newest_first, times, size, exclusive, claimed, ended
):
    """The next page asks again from the last instant; where it can go no finer, that is said.

    A page of a single record is taken for complete: no source has pages of one.
    """
    size += claimed != 1
    rows = records(times)
    options = {
        "start_param": "start",
        "end_param": "end",
        "end": "exclusive" if exclusive else "inclusive",
        "page_rows": claimed and size + claimed - 1,
    }
    if not ended:
        del options["start_param" if backward else "end_param"]

    def source(request: PageRequest) -> PageAnswer:
        first = int(request.params.get("start", 0))
        last = int(request.params.get("end", 10**30)) - (exclusive and "end" in request.params)
        page = between(rows, first, last)
        page = page[-size:] if backward else page[:size]
        return PageAnswer(rows=page[::-1] if newest_first else page)

    style = paging("time_backward" if backward else "time_forward", **options)
    at_once = max(Counter(times).values(), default=0)
    # With its cap unknown, a first page of one instant may be cut, too.
    if at_once < size and (claimed or at_once < 2):
        check(style, source, rows)
    else:
        with suppress(MalformedPageError):
            check(style, source, rows)


def test_a_page_of_one_instant_is_an_error_that_says_so():
    """Five records a millisecond, pages of five: the source can go no finer."""
    rows = records([START] * 5 + [START + 1] * 5)

    def source(request: PageRequest) -> PageAnswer:
        return PageAnswer(rows=between(rows, int(request.params["start"]), END)[:5])

    style = paging("time_forward", start_param="start", page_rows=5)
    with pytest.raises(MalformedPageError, match=r"all 5 records of a page have the time \d+ ms"):
        walk(style.pages(WINDOW), source)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_another_process_resumes_at_an_instant_that_is_not_a_full_page(backward):
    """It knows how large the pages were: two records are not all that fit."""
    times = [START + n for n in range(4)]
    rows = records([START, *times] if backward else [*times, START + 3])

    def source(request: PageRequest) -> PageAnswer:
        first, last = int(request.params.get("start", 0)), int(request.params.get("end", END))
        page = between(rows, first, last)
        return PageAnswer(rows=page[-4:] if backward else page[:4])

    options = {"end_param": "end"} if backward else {"start_param": "start"}
    check(paging("time_backward" if backward else "time_forward", **options), source, rows)


def test_a_full_step_is_an_error_with_advice():
    """Where the cap is known, a full page is never taken for all of its range."""
    style = paging("time_steps", start_param="start", end_param="end", step="1h", page_rows=200)
    answer = PageAnswer(rows=records([START + n for n in range(200)]))
    with pytest.raises(FeedFileError, match=r"the page is full \(200 records.*shorter .*step"):
        walk(style.pages(WINDOW), lambda _: answer)


@given(times=UNIQUE, minutes=st.integers(1, 90), exclusive=st.booleans())
def test_paging_in_steps_of_time(times, minutes, exclusive):
    """Steps cover the window, whether or not its length is a multiple of theirs."""
    rows = records(times)
    longest_ms = minutes * 60_000

    def source(request: PageRequest) -> PageAnswer:
        first, last = int(request.params["start"]), int(request.params["end"])
        assert last - first + (not exclusive) <= longest_ms
        return PageAnswer(rows=between(rows, first, last - exclusive))

    style = paging(
        "time_steps",
        start_param="start",
        end_param="end",
        step=f"{minutes}m",
        end="exclusive" if exclusive else "inclusive",
    )
    check(style, source, rows)


REPEATING = {
    "time_forward": {"start_param": "start"},
    "time_backward": {"end_param": "end"},
}
UNREADABLE = REPEATING


@pytest.mark.parametrize("kind", REPEATING)
@given(times=st.lists(MIDDLE, min_size=1, max_size=5, unique=True).map(sorted))
def test_a_page_that_repeats_is_refused(kind, times):
    """A source that ignores the parameters is noticed at the second page, or the third."""
    check_repeated_page(paging(kind, **REPEATING[kind]), times)


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_page_without_readable_times_is_refused(kind):
    """The next page cannot be known."""
    pager = paging(kind, **REPEATING[kind]).pages(WINDOW)
    next(pager)
    with pytest.raises(MalformedPageError, match="no readable event time; check its unit"):
        pager.send(PageInfo(rows=2, first={"id": 1}, last={"id": 2}))
