"""The end of a page that the next one starts with is recognised by its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.extract.page_overlap import PageOverlap


def new_records(pages: list[str], overlap: PageOverlap | None = None) -> str:
    """The records that are no repeat; each letter is one."""
    overlap, new = overlap or PageOverlap(), ""
    for page in pages:
        new += "".join(row for row in page if not overlap.seen_before(row, is_known=False))
        overlap.end_page("https://api.example.com/rows")
    return new


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5)), max_size=8))
def test_each_record_comes_once_however_far_the_pages_overlap(cuts):
    """Without times, and without a key."""
    letters = [chr(ord("a") + n) for n in range(40)]
    at, pages = 0, []
    for rows, repeated in cuts:
        start = max(at - min(repeated, len(pages[-1]) if pages else 0), 0)
        pages.append("".join(letters[start : at + rows]))
        at += rows
    assert new_records(pages) == "".join(letters[:at])


@pytest.mark.parametrize(
    ("pages", "new"),
    [
        (["abc", "cde"], "abcde"),
        (["abc", "", "cd"], "abcd"),
        (["abc", "dbc"], "abcdbc"),
        (["ab", "ab"], "ab"),
        (["axx", "xxb"], "axxb"),
        (["abab", "abc"], "ababc"),
    ],
)
def test_a_repeat_is_the_end_of_the_last_page_at_the_start_of_the_next(pages, new):
    """What comes again elsewhere is a record of its own."""
    assert new_records(pages) == new


@pytest.mark.parametrize("page", ["ad", "a", "abd"])
def test_a_repeat_that_does_not_reach_the_end_of_the_last_page_is_an_error(page):
    """Then nobody can tell a repeat from a second record that looks the same."""
    with pytest.raises(MalformedPageError, match=r"rows: it starts with records .*mark the key"):
        new_records(["abc", page])


def test_what_is_known_otherwise_proves_nothing():
    """A record whose duplicates are recognised by its time, or that lies outside the window."""
    overlap = PageOverlap("abc")
    assert overlap.seen_before("a", is_known=True)
    assert not overlap.seen_before("d", is_known=False)
    overlap.end_page("https://api.example.com/rows")


def test_another_process_resumes_with_the_last_page():
    """By what is kept in the checkpoint."""
    first = PageOverlap()
    assert new_records(["abc"], first) == "abc"
    assert new_records(["bcd"], PageOverlap(first.rows)) == "d"
