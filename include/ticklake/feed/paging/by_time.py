"""Paging by event time: records that share an instant at a page's edge are requested again.

The next page starts at the last instant of the one before, inclusive: other records may share
it. What comes twice is dropped where records are filtered.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from include.ticklake.feed.paging.headers import headers_name_more
from include.ticklake.feed.paging.protocol import (
    Edge,
    Order,
    PageInfo,
    Pager,
    PageRequest,
    PagingModel,
    full_page,
    more_than_a_page,
    no_progress,
    one_instant,
)
from include.ticklake.feed.paging.signals import (
    HAS_MORE,
    ResumePoint,
    ShortPages,
    has_more,
    must_be_last,
)
from include.ticklake.model.durations import Duration
from include.ticklake.model.times import UNIT_NS
from include.ticklake.model.window import Window

TimeParamUnit = Literal["s", "ms", "us", "ns"]

_UNIT = "Unit of the time parameters, since 1970. Defaults to ms."
_END = "Whether the source's range includes end_param. Defaults to inclusive."
_PAGE_ROWS = (
    "Maximum records per page, if the source fills its pages: a page with fewer, after a full one, "
    "is the last."
)


class TimeForward(PagingModel):
    """Forward from the window's start: each page starts at the newest instant of the one before."""

    kind: Literal["time_forward"] = Field(description="Forward from the start of the window.")
    start_param: str = Field(description="Query parameter for the start of the range.")
    end_param: str | None = Field(None, description="Query parameter for the end of the range.")
    unit: TimeParamUnit = Field("ms", description=_UNIT)
    end: Literal["inclusive", "exclusive"] = Field("inclusive", description=_END)
    page_rows: int | None = Field(None, gt=0, description=_PAGE_ROWS)
    captured_options: ClassVar[tuple[str, ...]] = ("has_more",)
    has_more: str | None = Field(None, description=HAS_MORE)

    edge_again: ClassVar[Edge] = "newest"

    @property
    def shared_instant_ns(self) -> int:
        """An instant is as long as the unit of the parameters."""
        return UNIT_NS[self.unit]

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        del order  # a source that is asked by time answers by time
        start, end = _bounds(window, self.unit)
        point = ResumePoint.parse(cursor, start=start)
        last = end - 1 if self.end == "inclusive" else end
        at, largest_rows = point.at, point.known or 0
        short_pages = ShortPages(self.page_rows, had_full_page=point.had_full_page)
        while at < end:
            params = {self.start_param: at}
            if self.end_param:
                params[self.end_param] = last
            point = ResumePoint(at, largest_rows or None, short_pages.had_full_page)
            info = yield PageRequest(params=params, cursor=str(point))
            if info.rows and at > start and info.oldest_ns // UNIT_NS[self.unit] < at:
                raise no_progress(f"{self.start_param}={at} returned earlier records")
            if _is_last(info, short_pages, self.has_more):
                return
            newest = info.newest_ns // UNIT_NS[self.unit]
            if newest < at == start:
                return  # nothing of the window: the caller knows whether that may be
            if newest <= at and _is_all_of_instant(info, at, largest_rows, self):
                return
            at = newest if newest > at else at + 1
            largest_rows = max(largest_rows, _rows_of_several_instants(info, self.unit))


class TimeBackward(PagingModel):
    """Backward from the window's end: each page ends at the oldest instant of the one before."""

    kind: Literal["time_backward"] = Field(description="Backward from the end of the window.")
    end_param: str = Field(description="Query parameter for the end of the range.")
    start_param: str | None = Field(None, description="Query parameter for the start of the range.")
    unit: TimeParamUnit = Field("ms", description=_UNIT)
    end: Literal["inclusive", "exclusive"] = Field("inclusive", description=_END)
    page_rows: int | None = Field(None, gt=0, description=_PAGE_ROWS)
    captured_options: ClassVar[tuple[str, ...]] = ("has_more",)
    has_more: str | None = Field(None, description=HAS_MORE)

    edge_again: ClassVar[Edge] = "oldest"

    @property
    def shared_instant_ns(self) -> int:
        """An instant is as long as the unit of the parameters."""
        return UNIT_NS[self.unit]

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        del order
        start, end = _bounds(window, self.unit)
        point = ResumePoint.parse(cursor, start=end - 1)
        at, largest_rows = point.at, point.known or 0
        short_pages = ShortPages(self.page_rows, had_full_page=point.had_full_page)
        while at >= start:
            params = {self.end_param: at if self.end == "inclusive" else at + 1}
            if self.start_param:
                params[self.start_param] = start
            point = ResumePoint(at, largest_rows or None, short_pages.had_full_page)
            info = yield PageRequest(params=params, cursor=str(point))
            if info.rows and at < end - 1 and info.newest_ns // UNIT_NS[self.unit] > at:
                raise no_progress(
                    f"{self.end_param}={params[self.end_param]} returned later records"
                )
            if _is_last(info, short_pages, self.has_more):
                return
            oldest = info.oldest_ns // UNIT_NS[self.unit]
            if oldest > at == end - 1:
                return  # nothing of the window: the caller knows whether that may be
            if oldest >= at and _is_all_of_instant(info, at, largest_rows, self):
                return
            at = oldest if oldest < at else at - 1
            largest_rows = max(largest_rows, _rows_of_several_instants(info, self.unit))

    def proves_empty(self, *, all_before: bool, newest_first: bool) -> bool:
        """A page that begins with the newest record before the end shows that none is later."""
        return all_before and newest_first


class TimeSteps(PagingModel):
    """Ranges of a fixed length, for sources that refuse longer ones."""

    kind: Literal["time_steps"] = Field(description="Ranges of a fixed length.")
    may_overlap: ClassVar[bool] = True
    start_param: str = Field(description="Query parameter for the start of the range.")
    end_param: str = Field(description="Query parameter for the end of the range.")
    unit: TimeParamUnit = Field("ms", description=_UNIT)
    end: Literal["inclusive", "exclusive"] = Field("inclusive", description=_END)
    step: Duration = Field(description="Longest range of one request: 5h.")
    page_rows: int | None = Field(
        None,
        gt=0,
        description="Maximum records per page: a full page is refused, since records may be "
        "missing.",
    )
    captured_options: ClassVar[tuple[str, ...]] = ("has_more",)
    has_more: str | None = Field(None, description=f"{HAS_MORE} It is an error here.")

    @property
    def shared_instant_ns(self) -> int:
        """An instant is as long as the unit of the parameters."""
        return UNIT_NS[self.unit]

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        del order
        start, end = _bounds(window, self.unit)
        step = int(self.step.total_seconds()) * 10**9 // UNIT_NS[self.unit]
        for at in range(int(cursor) if cursor is not None else start, end, step):
            until = min(at + step, end) - (self.end == "inclusive")
            params = {self.start_param: at, self.end_param: until}
            info = yield PageRequest(params=params, cursor=str(at))
            if has_more(info, self.has_more) or headers_name_more(info):
                raise more_than_a_page(info.rows, "choose a shorter source.paging.step")
            if self.page_rows and info.rows >= self.page_rows:
                raise full_page(info.rows, "choose a shorter source.paging.step")


def _is_last(info: PageInfo, short_pages: ShortPages, flag: str | None) -> bool:
    """Whether the source says that there are no more pages, or a short page does."""
    more, is_short = has_more(info, flag), short_pages.is_last(info)
    if info.rows == 0:
        must_be_last(more, f"{flag} is true, but the page has no time to go on from")
    return info.rows == 0 or more is False or (more is None and is_short)


def _is_all_of_instant(
    info: PageInfo, at: int, largest_rows: int, paging: TimeForward | TimeBackward
) -> bool:
    """Whether a page of the one instant *at* is the end; refused where records may be missing.

    It is the end where an earlier page, of several instants, was larger, since this one is not
    full. One as large as that may be full. A page of one record, or with fewer than ``page_rows``,
    is taken for complete, and the next instant follows.
    """
    edges_ns = {info.oldest_ns, info.newest_ns}
    if any(edge_ns // UNIT_NS[paging.unit] != at for edge_ns in edges_ns):
        raise one_instant(f"at {at} {paging.unit} the source returned other times than requested")
    full_rows = largest_rows or paging.page_rows or 2
    if info.rows >= full_rows or has_more(info, paging.has_more):
        raise one_instant(f"all {info.rows} records of a page have the time {at} {paging.unit}")
    return info.rows < largest_rows


def _rows_of_several_instants(info: PageInfo, unit: TimeParamUnit) -> int:
    """The page's records; 0 if all of them share an instant."""
    oldest, newest = (edge_ns // UNIT_NS[unit] for edge_ns in (info.oldest_ns, info.newest_ns))
    return info.rows if oldest != newest else 0


def _bounds(window: Window, unit: TimeParamUnit) -> tuple[int, int]:
    return (
        window.start_ns // UNIT_NS[unit],
        window.end_ns // UNIT_NS[unit],
    )
