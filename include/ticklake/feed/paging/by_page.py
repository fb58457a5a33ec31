"""Paging by position: one page, page numbers, offsets."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.paging.protocol import (
    PageInfo,
    Pager,
    PageRequest,
    PagingModel,
    has_more,
    is_past_window,
    no_progress,
)
from include.ticklake.model.window import Window


class SinglePage(PagingModel):
    """A single request returns everything."""

    kind: Literal["single"] = Field("single", description="One request, without paging.")

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:  # noqa: ARG002
        yield PageRequest(params={})


class NewestOnly(PagingModel):
    """One request for the newest records of a source without history.

    Records that the source no longer returns are lost; the manifest says so.
    """

    kind: Literal["newest_only"] = Field(
        description="One request for the newest records of a source without history."
    )
    has_history: ClassVar[bool] = False
    page_rows: int = Field(
        gt=0, description="Maximum records per page; a full page may lack older records."
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:  # noqa: ARG002
        yield PageRequest(params={})


class PageNumber(PagingModel):
    """Pages 1, 2, 3, ... until one is empty, or has fewer than ``page_rows`` records."""

    kind: Literal["page"] = Field(description="Page numbers: 1, 2, 3, ...")
    may_overlap: ClassVar[bool] = True
    captured_options: ClassVar[tuple[str, ...]] = ("has_more",)
    param: str = Field("page", description="Query parameter for the page number.")
    first: int = Field(1, ge=0, description="Number of the first page. Defaults to 1.")
    page_rows: int | None = Field(
        None,
        gt=0,
        description="Maximum records per page; a page with fewer is then taken for the last one.",
    )
    has_more: str | None = Field(
        None, description="Name of a captured flag that is true while there are more pages."
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        number = int(cursor) if cursor is not None else self.first
        previous: object = None
        while True:
            info = yield PageRequest(params={self.param: str(number)}, cursor=str(number))
            if info.rows == 0 or (self.page_rows and info.rows < self.page_rows):
                return
            if self.has_more and not has_more(info, self.has_more):
                return
            if is_past_window(info, window):
                return
            if (info.first, info.last) == previous:
                raise no_progress(f"{self.param}={number} repeats the previous page")
            previous, number = (info.first, info.last), number + 1


class Offset(PagingModel):
    """Offsets 0, 100, 200, ... until a page is empty or the captured total is reached."""

    kind: Literal["offset"] = Field(description="The number of records to skip: 0, 100, 200, ...")
    may_overlap: ClassVar[bool] = True
    captured_options: ClassVar[tuple[str, ...]] = ("total", "has_more")
    param: str = Field("offset", description="Query parameter for the number of records to skip.")
    total: str | None = Field(None, description="Name of a captured count of all records.")
    has_more: str | None = Field(
        None, description="Name of a captured flag that is true while there are more pages."
    )
    page_rows: int | None = Field(
        None,
        gt=0,
        description="Maximum records per page; a page with fewer is then taken for the last one.",
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        offset = int(cursor or 0)
        previous: object = None
        while True:
            info = yield PageRequest(params={self.param: str(offset)}, cursor=str(offset))
            if info.rows == 0 or (self.page_rows and info.rows < self.page_rows):
                return
            if self.has_more and not has_more(info, self.has_more):
                return
            if is_past_window(info, window):
                return
            if (info.first, info.last) == previous:
                raise no_progress(f"{self.param}={offset} repeats the previous page")
            previous, offset = (info.first, info.last), offset + info.rows
            if self.total and offset >= _total(info, self.total):
                return


def _total(info: PageInfo, name: str) -> float:
    """The captured count of all records; infinite where it is missing."""
    value = info.captured.get(name)
    try:
        return math.inf if value is None else int(str(value))
    except ValueError:
        raise MalformedPageError(
            f"{name!r} is not an integer; check source.capture.{name}"
        ) from None
