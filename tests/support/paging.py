"""Paged sources that exist only in memory, and the checks that every pager passes.

A source is called with a ``PageRequest`` and returns a page: records, captured values and
headers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.paging import PageInfo, Pager, PageRequest, Paging
from include.ticklake.model.window import Window

Row = Mapping[str, object]

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
CLAIMED = st.none() | st.integers(1, 4)
"""By how much, and one, ``page_rows`` exceeds what the source returns at most; None without it."""

MIDDLE = st.integers(START + 1, END - 2)


@dataclass(frozen=True, kw_only=True)
class PageAnswer:
    """One page; records have an ``id`` and a time ``t`` in milliseconds."""

    rows: list[Row]
    captured: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


MemorySource = Callable[[PageRequest], PageAnswer]


def paging(kind: str, **options: Any) -> Paging:
    """The paging style *kind* as a feed describes it."""
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


def between(rows: list[Row], first: int, last: int) -> list[Row]:
    """The records from *first* to *last*, inclusive."""
    return [row for row in rows if first <= int(str(row["t"])) <= last]


def page_info(answer: PageAnswer) -> PageInfo:
    """What the pager is sent of *answer*."""
    first, last = (answer.rows[0], answer.rows[-1]) if answer.rows else (None, None)
    return PageInfo(
        rows=len(answer.rows),
        first=first,
        last=last,
        first_event_ns=None if first is None else int(str(first["t"])) * 10**6,
        last_event_ns=None if last is None else int(str(last["t"])) * 10**6,
        captured=answer.captured,
        headers=answer.headers,
    )


def walk(
    pager: Pager, source: MemorySource, *, pages_max: int = 10_000
) -> list[tuple[PageRequest, list[Row]]]:
    """Every request with its page, without probes.

    A page that does not start where it was requested to is refused, as by the HTTP source.
    """
    pages = []
    request = next(pager, None)
    while request is not None:
        assert len(pages) < pages_max, "paging does not end"
        answer = source(request)
        if request.validate_first and answer.rows and not request.validate_first(answer.rows[0]):
            raise MalformedPageError("does not start at the requested cursor")
        if not request.is_probe:
            pages.append((request, answer.rows))
        try:
            request = pager.send(page_info(answer))
        except StopIteration:
            request = None
    return pages


def check(style: Paging, source: MemorySource, rows: list[Row]) -> None:
    """Every record of the window comes, once; and the same ones from every cursor on.

    Records outside may differ: two pages in a row end the paging, and resuming starts counting.
    """
    pages = walk(style.pages(WINDOW), source)
    counts = Counter(_inside([row for _, page in pages for row in page]))
    assert counts.keys() == set(_inside(rows))
    assert style.may_overlap or style.shared_instant_ns or set(counts.values()) <= {1}
    for number, (request, _) in enumerate(pages):
        if request.cursor is not None:
            resumed = walk(style.pages(WINDOW, cursor=request.cursor), source)
            assert _inside_pages(resumed) == _inside_pages(pages[number:])


def check_repeated_page(style: Paging, times: list[int]) -> None:
    """A source that ignores every parameter is refused at the second page, or the third."""
    captured, requests = {"next": "7"}, []
    headers = {"X-Next": "7", "Link": '<https://a.example/7>; rel="next"'}
    answer = PageAnswer(rows=records(times), captured=captured, headers=headers)

    def source(request: PageRequest) -> PageAnswer:
        requests.append(request)
        return answer

    refusal = "paging makes no progress|does not start at the requested cursor"
    with pytest.raises(MalformedPageError, match=refusal):
        walk(style.pages(WINDOW), source)
    assert len([request for request in requests if not request.is_probe]) <= 3


def _inside_pages(pages: list[tuple[PageRequest, list[Row]]]) -> list[object]:
    """Each record once: resuming may read the last instant once more."""
    return list(dict.fromkeys(record for _, page in pages for record in _inside(page)))


def _inside(rows: list[Row]) -> list[object]:
    return [row["id"] for row in rows if START <= int(str(row["t"])) < END]
