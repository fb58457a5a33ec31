"""Sources that are asked for a range of time: forward, backward, in steps, or for all of it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.support.lying_api.behaviours import Behaviours
from tests.support.lying_api.records import MAX_TIE_ROWS, Row, broken, drawn_times, with_ids
from tests.support.lying_api.servers import LyingServer, ServedPage
from tests.support.servers.http import ReceivedRequest

_UNIT_MS = {"s": 1000, "ms": 1}
_ONE_INSTANT = "a page of one instant"
_LIES = ["none"] * 8 + [
    "ignored parameter",
    "ignored parameter, moving prices",
    _ONE_INSTANT,
    _ONE_INSTANT,
]


class _TimeRange:
    """Records between two times, in the unit of the parameters; they may lose their place."""

    def __init__(self, draw: DrawFn, behaviours: Behaviours, *, max_tie_rows: int) -> None:
        self.unit = draw(st.sampled_from(["ms", "ms", "s"]))
        self.end_is_inclusive = draw(st.booleans())
        # Records of one second share an instant for a source that is asked in seconds.
        times = drawn_times(draw, behaviours, max_tie_rows=max_tie_rows)
        if self.unit == "s":
            times = [t - t % 1000 + n % 7 for n, t in enumerate(times)]
        rows = with_ids(sorted(times), gaps=[draw(st.integers(1, 3))])
        self.rows = broken(draw, rows, behaviours)
        self.newest_first = behaviours.happens(draw, "newest first")

    def at(self, row: Row) -> int:
        """When it happened, in the unit; a source knows what it does not show."""
        number = self.rows.index(row)
        shown = [r["t"] for r in self.rows[: number + 1] if isinstance(r["t"], int)]
        return (shown[-1] if shown else 0) // _UNIT_MS[self.unit]

    def between(self, first: int, end: int, *, end_is_inclusive: bool) -> list[Row]:
        """Those in the range, oldest first."""
        last = end if end_is_inclusive else end - 1
        return [row for row in self.rows if first <= self.at(row) <= last]

    def options(self) -> dict[str, Any]:
        """What the feed says of the parameters."""
        end = "inclusive" if self.end_is_inclusive else "exclusive"
        return {"unit": self.unit, "end": end}


def forward(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """From the start of the window on, oldest first."""
    return _one_way(draw, behaviours, backward=False)


def backward(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """From the end of the window back, newest first."""
    return _one_way(draw, behaviours, backward=True)


def _one_way(draw: DrawFn, behaviours: Behaviours, *, backward: bool) -> LyingServer:
    lie = behaviours.choose(draw, _LIES)
    source = _TimeRange(draw, behaviours, max_tie_rows=9 if lie == _ONE_INSTANT else MAX_TIE_ROWS)
    instants = [source.at(row) for row in source.rows]
    largest_tie = max((instants.count(instant) for instant in instants), default=1)
    ending = behaviours.choose(draw, ["empty", "short page", "has_more"], prefix="ends: ")
    if behaviours.focus == "short page":
        ending = "empty"
    fills_pages, flagged = ending == "short page", ending == "has_more"
    # Where pages have any size, none may be as small as a tie: nobody could see what it lacks.
    page_rows = draw(st.integers(2, 9)) + (0 if lie == _ONE_INSTANT else largest_tie - 1)
    sizes = [page_rows]
    if not fills_pages and lie != _ONE_INSTANT and behaviours.happens(draw, "short page"):
        page_rows += 2
        sizes = draw(st.lists(st.integers(largest_tie + 1, page_rows - 1), min_size=1))
    near, far = ("to", "from") if backward else ("from", "to")
    ignored = f"the range's {'start' if backward else 'end'} is ignored"
    ignores = behaviours.happens(draw, ignored)
    bounded = ignores or draw(st.booleans())
    paging: dict[str, Any] = source.options() | {
        "kind": f"time_{'back' if backward else 'for'}ward"
    }
    paging |= {"start_param": "from", "end_param": "to"}
    if not bounded:
        del paging["start_param" if backward else "end_param"]
    if fills_pages:
        paging["page_rows"] = page_rows
    if flagged:
        paging["has_more"] = "more"
    requests: list[int] = []

    def serve(asked: ReceivedRequest) -> ServedPage:
        at = int(asked.params[near])
        first, end = (0, at) if backward else (at, 10**13)
        inclusive = source.end_is_inclusive or not backward
        if far in asked.params and not ignores:
            limit = int(asked.params[far])
            first, end = (limit, end) if backward else (first, limit)
            inclusive = source.end_is_inclusive
        found = source.between(first, end, end_is_inclusive=inclusive)
        if lie.startswith("ignored") and requests:
            behaviours.note(lie)
            found = source.rows
        size = sizes[at % len(sizes)]
        page = found[-size:] if backward else found[:size]
        _note(page, found, at)
        if ignores and any(limit_is_passed(row, int(asked.params[far])) for row in page):
            behaviours.note(ignored)
        requests.append(len(page))
        if lie.endswith("moving prices") and len(requests) > 1:
            page = [row | {"price": row["price"] + 1000 * len(requests)} for row in page]
        beside = {"more": len(page) < len(found)} if flagged else {}
        return ServedPage(rows=page[::-1] if source.newest_first else page, beside=beside)

    def limit_is_passed(row: Row, limit: int) -> bool:
        return source.at(row) < limit if backward else source.at(row) > limit

    def _note(page: list[Row], found: list[Row], at: int) -> None:
        note = behaviours.note
        edge = at - (backward and not source.end_is_inclusive)
        if source.newest_first and len(page) > 1:
            note("newest first")
        if len(page) < len(found) and len(page) < page_rows:
            note("short page")
        if requests and any(source.at(row) == edge for row in page):
            note("the edge is asked for again")
        if flagged and len(page) == len(found):
            note("ends: has_more")
        elif not page:
            note("ends: empty")
        elif fills_pages and len(page) < page_rows:
            note("ends: short page")
        one_instant = {source.at(row) for row in page} == {edge}
        is_cut = len(page) == page_rows if fills_pages else len(page) >= max([2, *requests])
        if one_instant and is_cut:
            note("a page of one instant")

    return LyingServer(rows=source.rows, paging=paging, serve=serve,
                       order="descending" if backward else "ascending",
                       capture=("more",) if flagged else (),
                       needs_key=lie.endswith("moving prices"), restart=requests.clear)  # fmt: skip


def in_steps(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """Ranges of a fixed length, each in one page."""
    source = _TimeRange(draw, behaviours, max_tie_rows=MAX_TIE_ROWS)
    step_minutes = draw(st.sampled_from([7, 10, 20, 60]))
    # What the feed takes for exclusive is inclusive, so that two ranges share an instant.
    shares_edges = not source.end_is_inclusive and behaviours.happens(draw, "edge repeat")
    page_rows = {"a full page": 3, "a page that is not full": 100}.get(
        behaviours.choose(draw, ["no cap", "a full page", "a page that is not full"])
    )
    ignores = behaviours.choose(draw, ["none"] * 9 + ["ignored parameter"]) != "none"
    paging = source.options() | {"kind": "time_steps", "start_param": "from", "end_param": "to",
                                 "step": f"{step_minutes}m"}  # fmt: skip
    if page_rows:
        paging["page_rows"] = page_rows
    order = "none" if behaviours.happens(draw, "no order") else "ascending"
    if order == "none":
        behaviours.note("no order")
    seen: set[int] = set()

    def serve(asked: ReceivedRequest) -> ServedPage:
        first, end = int(asked.params["from"]), int(asked.params["to"])
        page = source.between(first, end, end_is_inclusive=source.end_is_inclusive or shares_edges)
        if ignores:
            behaviours.note("ignored parameter")
            page = source.rows
        if page_rows:
            full = len(page) >= page_rows
            behaviours.note("a full page" if full else "a page that is not full")
            page = page[:page_rows]
        if not page:
            behaviours.note("empty page before the end")
        if seen & {row["id"] for row in page}:
            behaviours.note("edge repeat")
        seen.update(row["id"] for row in page)
        if source.newest_first and len(page) > 1:
            behaviours.note("newest first")
        return ServedPage(rows=page[::-1] if source.newest_first else page)

    return LyingServer(rows=source.rows, paging=paging, serve=serve, order=order,
                       restart=seen.clear)  # fmt: skip
