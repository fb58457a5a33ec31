"""Paging by id returns every record of the window, and ends."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.paging import PageInfo, PageRequest
from tests.support.paging import (
    CLAIMED,
    END,
    MIDDLE,
    ROWS,
    SIZES,
    START,
    WINDOW,
    PageAnswer,
    between,
    check,
    check_repeated_page,
    paging,
    records,
    walk,
)


def first_by_time(request: PageRequest) -> bool:
    return "id" not in request.params


@given(times=ROWS, size=SIZES, gaps=st.integers(1, 5), exclusive=st.booleans(), claimed=CLAIMED)
def test_paging_forward_by_id(times, size, gaps, exclusive, claimed):
    """Records that share a millisecond are all there, at a page's edge too."""
    rows = records(times, gaps=gaps)

    def source(request: PageRequest) -> PageAnswer:
        if first_by_time(request):
            return PageAnswer(rows=between(rows, START, END - 1)[:size])
        first = int(request.params["id"]) + exclusive
        return PageAnswer(rows=[row for row in rows if int(str(row["id"])) >= first][:size])

    style = paging(
        "id_forward",
        param="id",
        field="id",
        first_params={"start": "{start_ms}"},
        page_rows=claimed and size + claimed - 1,
        start="exclusive" if exclusive else "inclusive",
    )
    check(style, source, rows)


@given(times=ROWS, size=SIZES, gaps=st.integers(1, 5), claimed=CLAIMED)
def test_paging_backward_by_id(times, size, gaps, claimed):
    """From the newest of the window back to before its start."""
    rows = records(times, gaps=gaps)[::-1]

    def source(request: PageRequest) -> PageAnswer:
        if first_by_time(request):
            return PageAnswer(rows=[row for row in rows if int(str(row["t"])) < END][:size])
        before = int(request.params["id"])
        return PageAnswer(rows=[row for row in rows if int(str(row["id"])) < before][:size])

    style = paging(
        "id_backward",
        param="id",
        field="id",
        first_params={"end": "{end_ms}"},
        page_rows=claimed and size + claimed - 1,
    )
    check(style, source, rows)


@pytest.mark.parametrize("newest_first", [False, True], ids=["ascending", "descending"])
def test_an_id_that_is_included_although_the_feed_says_otherwise_is_an_error(newest_first):
    """Its record would come twice."""
    rows = records([START, START + 1, START + 2])
    pages = [rows[:2], rows[1:]]
    style = paging("id_forward", param="id", field="id", first_params={}, start="exclusive")
    with pytest.raises(
        MalformedPageError, match=r"does not start at|id=101 returned .*start: incl"
    ):
        walk(
            style.pages(WINDOW),
            lambda _: PageAnswer(rows=pages.pop(0)[:: -1 if newest_first else 1]),
        )


REPEATING: dict[str, dict[str, Any]] = {
    "id_forward": {"param": "id", "field": "id", "first_params": {}},
    "id_backward": {"param": "id", "field": "id", "first_params": {}},
    "id_search": {"param": "id", "field": "id", "direction": "forward", "page_rows": 2},
}
UNREADABLE = ["id_forward", "id_backward"]


@pytest.mark.parametrize("kind", REPEATING)
@given(times=st.lists(MIDDLE, min_size=2, max_size=5, unique=True).map(sorted))
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


@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize("id_", [None, "x", "", Decimal("1.5"), [1]], ids=repr)
def test_a_page_without_readable_ids_is_refused(kind, id_):
    """The message names the field of the id."""
    pager, at_ns = paging(kind, **REPEATING[kind]).pages(WINDOW), START * 10**6
    next(pager)
    row = {"id": id_}
    with pytest.raises(MalformedPageError, match=r"no integer in 'id'; check source.paging.field"):
        pager.send(PageInfo(rows=2, first=row, last=row, first_event_ns=at_ns, last_event_ns=at_ns))
