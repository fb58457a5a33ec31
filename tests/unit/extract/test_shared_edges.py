"""Records that two pages share at their edges are recognised, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.extract.shared_edges import SharedEdges

MS = 10**6


def new_records(pages, edges: SharedEdges) -> list[tuple]:
    """The (time, value) pairs that come for the first time."""
    new = []
    for page in pages:
        for at_ms, value in page:
            if not edges.seen_before(f"{at_ms}/{value}", at_ms * MS):
                new.append((at_ms, value))
        edges.end_page()
    return new


TIMES = st.lists(st.integers(0, 6), max_size=40).map(sorted)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@given(times=TIMES, size=st.integers(1, 9))
def test_what_a_page_brings_again_is_recognised(backward, times, size):
    """Forward and backward, whatever the pages; an instant is never larger than a page here."""
    rows = [(at, number) for number, at in enumerate(times)]
    pages, rest = [], rows
    while rest:
        page = rest[-size:] if backward else rest[:size]
        pages.append(page)
        edge = page[0][0] if backward else page[-1][0]
        again = [row for row in rows if (row[0] <= edge if backward else row[0] >= edge)]
        if len(page) < size or again == rest:
            break
        rest = again
    covered = sorted({row for page in pages for row in page})
    assert sorted(new_records(pages, SharedEdges(instant_ns=MS))) == covered


def test_the_same_record_twice_on_one_page_is_two_records():
    """Without a key nothing says that it is one; the next page must hold both again."""
    pages = [[(1, 0), (2, 7), (2, 7)], [(2, 7), (2, 7), (2, 7), (3, 0)]]
    assert new_records(pages, SharedEdges(instant_ns=MS)) == [
        (1, 0), (2, 7), (2, 7), (2, 7), (3, 0),
    ]  # fmt: skip


def test_another_process_resumes_with_the_edges():
    """By what is kept in the checkpoint."""
    first = SharedEdges(instant_ns=MS)
    assert len(new_records([[(1, 0), (2, 1), (2, 2)]], first)) == 3
    resumed = SharedEdges(instant_ns=MS, keys=first.keys)
    assert new_records([[(2, 1), (2, 2), (2, 3)]], resumed) == [(2, 3)]


def test_a_record_without_a_readable_time_is_kept():
    """It is nobody's duplicate."""
    edges = SharedEdges(instant_ns=MS)
    assert not edges.seen_before("x", None)
    edges.end_page()
    assert not edges.seen_before("x", None)
