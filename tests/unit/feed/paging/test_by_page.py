"""Paging by position returns every record of the window, and ends."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import FeedFileError, MalformedPageError
from include.ticklake.feed.paging import PageRequest
from tests.support.paging import (
    CLAIMED,
    END,
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


@given(
    times=ROWS,
    size=SIZES,
    claimed=CLAIMED,
    flagged=st.booleans(),
    first=st.integers(0, 2),
)
@pytest.mark.parametrize("newest_first", [False, True], ids=["ascending", "descending"])
def test_paging_by_number(newest_first, times, size, claimed, flagged, first):
    """Until a page is empty, or short, or says that it is the last one."""
    rows = records(times)[::-1] if newest_first else records(times)

    def source(request: PageRequest) -> PageAnswer:
        at = (int(request.params["p"]) - first) * size
        return PageAnswer(rows=rows[at : at + size], captured={"more": at + size < len(rows)})

    style = paging(
        "page",
        param="p",
        first=first,
        page_rows=claimed and size + claimed - 1,
        has_more="more" if flagged else None,
    )
    check(style, source, rows)


@pytest.mark.parametrize(
    ("kind", "options", "answers", "rows"),
    [
        pytest.param(
            "page", {"page_rows": 3, "has_more": "more"},
            [([1, 2], {"more": True}), ([3, 4, 5], {"more": False})], 5,
            id="has_more: true with one record less than page_rows",
        ),
        pytest.param(
            "page", {"total_pages": "total"},
            [([1, 2], {"total": 3}), ([], {"total": 3}), ([3], {"total": 3})], 3,
            id="an empty page before the last of total_pages",
        ),
        pytest.param(
            "offset", {"total": "total", "page_rows": 4},
            [([1, 2, 3], {"total": 10}), ([3, 4, 5, 6], {"total": 10}),
             ([7, 8, 9], {"total": 10})], 10,
            id="a total of 10 with one hidden row in page 1",
        ),
        pytest.param(
            "cursor", {"cursor": "next"},
            [([1], {"next": "a"}), ([], {"next": "b"}), ([2], {})], 2,
            id="an empty page whose cursor leads on",
        ),
        pytest.param(
            "cursor", {"cursor": "next", "end_cursors": ["LTE="]},
            [([1], {"next": "a"}), ([2], {"next": "LTE="})], 2,
            id="an end cursor",
        ),
        pytest.param(
            "cursor", {"cursor": "next"}, [([1], {"next": "a"}), ([2], {"next": False})], 2,
            id="false for a cursor",
        ),
        pytest.param(
            "cursor", {"cursor": "next"}, [([1], {"next": "a"}), ([], {"next": "a"})], 1,
            id="the same cursor again, without a record",
        ),
    ],
)  # fmt: skip
def test_paging_ends_only_when_the_source_says_so(kind, options, answers, rows):
    """The strongest signal decides: a flag, a cursor, a total; then an empty or a short page."""
    pages = [
        PageAnswer(rows=records([START + at for at in times]), captured=captured)
        for times, captured in answers
    ]
    style = paging(kind, param="at", **options)
    walked = walk(style.pages(WINDOW), lambda _: pages.pop(0))
    assert not pages
    assert sum(len(page) for _, page in walked) == rows


@pytest.mark.parametrize(
    ("kind", "options", "rows", "captured"),
    [
        pytest.param("page", {"has_more": "more", "total_pages": "total"}, 2,
                     {"more": True, "total": 1}, id="more pages than the total"),
        pytest.param("offset", {"has_more": "more", "total": "total"}, 2,
                     {"more": False, "total": 9}, id="no more records, but a greater total"),
        pytest.param("offset", {"has_more": "more", "total": "total"}, 2,
                     {"more": True, "total": 2}, id="more records than the total"),
        pytest.param("offset", {"total": "total"}, 0, {"total": 9}, id="a total, but no record"),
        pytest.param("offset", {"total": "total", "page_rows": 10}, 0, {"total": 9},
                     id="a total, but an empty page"),
        pytest.param("offset", {"total": "total"}, 2, {"total": 1}, id="a total that is smaller"),
        pytest.param("cursor", {"cursor": "next", "has_more": "more"}, 2, {"more": True},
                     id="more pages, but no cursor"),
    ],
)  # fmt: skip
def test_two_signals_that_contradict_each_other_are_an_error(kind, options, rows, captured):
    """Not a guess."""
    answer = PageAnswer(rows=records([START] * rows), captured=captured)
    with pytest.raises(MalformedPageError, match="the source contradicts itself"):
        walk(paging(kind, param="at", **options).pages(WINDOW), lambda _: answer)


@pytest.mark.parametrize(
    ("kind", "options", "total"),
    [
        ("page", {"total_pages": "total"}, 3),
        ("offset", {"total": "total", "page_rows": 2}, 6),
    ],
)
def test_a_source_that_shows_nothing_behind_a_depth_is_an_error(kind, options, total):
    """It counts three pages and shows one: the others are not taken for empty."""
    first, later = records([START, START + 1]), []

    def source(request: PageRequest) -> PageAnswer:
        rows = first if request.params["at"] in ("0", "1") else later
        return PageAnswer(rows=rows, captured={"total": total})

    with pytest.raises(MalformedPageError, match=r"total is .*choose a shorter window"):
        walk(paging(kind, param="at", **options).pages(WINDOW), source)


@pytest.mark.parametrize(
    ("kind", "options", "total"),
    [("page", {"total_pages": "total"}, 2), ("offset", {"total": "total"}, 4)],
)
def test_a_page_that_comes_again_as_the_last_one_is_an_error(kind, options, total):
    """The total would end the paging there, and the last page be lacking."""
    answer = PageAnswer(rows=records([START, START + 1]), captured={"total": total})
    with pytest.raises(MalformedPageError, match="repeats the previous page"):
        walk(paging(kind, param="at", **options).pages(WINDOW), lambda _: answer)


def test_without_an_order_no_page_decides_by_its_times():
    """A record outside in the middle is not the end."""
    times = [START, END, END + 1, END + 2, END + 3, END + 4, START + 1]
    pages = [PageAnswer(rows=records(times[at : at + 2])) for at in range(0, 7, 2)]
    pages.append(PageAnswer(rows=[]))
    walk(paging("page").pages(WINDOW, order="none"), lambda _: pages.pop(0))
    assert not pages


def test_a_record_that_jitters_over_the_edge_does_not_end_the_paging():
    """One more page is read."""
    pages = [PageAnswer(rows=records(times)) for times in ([START, END], [END - 1, END + 1], [])]
    walked = walk(paging("page").pages(WINDOW), lambda _: pages.pop(0))
    assert [len(page) for _, page in walked] == [2, 2, 0]


def test_a_full_page_where_there_is_no_paging_is_an_error_with_advice():
    """With the page's cap known: 200 of 288 candles are not the whole."""
    answer = PageAnswer(rows=records([START] * 200))
    with pytest.raises(FeedFileError, match=r"the page is full \(200 records.*shorter window"):
        walk(paging("single", page_rows=200).pages(WINDOW), lambda _: answer)
    assert len(walk(paging("single", page_rows=201).pages(WINDOW), lambda _: answer)) == 1


@given(times=ROWS, size=SIZES, claimed=CLAIMED, total=st.sampled_from([None, int, str, Decimal]))
def test_paging_by_offset(times, size, claimed, total):
    """Until a page is empty, or short, or the total is reached, whatever type it has."""
    rows = records(times)

    def source(request: PageRequest) -> PageAnswer:
        at = int(request.params["skip"])
        captured = {"total": total(len(rows))} if total else {}
        return PageAnswer(rows=rows[at : at + size], captured=captured)

    style = paging("offset", param="skip", total="total", page_rows=claimed and size + claimed - 1)
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
