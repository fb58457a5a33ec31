"""Paging by ids alone finds every record of the window, and says where older ones are gone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import SourceRefusedError
from include.ticklake.feed.paging import PageRequest
from tests.support.paging import (
    END,
    SIZES,
    START,
    TIMES,
    WINDOW,
    PageAnswer,
    check,
    paging,
    records,
    walk,
)


@given(times=st.lists(TIMES, max_size=200).map(sorted), size=SIZES, gaps=st.integers(1, 40))
@pytest.mark.parametrize(
    ("direction", "end"),
    [("forward", "exclusive"), ("backward", "exclusive"), ("backward", "inclusive")],
)
def test_searching_by_id(direction, end, times, size, gaps):
    """Where the source knows no time, the window's edge is found, whatever ids are missing."""
    rows = records(times, gaps=gaps)
    forward, requests = direction == "forward", []
    included = end == "inclusive"

    def source(request: PageRequest) -> PageAnswer:
        requests.append(request)
        rows_max = int(request.params.get("limit", size))
        if "id" not in request.params:
            page = rows[-rows_max:]
        elif forward:
            page = [row for row in rows if int(str(row["id"])) >= int(request.params["id"])][
                :rows_max
            ]
        else:
            last = int(request.params["id"]) - (not included)
            page = [row for row in rows if int(str(row["id"])) <= last][-rows_max:]
        return PageAnswer(rows=page if forward else page[::-1])

    style = paging(
        "id_search", param="id", field="id", direction=direction, end=end, page_rows=size
    )
    check(style, source, rows)
    searched = [request for request in requests if request.is_probe]
    assert len(searched) < 40 * (1 + len(requests) - len(searched))


def test_a_search_asks_for_no_id_below_the_first():
    """Before the id 0 there is none, and some sources refuse to be asked."""
    rows = [{"id": number, "t": START + number} for number in range(4)]
    asked = []

    def source(request: PageRequest) -> PageAnswer:
        last = int(request.params.get("id", "3"))
        asked.append(last)
        rows_max = int(request.params.get("limit", "2"))
        return PageAnswer(rows=[row for row in rows if row["id"] <= last][-rows_max:][::-1])

    style = paging(
        "id_search", param="id", field="id", direction="backward", end="inclusive", page_rows=2
    )
    check(style, source, rows)
    assert min(asked) >= 0


def test_only_backward_pages_have_an_end():
    """Forward pages hold the id in ``param`` anyway."""
    with pytest.raises(ValueError, match="end is for direction backward"):
        paging("id_search", param="id", field="id", direction="forward", end="inclusive",
               page_rows=2)  # fmt: skip


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("edge", [START, END])
@given(before=st.integers(0, 30), after=st.integers(0, 30), late_by=st.integers(1, 4))
def test_searching_by_id_finds_a_record_that_is_late(edge, direction, before, after, late_by):
    """One that lies on the other side of the window's edge, by less than a page."""
    times = [edge - 1 - n for n in reversed(range(before))] + [edge + n for n in range(after)]
    late = times.pop(before - 1) if before else edge - 1
    times.insert(min(before - 1 + late_by if before else late_by, len(times)), late)
    rows, forward = records(times), direction == "forward"

    def source(request: PageRequest) -> PageAnswer:
        at = int(request.params.get("id", "1000"))
        found = [row for row in rows if (int(str(row["id"])) < at) != forward]
        if "id" not in request.params:
            found = rows[-1:]
        rows_max = int(request.params.get("limit", "5"))
        return PageAnswer(rows=found[:rows_max] if forward else found[-rows_max:][::-1])

    check(paging("id_search", param="id", field="id", direction=direction, page_rows=5),
          source, rows)  # fmt: skip


def kept_from(oldest: int, *, times: list[int]):
    """A source whose ids begin at 1, and which has those from *oldest* on."""
    rows = [{"id": number, "t": at} for number, at in enumerate(times, 1) if number >= oldest]

    def source(request: PageRequest) -> PageAnswer:
        last = int(request.params.get("id", str(len(times))))
        rows_max = int(request.params.get("limit", "3"))
        return PageAnswer(rows=[row for row in rows if row["id"] <= last][-rows_max:][::-1])

    return source


@pytest.mark.parametrize(
    ("oldest", "is_gone"),
    [
        pytest.param(1, False, id="all there"),
        pytest.param(4, False, id="gone before the window"),
        pytest.param(5, True, id="the record before the window is gone, and maybe others"),
        pytest.param(9, True, id="the beginning is gone"),
        pytest.param(16, True, id="all of it is gone"),
    ],
)
def test_what_a_source_forgot_is_not_taken_for_nothing(oldest, is_gone):
    """Ids begin at 1: pages that end later, within the window, lack records."""
    times = [START - 4 + n for n in range(4)] + [START + n for n in range(8)]
    times += [END + n for n in range(8)]
    style = paging(
        "id_search", param="id", field="id", direction="backward", end="inclusive", first_id=1,
        page_rows=3,
    )  # fmt: skip
    source = kept_from(oldest, times=times)
    if is_gone:
        with pytest.raises(SourceRefusedError, match=r"no record before id \d+, .* begin at 1: "):
            walk(style.pages(WINDOW), source)
    else:
        walk(style.pages(WINDOW), source)
