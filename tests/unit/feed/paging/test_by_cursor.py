"""Paging by cursor or URL returns every record of the window, and ends."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.paging import PageInfo, PageRequest, Paging
from include.ticklake.feed.paging.json_text import json_text
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

LINK = '<https://a.example/?at={next}>; rel="next", <https://a.example/?at=0>; rel="first"'
SAYS: dict[str, tuple[dict[str, Any], Callable[[str], dict[str, Any]]]] = {
    "cursor": ({"param": "at", "cursor": "next"}, lambda at: {"captured": {"next": at}}),
    "number": ({"param": "at", "cursor": "next"}, lambda at: {"captured": {"next": int(at)}}),
    "header_cursor": ({"param": "at", "header": "X-Next"}, lambda at: {"headers": {"X-Next": at}}),
    "link_header": ({}, lambda at: {"headers": {"Link": LINK.format(next=at)}}),
    "next_url": ({"url": "next"}, lambda at: {"captured": {"next": f"/?at={at}"}}),
}


def says(kind: str) -> tuple[Paging, Callable[[str], dict[str, Any]]]:
    options, saying = SAYS[kind]
    return paging("cursor" if kind == "number" else kind, **options), saying


def position(request: PageRequest) -> int:
    at = request.source_params.get("at", "0")
    return int(request.url.rpartition("=")[2] if request.url else at)


@pytest.mark.parametrize("kind", SAYS)
@pytest.mark.parametrize("newest_first", [False, True], ids=["ascending", "descending"])
@given(times=ROWS, size=SIZES, inclusive=st.booleans())
def test_paging_by_what_the_source_says(kind, newest_first, times, size, inclusive):
    """In the body, in a header, as a whole address; also where pages share a record."""
    rows = records(times)[::-1] if newest_first else records(times)
    style, saying = says(kind)

    def source(request: PageRequest) -> PageAnswer:
        at = position(request)
        following = at + size
        page = rows[at : following + (inclusive and kind != "link_header")]
        more = saying(str(following)) if following < len(rows) else {}
        return PageAnswer(rows=page, **more)

    check(style, source, rows)


@pytest.mark.parametrize("kind", SAYS)
@given(before=st.integers(0, 20), length=st.integers(1, 50))
def test_cursors_that_lead_in_a_circle_are_refused(kind, before, length):
    """Of any length, after any number of good pages; before the third round is over."""
    style, saying = says(kind)
    requests = []

    def source(request: PageRequest) -> PageAnswer:
        requests.append(request)
        at = position(request)
        following = at + 1 if at + 1 < before + length else before
        return PageAnswer(rows=records([START, START + 1]), **saying(str(following)))

    with pytest.raises(MalformedPageError, match="paging makes no progress"):
        walk(style.pages(WINDOW), source)
    assert len(requests) <= 3 * (before + length) + 3


REPEATING: dict[str, dict[str, Any]] = {
    "cursor": {"param": "at", "cursor": "next"},
    "header_cursor": {"param": "at", "header": "X-Next"},
    "link_header": {},
    "next_url": {"url": "next"},
}


@pytest.mark.parametrize("kind", REPEATING)
@given(times=st.lists(MIDDLE, min_size=1, max_size=5, unique=True).map(sorted))
def test_a_page_that_repeats_is_refused(kind, times):
    """A source that ignores the parameters is noticed at the second page, or the third."""
    check_repeated_page(paging(kind, **REPEATING[kind]), times)


@pytest.mark.parametrize(
    ("captured", "text"),
    [
        ([1700000000, "abc"], '[1700000000,"abc"]'),
        ({"id": 5}, '{"id":5}'),
        (10**30, "1" + "0" * 30),
        (Decimal("1.10"), "1.10"),
        (True, "true"),
        ("{start_ms}", "{start_ms}"),
        ('["a", 1]', '["a", 1]'),
    ],
    ids=str,
)
def test_a_cursor_is_data(captured, text):
    """It goes back as it came, and another process resumes with it."""
    pages = [
        PageAnswer(rows=records([START]), captured={"next": captured}),
        PageAnswer(rows=records([START + 1])),
    ]
    style = paging("cursor", param="at", cursor="next")
    requests = [request for request, _ in walk(style.pages(WINDOW), lambda _: pages.pop(0))]
    assert [request.source_params for request in requests] == [{}, {"at": text}]
    resumed = next(style.pages(WINDOW, cursor=requests[1].cursor))
    assert resumed.source_params == {"at": text}


@pytest.mark.parametrize("end", [None, False, "", [], {}], ids=repr)
def test_no_cursor_ends_the_paging(end):
    """An empty list or object is none, either."""
    page = PageAnswer(rows=records([START]), captured={"next": end})
    assert len(walk(paging("cursor", param="at", cursor="next").pages(WINDOW), lambda _: page)) == 1


@pytest.mark.parametrize("kind", ["cursor", "header_cursor"])
def test_an_inclusive_cursor_ends_where_it_repeats_with_the_last_records(kind):
    """A source that has nothing newer returns the end of the page before, and the same cursor."""
    rows = records([START, START + 1, START + 2])
    style, saying = says(kind)
    pages = [PageAnswer(rows=rows, **saying("3")), PageAnswer(rows=rows[-1:], **saying("3"))]
    walk(style.pages(WINDOW), lambda _: pages.pop(0))
    assert not pages
    pages = [PageAnswer(rows=rows, **saying("3")), PageAnswer(rows=rows, **saying("3"))]
    with pytest.raises(MalformedPageError, match="repeats an earlier cursor"):
        walk(style.pages(WINDOW), lambda _: pages.pop(0))


@pytest.mark.parametrize("kind", ["cursor", "header_cursor"])
@pytest.mark.parametrize("end", ["LTE=", 0, -1, "none", False, True, 1.5, None, [], {"id": 0}])
def test_an_end_cursor_is_listed_as_its_author_writes_it(kind, end):
    """Numbers and ``false`` need no quotes; the source may send the text or the value."""
    style = paging(kind, **REPEATING[kind], end_cursors=[end])
    text = end if isinstance(end, str) else json_text(end)
    for sent in (end, text) if kind == "cursor" else (text,):
        pager = style.pages(WINDOW)
        next(pager)
        info = PageInfo(rows=1, captured={"next": sent}, headers={"X-Next": sent})
        with pytest.raises(StopIteration):
            pager.send(info)
