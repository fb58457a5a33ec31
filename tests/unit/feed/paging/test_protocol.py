"""The checks that all pagers share: flags, the end of the window, cycles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.paging import PageInfo
from include.ticklake.feed.paging.protocol import CycleDetector, WindowEdge
from tests.support.paging import END, START, WINDOW, PageAnswer, paging, records, walk


@pytest.mark.parametrize(
    ("flag", "pages"),
    [
        pytest.param(True, 2, id="true"),
        pytest.param("true", 2, id="true as text"),
        pytest.param(1, 2, id="one"),
        pytest.param(False, 1, id="false"),
        pytest.param("False", 1, id="false as text"),
        pytest.param(None, 2, id="null says nothing"),
        pytest.param(0, 1, id="zero"),
    ],
)
@pytest.mark.parametrize("kind", ["cursor", "page", "offset"])
def test_a_flag_says_whether_there_are_more_pages(kind, flag, pages):
    """However the source writes it; records would be lost if it were misread."""
    options = {"param": "at", "cursor": "next"} if kind == "cursor" else {"param": "at"}
    rows = records([START + n for n in range(4)])
    answers = [PageAnswer(rows=rows[:2], captured={"more": flag, "next": "2"}), PageAnswer(rows=[])]
    style = paging(kind, has_more="more", **options)
    assert len(walk(style.pages(WINDOW), lambda _: answers.pop(0))) == pages


@pytest.mark.parametrize("kind", ["page", "offset"])
def test_a_flag_that_is_none_is_refused(kind):
    """Rather than taken for the end."""
    answer = PageAnswer(rows=records([START]), captured={"more": "perhaps"})
    with pytest.raises(
        MalformedPageError, match=r"'more' is neither true nor false; check source.capture.more"
    ):
        walk(paging(kind, param="at", has_more="more").pages(WINDOW), lambda _: answer)


@given(st.lists(st.integers(), unique=True, max_size=300))
def test_a_walk_without_detector_is_not_refused(cursors):
    """However long it is."""
    detector = CycleDetector("start")
    assert not any(detector.seen_before(cursor) for cursor in cursors)


AFTER, BEFORE = (END + 1, END + 9), (START - 2, START - 9)


@pytest.mark.parametrize(
    ("order", "page", "following", "ends"),
    [
        pytest.param("ascending", (START, END - 1), AFTER, False, id="ascending, inside"),
        pytest.param("ascending", (START, END), AFTER, True, id="ascending, up to the end"),
        pytest.param("ascending", (START, END), (END - 1, END + 9), False, id="a late record"),
        pytest.param("ascending", (START, END), BEFORE, False, id="neither way"),
        pytest.param("ascending", (END, END), AFTER, False, id="one instant: unknown order"),
        pytest.param("descending", (END - 1, START), BEFORE, False, id="descending, inside"),
        pytest.param("descending", (END - 1, START - 1), BEFORE, True, id="past the start"),
        pytest.param("ascending", (END - 1, START - 1), BEFORE, True, id="in spite of the feed"),
        pytest.param("none", (START, END), AFTER, False, id="no order"),
        pytest.param("none", (END - 1, START - 1), BEFORE, False, id="no order, backward"),
        pytest.param("ascending", (None, END), AFTER, False, id="unreadable"),
    ],
)
def test_two_pages_in_a_row_say_that_later_ones_are_outside(order, page, following, ends):
    """One alone may have a record out of order; the second must be outside as a whole.

    Without an order no page decides by its times.
    """
    inside, page, following = (
        PageInfo(rows=2, first_event_ns=first and first * 10**6, last_event_ns=last * 10**6)
        for first, last in ((START, END - 1), page, following)
    )
    edge = WindowEdge(WINDOW, order)
    assert [edge.is_past(info) for info in (page, inside, page, PageInfo(rows=0))] == [False] * 4
    assert edge.is_past(following) is ends


def test_a_page_is_known_by_its_ends():
    """Oldest and newest, smallest and greatest id, whichever way it runs."""
    info = PageInfo(rows=2, first={"id": 9}, last={"id": "4"}, first_event_ns=7, last_event_ns=5)
    assert (info.oldest_ns, info.newest_ns, info.ids("id")) == (5, 7, (4, 9))
