"""Paging by ids, which loses no record where several share an instant."""

from __future__ import annotations

import re
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
                    validate_first=from_id(at + (self.start == "exclusive"), self.field),
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
                    validate_first=up_to_id(at, self.field),
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


def from_id(at: int, field: str) -> ValidateFirst:
    """A page starts with *at* or a later id."""
    return lambda first: integer_at(first, field) >= at


def up_to_id(at: int, field: str) -> ValidateFirst:
    """A page starts with *at* or an earlier id."""
    return lambda first: integer_at(first, field) <= at
