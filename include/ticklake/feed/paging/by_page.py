"""Paging by position: one page, page numbers, offsets."""

from __future__ import annotations

from collections.abc import Generator
from typing import ClassVar, Literal

from pydantic import Field

from include.ticklake.feed.paging.headers import headers_name_more
from include.ticklake.feed.paging.protocol import (
    AfterLastPage,
    Order,
    PageInfo,
    Pager,
    PageRequest,
    PagingModel,
    WindowEdge,
    full_page,
    more_than_a_page,
    no_progress,
)
from include.ticklake.feed.paging.signals import (
    HAS_MORE,
    ResumePoint,
    ShortPages,
    Total,
    contradiction,
    count,
    has_flag,
    has_more,
    no_records,
)
from include.ticklake.model.window import Window

_PAGE_ROWS = (
    "Maximum records per page, if the source fills its pages: a page with fewer, after a full one, "
    "is the last, unless the source says otherwise."
)


class SinglePage(PagingModel):
    """A single request returns everything."""

    kind: Literal["single"] = Field("single", description="One request, without paging.")
    page_rows: int | None = Field(
        None,
        gt=0,
        description="Maximum records per page: a full page is refused, since records may be "
        "missing.",
    )
    has_more: str | None = Field(None, description=f"{HAS_MORE} It is an error here.")
    captured_options: ClassVar[tuple[str, ...]] = ("has_more",)

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        del window, cursor, order
        info = yield PageRequest(params={})
        if has_more(info, self.has_more) or headers_name_more(info):
            raise more_than_a_page(info.rows, "choose a shorter window, or another kind of paging")
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
    has_more: str | None = Field(None, description=HAS_MORE)
    total_pages: str | None = Field(None, description="Name of a captured count of all pages.")
    after_last_page: AfterLastPage = Field(
        "empty",
        description="What the source returns after its last page: an empty page, the last page "
        "again (repeated), or a status 400, 404, 416 or 422 (refused). Defaults to empty.",
    )

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        point = ResumePoint.parse(cursor, start=self.first)
        number = point.at
        edge, short_pages, total = (
            WindowEdge(window, order),
            ShortPages(self.page_rows, had_full_page=point.had_full_page),
            Total(self.total_pages, last=point.known),
        )
        previous, repeated_pages = None, 0
        while True:
            info = yield PageRequest(
                params={self.param: number},
                cursor=str(ResumePoint(number, total.last, short_pages.had_full_page)),
                after_last="empty" if number == self.first else self.after_last_page,
            )
            more = self._more(info, number, total)
            repeats = info.rows and (info.first, info.last) == previous
            if (info.repeats_previous and more) or (repeats and not info.repeats_previous):
                raise no_progress(f"{self.param}={number} repeats the previous page")
            if more is False or edge.is_past(info):
                return
            # Once may be by chance: so many records were added that the next page is the last one.
            repeated_pages = repeated_pages + 1 if info.repeats_previous else 0
            if more is None and repeated_pages == 2:
                return
            is_short = short_pages.is_last(info)
            if more is None and (info.rows == 0 or is_short):
                return
            previous, number = (info.first, info.last), number + 1

    def _more(self, info: PageInfo, number: int, total: Total) -> bool | None:
        """Whether the source says that there are more pages; None where it says nothing."""
        more, pages = has_more(info, self.has_more), total.read(info)
        if pages is None:
            return more
        by_total = number - self.first + 1 < pages
        if by_total and not info.rows and self.total_pages not in info.captured:
            raise contradiction(f"there are {pages} pages, but none at {self.param}={number}")
        if info.rows and number - self.first + 1 > pages:
            raise contradiction(f"there are {pages} pages, but records at {self.param}={number}")
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
    has_more: str | None = Field(None, description=HAS_MORE)
    page_rows: int | None = Field(None, gt=0, description=_PAGE_ROWS)

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        point = ResumePoint.parse(cursor, start=0)
        offset = point.at
        edge, short_pages, total = (
            WindowEdge(window, order),
            ShortPages(self.page_rows, had_full_page=point.had_full_page),
            Total(self.total, last=point.known),
        )
        previous = None
        while True:
            info = yield PageRequest(
                params={self.param: offset},
                cursor=str(ResumePoint(offset, total.last, short_pages.had_full_page)),
            )
            # A source may count records that it does not show: a page without any is skipped.
            step = info.rows or self.page_rows or 0
            more = self._more(info, offset, step, total)
            if info.rows and (info.first, info.last) == previous:
                raise no_progress(f"{self.param}={offset} repeats the previous page")
            is_short = short_pages.is_last(info)
            if more is False and offset == 0 and not is_short and not has_flag(info, self.has_more):
                yield from self._check_total(info)
            if more is False or edge.is_past(info):
                return
            if more is None and (info.rows == 0 or is_short):
                return
            if not step:
                raise contradiction(
                    f"there are more records, but none at {self.param}={offset}; or set page_rows"
                )
            previous, offset = (info.first, info.last), offset + step

    def _check_total(self, page: PageInfo) -> Generator[PageRequest, PageInfo]:
        """Refuse a total that is reached by the first page, if there is another one.

        It may be the number of records in each page.
        """
        following = yield PageRequest(
            params={self.param: page.rows}, is_probe=True, after_last="refused"
        )
        has_grown = (count(following, self.total) or 0) > page.rows
        if following.rows and following.first != page.first and not has_grown:
            raise contradiction(
                f"{self.total} is {page.rows}, but there are records at {self.param}={page.rows}"
            )

    def _more(self, info: PageInfo, offset: int, step: int, captured: Total) -> bool | None:
        """Whether the source says that there are more records; None where it says nothing."""
        more, total = has_more(info, self.has_more), captured.read(info)
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
