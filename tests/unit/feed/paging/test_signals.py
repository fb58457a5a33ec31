"""What a source says of its pages decides, and what contradicts itself is an error."""

from __future__ import annotations

import pytest

from include.ticklake.errors import FeedFileError, MalformedPageError
from include.ticklake.feed.paging import PageInfo
from include.ticklake.feed.paging.signals import ResumePoint, ShortPages
from tests.support.paging import START, WINDOW, PageAnswer, page_info, paging, records, walk

FLAGGED = {
    "page": {},
    "offset": {},
    "cursor": {"param": "at", "cursor": "next"},
    "header_cursor": {"param": "at", "header": "X-Next"},
    "link_header": {},
    "next_url": {"url": "next"},
    "time_forward": {"start_param": "start"},
    "time_backward": {"end_param": "end"},
    "id_forward": {"param": "id", "field": "id", "first_params": {}},
    "id_backward": {"param": "id", "field": "id", "first_params": {}},
}
BACKWARD = ("time_backward", "id_backward")


def answers(kind: str, *flags: object, rows: int = 3) -> list[PageAnswer]:
    """Pages of *rows* new records, each with a cursor that leads on, and an empty page."""
    every = records([START + n for n in range(rows * len(flags))])
    starts = [at * rows for at in range(len(flags))]
    if kind in BACKWARD:
        starts.reverse()
    pages = [
        PageAnswer(
            rows=every[at : at + rows],
            captured={"next": f"/?at={at}x", "more": flag},
            headers={"X-Next": f"{at}x", "Link": f'</?at={at}x>; rel="next"'},
        )
        for at, flag in zip(starts, flags, strict=True)
    ]
    return [*pages, PageAnswer(rows=[])]


@pytest.mark.parametrize("kind", FLAGGED)
def test_a_flag_that_says_no_ends_the_paging(kind):
    """Whatever else would lead on."""
    pages = answers(kind, True, False, True)
    walk(paging(kind, has_more="more", **FLAGGED[kind]).pages(WINDOW), lambda _: pages.pop(0))
    assert len(pages) == 2


@pytest.mark.parametrize("kind", ["page", "offset", "time_forward", "id_forward"])
def test_a_flag_that_says_yes_is_stronger_than_a_short_page(kind):
    """``has_more: true`` with one record less than ``page_rows``, after a full page."""
    every = records([START + n for n in range(10)])
    cuts = [(0, 4, True), (4, 7, True), (7, 10, False)]
    pages = [PageAnswer(rows=every[a:b], captured={"more": more}) for a, b, more in cuts]
    style = paging(kind, has_more="more", page_rows=4, **FLAGGED[kind])
    walked = walk(style.pages(WINDOW), lambda _: pages.pop(0))
    assert [len(page) for _, page in walked] == [4, 3, 3]


@pytest.mark.parametrize("kind", [*BACKWARD, "time_forward", "id_forward"])
def test_more_records_but_an_empty_page_contradict_each_other(kind):
    """Where nothing but a record leads on."""
    answer = PageAnswer(rows=[], captured={"more": True})
    with pytest.raises(MalformedPageError, match="the source contradicts itself: more is true"):
        walk(paging(kind, has_more="more", **FLAGGED[kind]).pages(WINDOW), lambda _: answer)


def test_more_records_of_one_instant_are_an_error_that_says_so():
    """Paging by time can go no finer, however few they are."""
    answer = PageAnswer(rows=records([START]), captured={"more": True})
    style = paging("time_forward", start_param="start", has_more="more", page_rows=500)
    with pytest.raises(MalformedPageError, match="all 1 records of a page have the time"):
        walk(style.pages(WINDOW), lambda _: answer)


@pytest.mark.parametrize("kind", ["header_cursor", "link_header", "next_url"])
def test_more_pages_but_no_way_to_them_contradict_each_other(kind):
    """A flag, and no cursor or link."""
    answer = PageAnswer(rows=records([START]), captured={"more": True})
    with pytest.raises(MalformedPageError, match="the source contradicts itself: more is true"):
        walk(paging(kind, has_more="more", **FLAGGED[kind]).pages(WINDOW), lambda _: answer)


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "single"},
        {"kind": "time_steps", "start_param": "a", "end_param": "b", "step": "1h"},
    ],
    ids=["single", "time_steps"],
)
def test_more_records_than_a_page_without_paging_are_an_error_with_advice(options):
    """The source says so itself."""
    answer = PageAnswer(rows=records([START]), captured={"more": True})
    with pytest.raises(FeedFileError, match="page has 1 records, and the source says that there"):
        walk(paging(**options, has_more="more").pages(WINDOW), lambda _: answer)


def test_a_short_page_is_the_last_one_after_a_full_one():
    """A source that returns less than it is asked for has short pages only."""
    pages = ShortPages(5)
    assert [pages.is_last(PageInfo(rows=rows)) for rows in (3, 3, 5, 3)] == [
        False, False, False, True,
    ]  # fmt: skip
    assert not ShortPages(None).is_last(PageInfo(rows=0))


@pytest.mark.parametrize("kind", ["page", "offset"])
def test_a_source_that_returns_less_than_page_rows_is_read_to_its_end(kind):
    """``page_rows: 500``, and 100 come, whatever is asked for."""
    pages = [*[PageAnswer(rows=records([START + n] * 100)) for n in range(5)], PageAnswer(rows=[])]
    walked = walk(paging(kind, page_rows=500).pages(WINDOW), lambda _: pages.pop(0))
    assert [len(page) for _, page in walked] == [100] * 5 + [0]


@pytest.mark.parametrize(
    ("kind", "option", "totals", "problem"),
    [
        pytest.param("offset", "total", [9, 8], "total fell from 9 to 8", id="a total that falls"),
        pytest.param("page", "total_pages", [9, 8], "total fell from 9 to 8", id="pages that go"),
        pytest.param("page", "total_pages", [0], "there are 0 pages, but records at at=1",
                     id="total_pages: 0"),
        pytest.param("offset", "total", [2, 2], "total is 2, but there are records at at=2",
                     id="a total of each page"),
    ],
)  # fmt: skip
def test_a_total_that_cannot_be_is_an_error(kind, option, totals, problem):
    """Records may have been skipped, or it counts something else."""
    pages = [
        PageAnswer(rows=records([START + 2 * n, START + 2 * n + 1]), captured={"total": total})
        for n, total in enumerate(totals)
    ]
    with pytest.raises(MalformedPageError, match=problem):
        walk(paging(kind, param="at", **{option: "total"}).pages(WINDOW), lambda _: pages.pop(0))


def test_a_total_that_grows_is_read_to_its_end():
    """Records that are added meanwhile."""
    pages = [
        PageAnswer(rows=records([START + 2 * n, START + 2 * n + 1]), captured={"total": total})
        for n, total in enumerate([4, 6, 6])
    ]
    walk(paging("offset", total="total").pages(WINDOW), lambda _: pages.pop(0))
    assert not pages


def test_a_total_is_remembered_by_a_page_that_has_none():
    """A refused or empty page before the last of ``total_pages`` is not the end."""
    pages = [PageAnswer(rows=records([START]), captured={"total": 3}), PageAnswer(rows=[])]
    with pytest.raises(MalformedPageError, match="there are 3 pages, but none at page=2"):
        walk(paging("page", total_pages="total").pages(WINDOW), lambda _: pages.pop(0))
    pages = [PageAnswer(rows=records([START]), captured={"total": 3}), PageAnswer(rows=[])]
    with pytest.raises(MalformedPageError, match="there are more records, but none at offset=1"):
        walk(paging("offset", total="total").pages(WINDOW), lambda _: pages.pop(0))


@pytest.mark.parametrize("after", [[], records([START])], ids=["empty", "the first page again"])
def test_a_total_that_one_page_reaches_is_checked_once(after):
    """By one request more, whose records are discarded."""
    pages = [PageAnswer(rows=records([START]), captured={"total": 1}), PageAnswer(rows=after)]
    walked = walk(paging("offset", total="total").pages(WINDOW), lambda _: pages.pop(0))
    assert (len(walked), pages) == (1, [])


@pytest.mark.parametrize(
    ("point", "text"),
    [
        (ResumePoint(7), "7"),
        (ResumePoint(0, 0), "0/0"),
        (ResumePoint(1795323600005, 1000, had_full_page=True), "1795323600005/1000+"),
        (ResumePoint(-3, had_full_page=True), "-3+"),
    ],
    ids=str,
)
def test_a_cursor_holds_what_the_pager_knows(point, text):
    """Another process resumes with it, as if it had read the pages before."""
    assert str(point) == text
    assert ResumePoint.parse(text, start=5) == point
    assert ResumePoint.parse(None, start=5) == ResumePoint(5)


@pytest.mark.parametrize(
    ("kind", "options", "captured"),
    [("page", {"total_pages": "total"}, 4), ("offset", {"total": "total"}, 9)],
)
def test_a_total_is_known_where_another_process_resumes(kind, options, captured):
    """An empty page there is not the end, either."""
    style = paging(kind, **options)
    pages = [
        PageAnswer(rows=records([START]), captured={"total": captured}),
        PageAnswer(rows=records([START + 1]), captured={"total": captured}),
        PageAnswer(rows=[]),
    ]
    walker, requests = style.pages(WINDOW), []
    request = next(walker)
    for page in pages[:2]:
        requests.append(request)
        request = walker.send(page_info(page))
    with pytest.raises(MalformedPageError, match="the source contradicts itself"):
        walk(style.pages(WINDOW, cursor=request.cursor), lambda _: pages[2])
    assert len(walk(style.pages(WINDOW, cursor="2"), lambda _: pages[2])) == 1
