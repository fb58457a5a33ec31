"""Paging by ids, which loses no record where several share an instant."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import ClassVar, Literal

from pydantic import Field

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.paging.protocol import (
    Order,
    PageInfo,
    Pager,
    PageRequest,
    PagingModel,
    ValidateFirst,
    WindowEdge,
    integer_at,
    no_progress,
)
from include.ticklake.feed.paging.signals import (
    HAS_MORE,
    ResumePoint,
    ShortPages,
    contradiction,
    has_more,
    must_be_last,
)
from include.ticklake.model.param_values import ParamValue, texts
from include.ticklake.model.window import Window

_OF_WINDOW = re.compile(r"\{(start|end|last|before)_\w+\}", re.ASCII)


class IdForward(PagingModel):
    """Oldest first: the first page by time, later pages from the greatest id on."""

    kind: Literal["id_forward"] = Field(
        description="The first page by time, then by id, oldest first."
    )
    param: str = Field(description="Query parameter for the first id.")
    field: str = Field(description="Name of the id in a record.")
    first_params: dict[str, ParamValue] = Field(
        description="Query parameters of the first page, which is requested by time: "
        "{startTime: '{start_ms}'}."
    )
    start: Literal["inclusive", "exclusive"] = Field(
        "inclusive",
        description="Whether a page includes the record with the id in param. Defaults to "
        "inclusive.",
    )
    page_rows: int | None = Field(
        None,
        gt=0,
        description="Maximum records per page; a page with fewer, after a full one, is the last.",
    )
    captured_options: ClassVar[tuple[str, ...]] = ("has_more",)
    has_more: str | None = Field(None, description=HAS_MORE)

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        point = None if cursor is None else ResumePoint.parse(cursor, start=0)
        at, edge = None if point is None else point.at, WindowEdge(window, order)
        short_pages = ShortPages(self.page_rows, had_full_page=bool(point and point.had_full_page))
        while True:
            if at is None:
                info = yield PageRequest(params=self.first_params)
            else:
                info = yield PageRequest(
                    params={self.param: at},
                    cursor=str(ResumePoint(at, had_full_page=short_pages.had_full_page)),
                    validate_first=_from(at + (self.start == "exclusive"), self.field),
                )
            if at is not None and info.rows and self.start == "exclusive":
                self._must_exclude(at, info)
            more, is_short = has_more(info, self.has_more), short_pages.is_last(info)
            if info.rows == 0:
                must_be_last(more, f"{self.has_more} is true, but the page has no id to go on from")
            # The first page ends with its range: a short one does not mean that it is the last.
            ends = more is False or (more is None and is_short and at is not None)
            if info.rows == 0 or ends or edge.is_past_end(info):
                return
            next_id = info.ids(self.field)[1] + (self.start == "inclusive")
            if at is not None and next_id <= at:
                raise no_progress(f"{self.param}={at} returned no later id")
            at = next_id

    def _must_exclude(self, at: int, info: PageInfo) -> None:
        """Refuse a page with the id that the feed says it leaves out: it would come twice."""
        if info.ids(self.field)[0] <= at:
            raise MalformedPageError(
                f"{self.param}={at} returned the record with that id again; set "
                "source.paging.start: inclusive"
            )


class IdBackward(PagingModel):
    """Newest first: the first page by time, later pages before the smallest id."""

    kind: Literal["id_backward"] = Field(
        description="The first page by time, then by id, newest first."
    )
    may_overlap: ClassVar[bool] = True
    param: str = Field(description="Query parameter for the id that pages end before.")
    field: str = Field(description="Name of the id in a record.")
    first_params: dict[str, ParamValue] = Field(
        description="Query parameters of the first page, which is requested by time: "
        "{endTime: '{last_ms}'}."
    )
    next_params: dict[str, ParamValue] = Field(
        default_factory=dict, description="Additional query parameters of all pages but the first."
    )
    page_rows: int | None = Field(
        None,
        gt=0,
        description="Maximum records per page; a page with fewer, after a full one, is the last.",
    )
    captured_options: ClassVar[tuple[str, ...]] = ("has_more",)
    has_more: str | None = Field(None, description=HAS_MORE)

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        point = None if cursor is None else ResumePoint.parse(cursor, start=0)
        at, edge = None if point is None else point.at, WindowEdge(window, order)
        short_pages = ShortPages(self.page_rows, had_full_page=bool(point and point.had_full_page))
        while True:
            if at is None:
                info = yield PageRequest(params=self.first_params)
            else:
                info = yield PageRequest(
                    params={**self.next_params, self.param: at},
                    cursor=str(ResumePoint(at, had_full_page=short_pages.had_full_page)),
                    validate_first=_up_to(at, self.field),
                )
            more, is_short = has_more(info, self.has_more), short_pages.is_last(info)
            if info.rows == 0:
                must_be_last(more, f"{self.has_more} is true, but the page has no id to go on from")
            ends = more is False or (more is None and is_short)
            if info.rows == 0 or ends or edge.is_past_start(info):
                return
            smallest = info.ids(self.field)[0]
            if at is not None and info.rows == 1 and smallest == at:
                return  # a source that includes the id has no other one before it
            if at is not None and smallest >= at:
                raise no_progress(f"{self.param}={at} returned no earlier id")
            at = smallest

    def proves_empty(self, *, all_before: bool, newest_first: bool) -> bool:
        """As by time, where the first page is requested for the window."""
        asks = any(_OF_WINDOW.search(text) for _, text in texts(self.first_params))
        return all_before and newest_first and asks


class IdSearch(PagingModel):
    """By ids only, where the source has no time parameter: searches for the window's edge first.

    Steps back from the newest id, doubling the distance, then halves the range until it
    is one page. Forward pages hold ids from ``param`` on, backward pages those before it.
    """

    kind: Literal["id_search"] = Field(
        description="By id only; the edge of the window is searched for first."
    )
    param: str = Field(description="Query parameter for the id.")
    field: str = Field(description="Name of the id in a record.")
    direction: Literal["forward", "backward"] = Field(
        description="Whether pages hold the ids from param on, or those before it."
    )
    search_params: dict[str, ParamValue] = Field(
        default_factory=lambda: dict[str, ParamValue](limit=1),
        description="Query parameters of a probe for one record. Defaults to {limit: 1}.",
    )
    page_rows: int = Field(
        gt=0, description="Maximum records per page; the search stops at a range of this size."
    )

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        start_ns, end_ns = window.start_ns, window.end_ns
        forward, edge = self.direction == "forward", WindowEdge(window, order)
        at: int | None = None
        newest_id: int | None = None
        if cursor is not None:
            point = ResumePoint.parse(cursor, start=0)
            at, newest_id = point.at, point.known
        else:
            newest = yield PageRequest(params=self.search_params, is_probe=True)
            if newest.rows:
                newest_id = newest.ids(self.field)[1]
                at = yield from self._find_edge(start_ns if forward else end_ns, newest)
        while at is not None:
            info = yield PageRequest(
                params={self.param: at},
                cursor=str(ResumePoint(at, newest_id)),
                validate_first=self._validate_first(at),
            )
            if info.rows == 0:
                self._must_be_after_newest(at, newest_id)
                return
            if edge.is_past_end(info) if forward else edge.is_past_start(info):
                return
            lowest, highest = info.ids(self.field)
            next_id = highest + 1 if forward else lowest
            if next_id <= at if forward else next_id >= at:
                raise no_progress(f"{self.param}={at} returned no new id")
            at = next_id

    def proves_empty(self, *, all_before: bool, newest_first: bool) -> bool:
        """The search found the window's edge by the times of its neighbours."""
        del all_before, newest_first
        return True

    def _must_be_after_newest(self, at: int, newest_id: int | None) -> None:
        """Refuse an empty page where the source has said that there is a record."""
        if self.direction == "forward" and newest_id is not None and at <= newest_id:
            raise contradiction(f"its newest id is {newest_id}, but there is none from {at} on")

    def _find_edge(self, at_ns: int, newest: PageInfo) -> Generator[PageRequest, PageInfo, int]:
        """An id one to two pages outside the window's edge *at_ns*."""
        after_newest = earlier = later = newest.ids(self.field)[1] + 1
        if newest.newest_ns >= at_ns:
            earlier, later = yield from self._search(at_ns, later)
        # A record that is slightly out of order may lie on the other side, less than a page away.
        if self.direction == "forward":
            return max(0, earlier - self.page_rows)
        return min(after_newest, later + self.page_rows)

    def _search(self, at_ns: int, later: int) -> Generator[PageRequest, PageInfo, tuple[int, int]]:
        """Two ids, a page apart at most, with *at_ns* between them; none after them is older."""
        earlier, step = later, self.page_rows
        while earlier > 0:
            earlier, step = max(0, later - step), step * 2
            if earlier and (yield from self._time_at(earlier)) < at_ns:
                break
            later = earlier or later
        while later - earlier > self.page_rows:
            middle = (earlier + later) // 2
            if (yield from self._time_at(middle)) < at_ns:
                earlier = middle
            else:
                later = middle
        return earlier, later

    def _time_at(self, id_: int) -> Generator[PageRequest, PageInfo, int]:
        """Event time of the record with the id *id_*, or of its neighbour; 0 without either."""
        at = id_ + (self.direction == "backward")
        params = {**self.search_params, self.param: at}
        info = yield PageRequest(
            params=params, is_probe=True, validate_first=self._validate_first(at)
        )
        return info.newest_ns if info.rows else 0

    def _validate_first(self, at: int) -> ValidateFirst:
        return (_from if self.direction == "forward" else _up_to)(at, self.field)


def _from(at: int, field: str) -> ValidateFirst:
    return lambda first: integer_at(first, field) >= at


def _up_to(at: int, field: str) -> ValidateFirst:
    return lambda first: integer_at(first, field) <= at
