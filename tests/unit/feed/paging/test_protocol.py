"""The checks that all pagers share: flags, the end of the window, cycles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.paging import PageInfo
from include.ticklake.feed.paging.protocol import CycleDetector, is_past_window
from tests.support.paging import END, START, WINDOW, PageAnswer, paging, records, walk


@pytest.mark.parametrize(
    ("flag", "pages"),
    [
        pytest.param(True, 2, id="true"),
        pytest.param("true", 2, id="true as text"),
        pytest.param(1, 2, id="one"),
        pytest.param(False, 1, id="false"),
        pytest.param("False", 1, id="false as text"),
        pytest.param(None, 1, id="null"),
        pytest.param(0, 1, id="nought"),
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


@pytest.mark.parametrize(
    ("first", "last", "is_past"),
    [
        pytest.param(START, END - 1, False, id="ascending, inside"),
        pytest.param(START, END, True, id="ascending, up to the end"),
        pytest.param(END - 1, START, False, id="descending, inside"),
        pytest.param(END - 1, START - 1, True, id="descending, past the start"),
        pytest.param(END, END, False, id="one instant: the order is unknown"),
        pytest.param(None, END, False, id="unreadable"),
    ],
)
def test_the_order_of_a_page_says_whether_later_ones_are_outside(first, last, is_past):
    """A page that runs backward ends at the window's start, others at its end."""
    times = [None if at is None else at * 10**6 for at in (first, last)]
    info = PageInfo(rows=2, first_event_ns=times[0], last_event_ns=times[1])
    assert is_past_window(info, WINDOW) is is_past


def test_a_page_is_known_by_its_ends():
    """Oldest and newest, smallest and greatest id, whichever way it runs."""
    info = PageInfo(rows=2, first={"id": 9}, last={"id": "4"}, first_event_ns=7, last_event_ns=5)
    assert (info.oldest_ns, info.newest_ns, info.ids("id")) == (5, 7, (4, 9))
