"""Paging by position returns every record of the window, and ends."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.paging import PageRequest
from tests.support.paging import (
    MIDDLE,
    ROWS,
    SIZES,
    START,
    WINDOW,
    PageAnswer,
    check,
    check_repeated_page,
    paging,
    records,
    walk,
)


@given(times=ROWS, size=SIZES, capped=st.booleans(), flagged=st.booleans(), first=st.integers(0, 2))
@pytest.mark.parametrize("newest_first", [False, True], ids=["ascending", "descending"])
def test_paging_by_number(newest_first, times, size, capped, flagged, first):
    """Until a page is empty, or short, or says that it is the last one."""
    rows = records(times)[::-1] if newest_first else records(times)

    def source(request: PageRequest) -> PageAnswer:
        at = (int(request.params["p"]) - first) * size
        return PageAnswer(rows=rows[at : at + size], captured={"more": at + size < len(rows)})

    style = paging(
        "page",
        param="p",
        first=first,
        page_rows=size if capped else None,
        has_more="more" if flagged else None,
    )
    check(style, source, rows)


@given(
    times=ROWS, size=SIZES, capped=st.booleans(), total=st.sampled_from([None, int, str, Decimal])
)
def test_paging_by_offset(times, size, capped, total):
    """Until a page is empty, or short, or the total is reached, whatever type it has."""
    rows = records(times)

    def source(request: PageRequest) -> PageAnswer:
        at = int(request.params["skip"])
        captured = {"total": total(len(rows))} if total else {}
        return PageAnswer(rows=rows[at : at + size], captured=captured)

    style = paging("offset", param="skip", total="total", page_rows=size if capped else None)
    check(style, source, rows)


@given(times=ROWS)
@pytest.mark.parametrize("kind", ["single", "newest_only"])
def test_one_page_is_one_request(kind, times):
    """Without parameters of its own."""
    rows, options = records(times), {"page_rows": 100} if kind == "newest_only" else {}
    [(request, page)] = walk(paging(kind, **options).pages(WINDOW), lambda _: PageAnswer(rows=rows))
    assert (request.params, request.cursor, page) == ({}, None, rows)


def test_a_source_without_history_declares_it():
    """Then a full page may lack older records."""
    assert not paging("newest_only", page_rows=100).has_history
    assert paging("single").has_history


def test_a_total_that_is_none_is_refused():
    """A count with a thousands separator is not a count."""
    answer = PageAnswer(rows=records([START]), captured={"total": "14,993"})
    with pytest.raises(
        MalformedPageError, match=r"'total' is not an integer; check source.capture.total"
    ):
        walk(paging("offset", total="total").pages(WINDOW), lambda _: answer)


REPEATING = {"page": {"param": "at"}, "offset": {"param": "at"}}


@pytest.mark.parametrize("kind", REPEATING)
@given(times=st.lists(MIDDLE, min_size=1, max_size=5, unique=True).map(sorted))
def test_a_page_that_repeats_is_refused(kind, times):
    """A source that ignores the parameters is noticed at the second page, or the third."""
    check_repeated_page(paging(kind, **REPEATING[kind]), times)
