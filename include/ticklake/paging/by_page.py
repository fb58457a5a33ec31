"""Paging by counting: one page, page numbers, offsets."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field as Described

from include.ticklake.errors import PageBroken
from include.ticklake.fields import Strict
from include.ticklake.paging.conversation import Ask, Pager, Seen, has_more, left_window, stuck
from include.ticklake.windows import Window


class SinglePage(Strict):
    """One request holds everything."""

    kind: Literal["single"] = "single"
    may_overlap: ClassVar[bool] = False

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:  # noqa: ARG002
        yield Ask(params={})


class Recent(Strict):
    """One request for the newest records of a source without history.

    What such a source no longer has is lost; ``extract`` says so in the manifest.
    """

    kind: Literal["recent"]
    may_overlap: ClassVar[bool] = False
    page_rows: int = Described(gt=0, description="the page cap: a full page may lack older ones")

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:  # noqa: ARG002
        yield Ask(params={})


class PageNumber(Strict):
    """Pages 1, 2, 3, ... until one is empty, or short where the page cap is known."""

    kind: Literal["page"]
    may_overlap: ClassVar[bool] = True
    param: str = Described("page", description="parameter for the number of the page")
    first: int = Described(1, ge=0, description="number of the first page")
    page_rows: int | None = Described(
        None, gt=0, description="the page cap; a page with fewer rows is then the last one"
    )
    has_more: str | None = Described(
        None, description="name of a captured flag that is true while there are more pages"
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        number = int(cursor) if cursor is not None else self.first
        before: object = None
        while True:
            seen = yield Ask(params={self.param: str(number)}, cursor=str(number))
            if seen.rows == 0 or (self.page_rows and seen.rows < self.page_rows):
                return
            if self.has_more and not has_more(seen, self.has_more):
                return
            if left_window(seen, window):
                return
            if (seen.first, seen.last) == before:
                raise stuck(f"{self.param}={number} holds the page before it once more")
            before, number = (seen.first, seen.last), number + 1


class Offset(Strict):
    """Rows 0, 100, 200, ... until a page is empty or the captured total is reached."""

    kind: Literal["offset"]
    may_overlap: ClassVar[bool] = True
    param: str = Described("offset", description="parameter for the number of rows to skip")
    total: str | None = Described(None, description="name of a captured count of all rows")
    has_more: str | None = Described(
        None, description="name of a captured flag that is true while there are more pages"
    )
    page_rows: int | None = Described(
        None, gt=0, description="the page cap; a page with fewer rows is then the last one"
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        offset = int(cursor or 0)
        before: object = None
        while True:
            seen = yield Ask(params={self.param: str(offset)}, cursor=str(offset))
            if seen.rows == 0 or (self.page_rows and seen.rows < self.page_rows):
                return
            if self.has_more and not has_more(seen, self.has_more):
                return
            if left_window(seen, window):
                return
            if (seen.first, seen.last) == before:
                raise stuck(f"{self.param}={offset} holds the page before it once more")
            before, offset = (seen.first, seen.last), offset + seen.rows
            if self.total and offset >= _total(seen, self.total):
                return


def _total(seen: Seen, name: str) -> float:
    """The captured count of all rows; without one there may be more for ever."""
    value = seen.captured.get(name)
    try:
        return math.inf if value is None else int(str(value))
    except ValueError:
        raise PageBroken(f"{name!r} is no whole number; check capture.{name}") from None
