"""Paging by counting: one page, page numbers, offsets."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.paging.protocol import (
    PageInfo,
    Pager,
    PageRequest,
    has_more,
    is_past_window,
    no_progress,
)
from include.ticklake.model.strict import StrictModel
from include.ticklake.model.window import Window


class SinglePage(StrictModel):
    """One request holds everything."""

    kind: Literal["single"] = "single"
    may_overlap: ClassVar[bool] = False

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:  # noqa: ARG002
        yield PageRequest(params={})


class NewestOnly(StrictModel):
    """One request for the newest records of a source without history.

    What such a source no longer has is lost; ``extract`` says so in the manifest.
    """

    kind: Literal["recent"]
    may_overlap: ClassVar[bool] = False
    page_rows: int = Field(gt=0, description="the page cap: a full page may lack older ones")

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:  # noqa: ARG002
        yield PageRequest(params={})


class PageNumber(StrictModel):
    """Pages 1, 2, 3, ... until one is empty, or short where the page cap is known."""

    kind: Literal["page"]
    may_overlap: ClassVar[bool] = True
    param: str = Field("page", description="parameter for the number of the page")
    first: int = Field(1, ge=0, description="number of the first page")
    page_rows: int | None = Field(
        None, gt=0, description="the page cap; a page with fewer rows is then the last one"
    )
    has_more: str | None = Field(
        None, description="name of a captured flag that is true while there are more pages"
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        number = int(cursor) if cursor is not None else self.first
        before: object = None
        while True:
            seen = yield PageRequest(params={self.param: str(number)}, cursor=str(number))
            if seen.rows == 0 or (self.page_rows and seen.rows < self.page_rows):
                return
            if self.has_more and not has_more(seen, self.has_more):
                return
            if is_past_window(seen, window):
                return
            if (seen.first, seen.last) == before:
                raise no_progress(f"{self.param}={number} holds the page before it once more")
            before, number = (seen.first, seen.last), number + 1


class Offset(StrictModel):
    """Rows 0, 100, 200, ... until a page is empty or the captured total is reached."""

    kind: Literal["offset"]
    may_overlap: ClassVar[bool] = True
    param: str = Field("offset", description="parameter for the number of rows to skip")
    total: str | None = Field(None, description="name of a captured count of all rows")
    has_more: str | None = Field(
        None, description="name of a captured flag that is true while there are more pages"
    )
    page_rows: int | None = Field(
        None, gt=0, description="the page cap; a page with fewer rows is then the last one"
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        offset = int(cursor or 0)
        before: object = None
        while True:
            seen = yield PageRequest(params={self.param: str(offset)}, cursor=str(offset))
            if seen.rows == 0 or (self.page_rows and seen.rows < self.page_rows):
                return
            if self.has_more and not has_more(seen, self.has_more):
                return
            if is_past_window(seen, window):
                return
            if (seen.first, seen.last) == before:
                raise no_progress(f"{self.param}={offset} holds the page before it once more")
            before, offset = (seen.first, seen.last), offset + seen.rows
            if self.total and offset >= _total(seen, self.total):
                return


def _total(seen: PageInfo, name: str) -> float:
    """The captured count of all rows; without one there may be more for ever."""
    value = seen.captured.get(name)
    try:
        return math.inf if value is None else int(str(value))
    except ValueError:
        raise MalformedPageError(f"{name!r} is no whole number; check capture.{name}") from None
