"""Whatever a source holds, paging brings every record of the window, and comes to an end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.paging import PageInfo, PageRequest, Paging
from include.ticklake.feed.paging.protocol import CycleDetector
from include.ticklake.model.window import Window
from tests.support.sources import Answer, Row, Source, walk

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")
START, END = WINDOW.start_ms, WINDOW.end_ms
HOUR = END - START

TIMES = st.integers(START - HOUR // 4, END + HOUR // 4) | st.sampled_from(
    [START - 1, START, START + 1, END - 1, END, END + 1]
)
ROWS = st.lists(TIMES, max_size=40).map(sorted)
"""Times of records; several may share a millisecond."""

UNIQUE = st.lists(TIMES, max_size=40, unique=True).map(sorted)
SIZES = st.integers(1, 9)


def paging(kind: str, **options: Any) -> Paging:
    capture = {name: f"x.{name}" for name in ("next", "more", "total")}
    return HttpSource.model_validate(
        {
            "kind": "http",
            "base_url": "https://a.example",
            "path": "/",
            "capture": capture,
            "paging": {"kind": kind} | options,
        }
    ).paging


def records(times: list[int], *, gaps: int = 1) -> list[Row]:
    """Records with growing ids, oldest first."""
    return [{"id": 100 + n * gaps, "t": t} for n, t in enumerate(times)]


def inside(rows: list[Row]) -> list[object]:
    return [row["id"] for row in rows if START <= int(str(row["t"])) < END]


def check(way: Paging, source: Source, rows: list[Row], *, twice: bool = False) -> None:
    """Every record of the window comes, once; and from every cursor on exactly the rest."""
    found = walk(way.pages(WINDOW), source)
    got = Counter(inside([row for _, page in found for row in page]))
    assert got.keys() == set(inside(rows))
    assert twice or way.may_overlap or set(got.values()) <= {1}
    for turn, (ask, _) in enumerate(found):
        if ask.cursor is not None:
            rest = walk(way.pages(WINDOW, cursor=ask.cursor), source)
            assert [page for _, page in rest] == [page for _, page in found[turn:]]


def from_to(rows: list[Row], first: int, last: int) -> list[Row]:
    return [row for row in rows if first <= int(str(row["t"])) <= last]


# ---- by time

UNITS = st.sampled_from(["ms", "us", "ns"])
SCALE = {"ms": 1, "us": 10**3, "ns": 10**6}


@given(
    times=UNIQUE,
    size=SIZES,
    unit=UNITS,
    exclusive=st.booleans(),
    capped=st.booleans(),
    ended=st.booleans(),
)
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("newest_first", [False, True], ids=["ascending", "descending"])
def test_paging_by_time(backward, newest_first, times, size, unit, exclusive, capped, ended):
    """Forward and backward, whichever way a page runs, with any page size and unit."""
    rows, scale = records(times), SCALE[unit]
    options = {
        "start_param": "start",
        "end_param": "end",
        "unit": unit,
        "end": "exclusive" if exclusive else "inclusive",
        "page_rows": size if capped else None,
    }
    if not ended:
        del options["start_param" if backward else "end_param"]

    def source(ask: PageRequest) -> Answer:
        first = int(ask.params.get("start", 0))
        last = int(ask.params.get("end", 10**30)) - (exclusive and "end" in ask.params)
        page = from_to(rows, -(-first // scale), last // scale)
        page = page[-size:] if backward else page[:size]
        return Answer(rows=page[::-1] if newest_first else page)

    check(paging("time_backward" if backward else "time_forward", **options), source, rows)


@given(times=UNIQUE, minutes=st.integers(1, 90), exclusive=st.booleans())
def test_paging_in_steps_of_time(times, minutes, exclusive):
    """Steps cover the window, whether or not its length is a multiple of theirs."""
    rows = records(times)
    longest_ms = minutes * 60_000

    def source(ask: PageRequest) -> Answer:
        first, last = int(ask.params["start"]), int(ask.params["end"])
        assert last - first + (not exclusive) <= longest_ms
        return Answer(rows=from_to(rows, first, last - exclusive))

    way = paging(
        "time_steps",
        start_param="start",
        end_param="end",
        step=f"{minutes}m",
        end="exclusive" if exclusive else "inclusive",
    )
    check(way, source, rows)


# ---- by id


def first_by_time(ask: PageRequest) -> bool:
    return "id" not in ask.params


@given(
    times=ROWS, size=SIZES, gaps=st.integers(1, 5), exclusive=st.booleans(), capped=st.booleans()
)
def test_paging_forward_by_id(times, size, gaps, exclusive, capped):
    """Records that share a millisecond are all there, at a page's edge too."""
    rows = records(times, gaps=gaps)

    def source(ask: PageRequest) -> Answer:
        if first_by_time(ask):
            return Answer(rows=from_to(rows, START, END - 1)[:size])
        first = int(ask.params["id"]) + exclusive
        return Answer(rows=[row for row in rows if int(str(row["id"])) >= first][:size])

    way = paging(
        "id_forward",
        param="id",
        field="id",
        first_params={"start": "{start_ms}"},
        page_rows=size if capped else None,
        **{"from": "exclusive" if exclusive else "inclusive"},
    )
    check(way, source, rows)


@given(times=ROWS, size=SIZES, gaps=st.integers(1, 5), capped=st.booleans())
def test_paging_backward_by_id(times, size, gaps, capped):
    """From the newest of the window back to before its start."""
    rows = records(times, gaps=gaps)[::-1]

    def source(ask: PageRequest) -> Answer:
        if first_by_time(ask):
            return Answer(rows=[row for row in rows if int(str(row["t"])) < END][:size])
        before = int(ask.params["id"])
        return Answer(rows=[row for row in rows if int(str(row["id"])) < before][:size])

    way = paging(
        "id_backward",
        param="id",
        field="id",
        first_params={"end": "{end_ms}"},
        page_rows=size if capped else None,
    )
    check(way, source, rows)


@given(times=st.lists(TIMES, max_size=200).map(sorted), size=SIZES, gaps=st.integers(1, 40))
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_searching_by_id(direction, times, size, gaps):
    """Where the source knows no time, the window's edge is found, whatever ids are missing."""
    rows = records(times, gaps=gaps)
    forward, asked = direction == "forward", []

    def source(ask: PageRequest) -> Answer:
        asked.append(ask)
        rows_max = int(ask.params.get("limit", size))
        if "id" not in ask.params:
            page = rows[-rows_max:]
        elif forward:
            page = [row for row in rows if int(str(row["id"])) >= int(ask.params["id"])][:rows_max]
        else:
            page = [row for row in rows if int(str(row["id"])) < int(ask.params["id"])][-rows_max:]
        return Answer(rows=page if forward else page[::-1])

    way = paging("id_search", param="id", field="id", direction=direction, page_rows=size)
    check(way, source, rows)
    searched = [ask for ask in asked if ask.is_probe]
    assert len(searched) < 40 * (1 + len(asked) - len(searched))


# ---- by counting


@given(times=ROWS, size=SIZES, capped=st.booleans(), flagged=st.booleans(), first=st.integers(0, 2))
@pytest.mark.parametrize("newest_first", [False, True], ids=["ascending", "descending"])
def test_paging_by_number(newest_first, times, size, capped, flagged, first):
    """Until a page is empty, or short, or says that it is the last one."""
    rows = records(times)[::-1] if newest_first else records(times)

    def source(ask: PageRequest) -> Answer:
        at = (int(ask.params["p"]) - first) * size
        return Answer(rows=rows[at : at + size], captured={"more": at + size < len(rows)})

    way = paging(
        "page",
        param="p",
        first=first,
        page_rows=size if capped else None,
        has_more="more" if flagged else None,
    )
    check(way, source, rows)


@given(
    times=ROWS, size=SIZES, capped=st.booleans(), total=st.sampled_from([None, int, str, Decimal])
)
def test_paging_by_offset(times, size, capped, total):
    """Until a page is empty, or short, or the total is reached, whatever type it has."""
    rows = records(times)

    def source(ask: PageRequest) -> Answer:
        at = int(ask.params["skip"])
        captured = {"total": total(len(rows))} if total else {}
        return Answer(rows=rows[at : at + size], captured=captured)

    way = paging("offset", param="skip", total="total", page_rows=size if capped else None)
    check(way, source, rows)


@given(times=ROWS)
@pytest.mark.parametrize("kind", ["single", "recent"])
def test_one_page_is_one_request(kind, times):
    """Without parameters of its own."""
    rows, options = records(times), {"page_rows": 100} if kind == "recent" else {}
    [(ask, page)] = walk(paging(kind, **options).pages(WINDOW), lambda _: Answer(rows=rows))
    assert (ask.params, ask.cursor, page) == ({}, None, rows)


# ---- by what the source says

LINK = '<https://a.example/?at={next}>; rel="next", <https://a.example/?at=0>; rel="first"'
SAYS: dict[str, tuple[dict[str, Any], Callable[[str], dict[str, Any]]]] = {
    "cursor": ({"param": "at", "cursor": "next"}, lambda at: {"captured": {"next": at}}),
    "number": ({"param": "at", "cursor": "next"}, lambda at: {"captured": {"next": int(at)}}),
    "header": ({"param": "at", "header": "X-Next"}, lambda at: {"headers": {"X-Next": at}}),
    "link": ({}, lambda at: {"headers": {"Link": LINK.format(next=at)}}),
    "next_url": ({"url": "next"}, lambda at: {"captured": {"next": f"/?at={at}"}}),
}


def says(kind: str) -> tuple[Paging, Callable[[str], dict[str, Any]]]:
    options, saying = SAYS[kind]
    return paging("cursor" if kind == "number" else kind, **options), saying


def position(ask: PageRequest) -> int:
    at = ask.url.rpartition("=")[2] if ask.url else ask.params.get("at", "0")
    return int(at)


@pytest.mark.parametrize("kind", SAYS)
@pytest.mark.parametrize("newest_first", [False, True], ids=["ascending", "descending"])
@given(times=ROWS, size=SIZES, inclusive=st.booleans())
def test_paging_by_what_the_source_says(kind, newest_first, times, size, inclusive):
    """In the body, in a header, as a whole address; also where pages share a record."""
    rows = records(times)[::-1] if newest_first else records(times)
    way, saying = says(kind)

    def source(ask: PageRequest) -> Answer:
        at = position(ask)
        following = at + size
        page = rows[at : following + (inclusive and kind != "link")]
        more = saying(str(following)) if following < len(rows) else {}
        return Answer(rows=page, **more)

    check(way, source, rows)


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
    answers = [Answer(rows=rows[:2], captured={"more": flag, "next": "2"}), Answer(rows=[])]
    way = paging(kind, has_more="more", **options)
    assert len(walk(way.pages(WINDOW), lambda _: answers.pop(0))) == pages


@pytest.mark.parametrize("kind", ["page", "offset"])
def test_a_flag_that_is_none_is_refused(kind):
    """Rather than taken for the end."""
    answer = Answer(rows=records([START]), captured={"more": "perhaps"})
    with pytest.raises(
        MalformedPageError, match=r"'more' is neither true nor false; check capture.more"
    ):
        walk(paging(kind, param="at", has_more="more").pages(WINDOW), lambda _: answer)


def test_a_total_that_is_none_is_refused():
    """A count with a thousands separator is not a count."""
    answer = Answer(rows=records([START]), captured={"total": "14,993"})
    with pytest.raises(
        MalformedPageError, match=r"'total' is no whole number; check capture.total"
    ):
        walk(paging("offset", total="total").pages(WINDOW), lambda _: answer)


# ---- sources that go in circles

MIDDLE = st.integers(START + 1, END - 2)

ALL: dict[str, dict[str, Any]] = {
    "page": {"param": "at"},
    "offset": {"param": "at"},
    "cursor": {"param": "at", "cursor": "next"},
    "header": {"param": "at", "header": "X-Next"},
    "link": {},
    "next_url": {"url": "next"},
    "time_forward": {"start_param": "start"},
    "time_backward": {"end_param": "end"},
    "id_forward": {"param": "id", "field": "id", "first_params": {}},
    "id_backward": {"param": "id", "field": "id", "first_params": {}},
    "id_search": {"param": "id", "field": "id", "direction": "forward", "page_rows": 2},
}


@pytest.mark.parametrize("kind", ALL)
@given(times=st.lists(MIDDLE, min_size=1, max_size=5, unique=True).map(sorted))
def test_a_page_that_repeats_for_ever_is_refused(kind, times):
    """A source that looks at no parameter is found out at the second page, or the third."""
    rows = records(times)
    captured = {"next": "7"}
    headers = {"X-Next": "7", "Link": '<https://a.example/7>; rel="next"'}
    answer, asked = Answer(rows=rows, captured=captured, headers=headers), []

    def source(ask: PageRequest) -> Answer:
        asked.append(ask)
        return answer

    pager = paging(kind, **ALL[kind]).pages(WINDOW)
    with pytest.raises(
        MalformedPageError, match=r"paging is stuck|does not begin where it was asked to"
    ):
        walk(pager, source)
    assert len([ask for ask in asked if not ask.is_probe]) <= 3


@pytest.mark.parametrize("kind", SAYS)
@given(before=st.integers(0, 20), length=st.integers(1, 50))
def test_cursors_that_lead_in_a_circle_are_refused(kind, before, length):
    """Of any length, after any number of good pages; before the third round is over."""
    way, saying = says(kind)
    asked = []

    def source(ask: PageRequest) -> Answer:
        asked.append(ask)
        at = position(ask)
        following = at + 1 if at + 1 < before + length else before
        return Answer(rows=records([START, START + 1]), **saying(str(following)))

    with pytest.raises(MalformedPageError, match="paging is stuck"):
        walk(way.pages(WINDOW), source)
    assert len(asked) <= 3 * (before + length) + 3


@given(st.lists(st.integers(), unique=True, max_size=300))
def test_a_walk_without_circle_is_not_refused(cursors):
    """However long it is."""
    circle = CycleDetector("start")
    assert not any(circle.seen_before(cursor) for cursor in cursors)


@pytest.mark.parametrize("kind", ["time_forward", "time_backward", "id_forward", "id_backward"])
def test_a_page_whose_times_cannot_be_read_is_refused(kind):
    """What has no time leads nowhere."""
    pager = paging(kind, **ALL[kind]).pages(WINDOW)
    next(pager)
    with pytest.raises(MalformedPageError, match="no readable event time; check its unit"):
        pager.send(PageInfo(rows=2, first={"id": 1}, last={"id": 2}))


@pytest.mark.parametrize("kind", ["id_forward", "id_backward"])
@pytest.mark.parametrize("found", [None, "x", "", Decimal("1.5"), [1]], ids=repr)
def test_a_page_whose_ids_cannot_be_read_is_refused(kind, found):
    """The message names the field that was looked at."""
    pager, at_ns = paging(kind, **ALL[kind]).pages(WINDOW), START * 10**6
    next(pager)
    row = {"id": found}
    with pytest.raises(MalformedPageError, match=r"no whole number in 'id'; check paging.field"):
        pager.send(PageInfo(rows=2, first=row, last=row, first_event_ns=at_ns, last_event_ns=at_ns))
