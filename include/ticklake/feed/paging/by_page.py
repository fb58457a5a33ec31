"""Paging by position: one page, page numbers, offsets."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from include.ticklake.feed.paging.protocol import (
    AfterLastPage,
    Order,
    PageInfo,
    Pager,
    PageRequest,
    PagingModel,
    WindowEdge,
    contradiction,
    count,
    full_page,
    has_more,
    no_progress,
    no_records,
)
from include.ticklake.model.window import Window

_PAGE_ROWS = (
    "Maximum records per page, if the source fills its pages: a page with fewer is then the last "
    "one, unless the source says otherwise."
)
_HAS_MORE = "Name of a captured flag that is true while there are more pages."


class SinglePage(PagingModel):
    """A single request returns everything."""

    kind: Literal["single"] = Field("single", description="One request, without paging.")
    page_rows: int | None = Field(
        None,
        gt=0,
        description="Maximum records per page: a full page is refused, since records may be "
        "missing.",
    )

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        del window, cursor, order
        info = yield PageRequest(params={})
        if self.page_rows and info.rows >= self.page_rows:
            raise full_page(info.rows, "choose a shorter window, or another kind of paging")


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

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        del window, cursor, order
        yield PageRequest(params={})

    def proves_empty(self, *, all_before: bool, newest_first: bool) -> bool:
        """Where the newest records are older than the window, it has none."""
        del newest_first
        return all_before


class PageNumber(PagingModel):
    """Pages 1, 2, 3, ... until the source says that there are no more, or one is empty."""

    kind: Literal["page"] = Field(description="Page numbers: 1, 2, 3, ...")
    may_overlap: ClassVar[bool] = True
    captured_options: ClassVar[tuple[str, ...]] = ("has_more", "total_pages")
    param: str = Field("page", description="Query parameter for the page number.")
    first: int = Field(1, ge=0, description="Number of the first page. Defaults to 1.")
    page_rows: int | None = Field(None, gt=0, description=_PAGE_ROWS)
    has_more: str | None = Field(None, description=_HAS_MORE)
    total_pages: str | None = Field(None, description="Name of a captured count of all pages.")
    after_last_page: AfterLastPage = Field(
        "empty",
        description="What the source returns after its last page: an empty page, the last page "
        "again (repeated), or a status 400, 404, 416 or 422 (refused). Defaults to empty.",
    )

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        number = int(cursor) if cursor is not None else self.first
        edge, previous, repeated_pages = WindowEdge(window, order), None, 0
        while True:
            info = yield PageRequest(
                params={self.param: str(number)},
                cursor=str(number),
                after_last="empty" if number == self.first else self.after_last_page,
            )
            more = self._more(info, number)
            repeats = info.rows and (info.first, info.last) == previous
            if (info.repeats_previous and more) or (repeats and not info.repeats_previous):
                raise no_progress(f"{self.param}={number} repeats the previous page")
            if more is False or edge.is_past(info):
                return
            # Once may be by chance: so many records were added that the next page is the last one.
            repeated_pages = repeated_pages + 1 if info.repeats_previous else 0
            if more is None and repeated_pages == 2:
                return
            if more is None and (info.rows == 0 or is_short(info, self.page_rows)):
                return
            previous, number = (info.first, info.last), number + 1

    def _more(self, info: PageInfo, number: int) -> bool | None:
        """Whether the source says that there are more pages; None where it says nothing."""
        more, pages = has_more(info, self.has_more), count(info, self.total_pages)
        if pages is None:
            return more
        by_total = number - self.first + 1 < pages
        if more not in (None, by_total):
            raise contradiction(
                f"{self.has_more} is {more}, but {number} of {pages} pages are read"
            )
        if more is None and not by_total and info.rows == 0 and number > self.first:
            raise no_records(f"{self.total_pages} is {pages}", f"page {number}", "total_pages")
        return by_total


class Offset(PagingModel):
    """Offsets 0, 100, 200, ... until the source says that there are no more, or a page is empty."""

    kind: Literal["offset"] = Field(description="The number of records to skip: 0, 100, 200, ...")
    may_overlap: ClassVar[bool] = True
    captured_options: ClassVar[tuple[str, ...]] = ("total", "has_more")
    param: str = Field("offset", description="Query parameter for the number of records to skip.")
    total: str | None = Field(None, description="Name of a captured count of all records.")
    has_more: str | None = Field(None, description=_HAS_MORE)
    page_rows: int | None = Field(None, gt=0, description=_PAGE_ROWS)

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        offset = int(cursor or 0)
        edge, previous = WindowEdge(window, order), None
        while True:
            info = yield PageRequest(params={self.param: str(offset)}, cursor=str(offset))
            # A source may count records that it does not show: a page without any is skipped.
            step = info.rows or self.page_rows or 0
            more = self._more(info, offset, step)
            if info.rows and (info.first, info.last) == previous:
                raise no_progress(f"{self.param}={offset} repeats the previous page")
            if more is False or edge.is_past(info):
                return
            if more is None and (info.rows == 0 or is_short(info, self.page_rows)):
                return
            if not step:
                raise contradiction(
                    f"there are more records, but none at {self.param}={offset}; or set page_rows"
                )
            previous, offset = (info.first, info.last), offset + step

    def _more(self, info: PageInfo, offset: int, step: int) -> bool | None:
        """Whether the source says that there are more records; None where it says nothing."""
        more, total = has_more(info, self.has_more), count(info, self.total)
        if total is None:
            return more
        if offset + info.rows > total:
            raise contradiction(f"{self.total} is {total}, but {offset + info.rows} records came")
        by_total = offset + step < total
        if more is None and not by_total and info.rows == 0 and offset < total:
            raise no_records(f"{self.total} is {total}", f"{self.param}={offset}", "total")
        if more is True and not by_total:
            raise contradiction(f"{self.has_more} is true, but all of {total} records are read")
        if more is False and offset + max(step, self.page_rows or 0) < total:
            raise contradiction(f"{self.has_more} is false, but there are {total} records")
        return by_total if more is None else more


def is_short(info: PageInfo, page_rows: int | None) -> bool:
    """Whether the page is not full, by a feed that says how many records a full page has."""
    return page_rows is not None and info.rows < page_rows
