"""Sources that are paged by id: forward, backward, or with a search for the window's edge."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.support.lying_api.behaviours import Behaviours
from tests.support.lying_api.lists import drawn_sizes
from tests.support.lying_api.records import Row, broken, drawn_times, late, with_ids
from tests.support.lying_api.servers import LyingServer, ServedPage
from tests.support.servers.http import ReceivedRequest

_GAPS = st.lists(st.sampled_from([1, 1, 2, 5, 40]), min_size=1, max_size=4)
_AGAIN = "the id is included again"
_LIES = ["none"] * 6 + ["ignored parameter", "ignored parameter, moving prices"]


class _IdSource:
    """Records with growing ids, some of which are late."""

    def __init__(
        self,
        draw: DrawFn,
        behaviours: Behaviours,
        *,
        backward: bool,
        sizes: list[int],
        dense_only: bool = False,
    ) -> None:
        self._behaviours, self._backward, self._sizes = behaviours, backward, sizes
        self._lie = behaviours.choose(draw, _LIES)
        gaps = draw(_GAPS) if behaviours.happens(draw, "gaps between ids") else [1]
        may_be_late = min(sizes) - 1 if dense_only is False or max(gaps) == 1 else 0
        times = late(draw, drawn_times(draw, behaviours), behaviours, max_rows=may_be_late)
        self.rows = broken(draw, with_ids(times, gaps=gaps), behaviours)
        if max(gaps) > 1 and len(times) > 1:
            behaviours.note("gaps between ids")
        self.largest_rows = max(sizes)
        self.flagged = False
        """Whether it says that there are more records."""
        self._requests = 0
        # Two records of one id are one for a source that is paged by it.
        two_values = "a key with two values" in behaviours.counts
        self.needs_key = self._lie.endswith("moving prices") or two_values

    @property
    def capture(self) -> tuple[str, ...]:
        return ("more",) if self.flagged else ()

    def restart(self) -> None:
        self._requests = 0

    def page(self, found: list[Row], at: int, *, rows_max: int | None = None) -> ServedPage:
        """The first of what was *found*, in the direction of the pages."""
        self._requests += 1
        size = rows_max or self._sizes[at % len(self._sizes)]
        if self._lie.startswith("ignored") and self._requests > 1:
            self._behaviours.note(self._lie)
            found = self.rows
        page = found[-size:][::-1] if self._backward else found[:size]
        beside = {"more": len(page) < len(found)} if self.flagged else {}
        if len(page) < min(len(found), self.largest_rows) and rows_max is None:
            self._behaviours.note("short page")
        if self._lie.endswith("moving prices") and self._requests > 1:
            page = [row | {"price": row["price"] + 1000 * self._requests} for row in page]
        return ServedPage(rows=page, beside=beside)

    def note_end(self, page: ServedPage, *, fills_pages: bool) -> None:
        """Say how the pages end, where this is the last one."""
        if page.beside.get("more") is False:
            self._behaviours.note("ends: has_more")
        elif not page.rows:
            self._behaviours.note("ends: empty")
        elif fills_pages and len(page.rows) < self.largest_rows:
            self._behaviours.note("ends: short page")


def _sizes(draw: DrawFn, behaviours: Behaviours) -> tuple[str, list[int]]:
    """How the pages end, and their sizes in turn."""
    largest = draw(st.integers(1 if behaviours.focus is None else 3, 9))
    ending = behaviours.choose(draw, ["empty", "short page", "has_more"], prefix="ends: ")
    if behaviours.focus in ("short page", _AGAIN):
        ending = "empty"
    fills_pages = ending == "short page"
    return ending, drawn_sizes(draw, behaviours, page_rows=largest, full=fills_pages)


def _at(row: Row) -> int:
    """When it happened; a record that lost its time is found in any range."""
    return row["t"] if isinstance(row["t"], int) else -1


def forward(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """The first page by time, later ones from an id on."""
    ending, sizes = _sizes(draw, behaviours)
    fills_pages = ending == "short page"
    source = _IdSource(draw, behaviours, backward=False, sizes=sizes)
    start = draw(st.sampled_from(["inclusive", "exclusive"]))
    # What the feed takes for exclusive is inclusive: the last record comes again.
    repeats = start == "exclusive" and not fills_pages and behaviours.happens(draw, _AGAIN)
    bounded = draw(st.booleans())
    paging: dict[str, Any] = {"kind": "id_forward", "param": "from", "field": "id", "start": start,
                              "first_params": {"since": "{start_ms}"}}  # fmt: skip
    if bounded:
        paging["first_params"]["until"] = "{last_ms}"
    if fills_pages:
        paging["page_rows"] = source.largest_rows
    if ending == "has_more":
        source.flagged, paging["has_more"] = True, "more"

    def serve(asked: ReceivedRequest) -> ServedPage:
        if "from" not in asked.params:
            first, last = int(asked.params["since"]), int(asked.params.get("until", 10**15))
            found = [row for row in source.rows if first <= _at(row) <= last or _at(row) < 0]
            page = source.page(found, 0)
            source.note_end(page, fills_pages=False)
            return page
        at = int(asked.params["from"])
        is_inclusive = start == "inclusive" or repeats
        found = [row for row in source.rows if row["id"] >= at + (not is_inclusive)]
        page = source.page(found, at, rows_max=max(2, source.largest_rows) if repeats else None)
        if repeats and page.rows and page.rows[0]["id"] == at:
            behaviours.note(_AGAIN)
        source.note_end(page, fills_pages=fills_pages)
        return page

    return LyingServer(
        rows=source.rows,
        paging=paging,
        serve=serve,
        capture=source.capture,
        needs_key=source.needs_key,
        restart=source.restart,
    )


def backward(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """The first page by time, later ones before an id."""
    ending, sizes = _sizes(draw, behaviours)
    fills_pages = ending == "short page"
    source = _IdSource(draw, behaviours, backward=True, sizes=sizes)
    # The source includes the id that pages should end before.
    repeats = not fills_pages and behaviours.happens(draw, _AGAIN)
    paging: dict[str, Any] = {"kind": "id_backward", "param": "before", "field": "id",
                              "first_params": {"until": "{last_ms}"},
                              "next_params": {"by": "id"}}  # fmt: skip
    if fills_pages:
        paging["page_rows"] = source.largest_rows
    if ending == "has_more":
        source.flagged, paging["has_more"] = True, "more"

    def serve(asked: ReceivedRequest) -> ServedPage:
        if "before" not in asked.params:
            last = int(asked.params["until"])
            page = source.page([row for row in source.rows if _at(row) <= last], 0)
        else:
            assert asked.params["by"] == "id"
            at = int(asked.params["before"])
            found = [row for row in source.rows if row["id"] < at + repeats]
            page = source.page(found, at, rows_max=max(2, source.largest_rows) if repeats else None)
            if repeats and page.rows and page.rows[0]["id"] == at:
                behaviours.note(_AGAIN)
        source.note_end(page, fills_pages=fills_pages)
        return page

    return LyingServer(rows=source.rows, paging=paging, serve=serve, order="descending",
                       capture=source.capture, needs_key=source.needs_key,
                       restart=source.restart)  # fmt: skip


def by_search(draw: DrawFn, behaviours: Behaviours) -> LyingServer:
    """By id only: the edge of the window must be searched for."""
    direction = behaviours.choose(draw, ["forward", "backward"])
    behaviours.note(direction)
    largest = draw(st.integers(1 if behaviours.focus is None else 3, 9))
    sizes = drawn_sizes(draw, behaviours, page_rows=largest, full=False)
    source = _IdSource(
        draw, behaviours, backward=direction == "backward", sizes=sizes, dense_only=True
    )
    paging = {"kind": "id_search", "param": "at", "field": "id", "direction": direction,
              "page_rows": largest}  # fmt: skip

    def serve(asked: ReceivedRequest) -> ServedPage:
        limit = int(asked.params["limit"]) if "limit" in asked.params else None
        if "at" not in asked.params:  # the newest, whatever the direction
            return ServedPage(rows=source.rows[-(limit or source.largest_rows) :])
        at = int(asked.params["at"])
        if direction == "forward":
            return source.page([row for row in source.rows if row["id"] >= at], at, rows_max=limit)
        return source.page([row for row in source.rows if row["id"] < at], at, rows_max=limit)

    return LyingServer(rows=source.rows, paging=paging, serve=serve,
                       order="descending" if direction == "backward" else "ascending",
                       needs_key=source.needs_key,
                       restart=source.restart)  # fmt: skip
