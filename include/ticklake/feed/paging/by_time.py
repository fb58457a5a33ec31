"""Paging by event time: records that share an instant at a page's edge are requested again.

The next page starts at the last instant of the one before, inclusive: other records may share
it. What comes twice is dropped where records are filtered.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

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
from include.ticklake.feed.paging.time_params import (
    TimeParamFormat,
    TimeParams,
    TimeParamUnit,
    check_format_zone,
)
from include.ticklake.model.durations import Duration
from include.ticklake.model.strict import FieldError
from include.ticklake.model.time_zones import ZoneName
from include.ticklake.model.window import Window

_UNIT = (
    "Unit of the time parameters, since 1970: s, ms, us, ns, min, float_s (seconds with a "
    "fraction), or iso (2026-11-22T05:00:00.000Z). Defaults to ms."
)
_FORMAT = (
    "Format of the time parameters instead of unit: '%Y-%m-%d %H:%M:%S'. It is as fine as its last "
    "word."
)
_END = "Whether the source's range includes end_param. Defaults to inclusive."
_PAGE_ROWS = (
    "Maximum records per page, if the source fills its pages: a page with fewer, after a full one, "
    "is the last."
)


class _ByTime(PagingModel):
    """What all of them say of their times."""

    kind: str
    unit: TimeParamUnit = Field("ms", description=_UNIT)
    format: TimeParamFormat | None = Field(None, description=_FORMAT)
    timezone: ZoneName | None = Field(
        None, description="Time zone of times in a format: Asia/Seoul. Defaults to UTC."
    )

    @model_validator(mode="after")
    def _times_have_one_form(self) -> Self:
        if self.format and "unit" in self.model_fields_set:
            raise FieldError(
                "a format says how times are written; remove it, or unit", path=("format",)
            )
        try:
            check_format_zone(self.format, self.timezone) if self.timezone else None
        except ValueError as error:
            raise FieldError(str(error), path=("timezone",)) from None
        return self

    @property
    def times(self) -> TimeParams:
        """How the times are written."""
        return TimeParams(self.unit, self.format, self.timezone)

    @property
    def shared_instant_ns(self) -> int:
        """An instant is as long as the parameters can tell."""
        return self.times.instant_ns


class TimeForward(_ByTime):
    """Forward from the window's start: each page starts at the newest instant of the one before."""

    kind: Literal["time_forward"] = Field(description="Forward from the start of the window.")
    start_param: str = Field(description="Query parameter for the start of the range.")
    end_param: str | None = Field(None, description="Query parameter for the end of the range.")
    end: Literal["inclusive", "exclusive"] = Field("inclusive", description=_END)
    page_rows: int | None = Field(None, gt=0, description=_PAGE_ROWS)
    captured_options: ClassVar[tuple[str, ...]] = ("has_more",)
    has_more: str | None = Field(None, description=HAS_MORE)

    edge_again: ClassVar[Edge] = "newest"

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        del order  # a source that is asked by time answers by time
        times = self.times
        start, end = times.bounds(window)
        point = ResumePoint.parse(cursor, start=start)
        at, largest_rows = point.at, point.known or 0
        short_pages = ShortPages(self.page_rows, had_full_page=point.had_full_page)
        while at < end:
            params = {self.start_param: times.start(at)}
            if self.end_param:
                params[self.end_param] = times.end(end - 1, is_inclusive=self.end == "inclusive")
            point = ResumePoint(at, largest_rows or None, short_pages.had_full_page)
            info = yield PageRequest(params=params, cursor=str(point))
            if info.rows and at > start and times.of(info.oldest_ns) < at:
                raise no_progress(
                    f"{self.start_param}={params[self.start_param]} returned earlier records"
                )
            if _is_last(info, short_pages, self.has_more):
                return
            newest = times.of(info.newest_ns)
            if newest < at == start:
                return  # nothing of the window: the caller knows whether that may be
            if newest <= at and _is_all_of_instant(info, at, largest_rows, self):
                return
            at = newest if newest > at else at + 1
            largest_rows = max(largest_rows, _rows_of_several_instants(info, times))


class TimeBackward(_ByTime):
    """Backward from the window's end: each page ends at the oldest instant of the one before."""

    kind: Literal["time_backward"] = Field(description="Backward from the end of the window.")
    end_param: str = Field(description="Query parameter for the end of the range.")
    start_param: str | None = Field(None, description="Query parameter for the start of the range.")
    end: Literal["inclusive", "exclusive"] = Field("inclusive", description=_END)
    page_rows: int | None = Field(None, gt=0, description=_PAGE_ROWS)
    captured_options: ClassVar[tuple[str, ...]] = ("has_more",)
    has_more: str | None = Field(None, description=HAS_MORE)

    edge_again: ClassVar[Edge] = "oldest"

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        del order
        times = self.times
        start, end = times.bounds(window)
        point = ResumePoint.parse(cursor, start=end - 1)
        at, largest_rows = point.at, point.known or 0
        short_pages = ShortPages(self.page_rows, had_full_page=point.had_full_page)
        while at >= start:
            params = {self.end_param: times.end(at, is_inclusive=self.end == "inclusive")}
            if self.start_param:
                params[self.start_param] = times.start(start)
            point = ResumePoint(at, largest_rows or None, short_pages.had_full_page)
            info = yield PageRequest(params=params, cursor=str(point))
            if info.rows and at < end - 1 and times.of(info.newest_ns) > at:
                raise no_progress(
                    f"{self.end_param}={params[self.end_param]} returned later records"
                )
            if _is_last(info, short_pages, self.has_more):
                return
            oldest = times.of(info.oldest_ns)
            if oldest > at == end - 1:
                return  # nothing of the window: the caller knows whether that may be
            if oldest >= at and _is_all_of_instant(info, at, largest_rows, self):
                return
            at = oldest if oldest < at else at - 1
            largest_rows = max(largest_rows, _rows_of_several_instants(info, times))

    def proves_empty(self, *, all_before: bool, newest_first: bool) -> bool:
        """A page that begins with the newest record before the end shows that none is later."""
        return all_before and newest_first


class TimeSteps(_ByTime):
    """Ranges of a fixed length, for sources that refuse longer ones."""

    kind: Literal["time_steps"] = Field(description="Ranges of a fixed length.")
    may_overlap: ClassVar[bool] = True
    start_param: str = Field(description="Query parameter for the start of the range.")
    end_param: str = Field(description="Query parameter for the end of the range.")
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

    @model_validator(mode="after")
    def _a_step_has_an_instant(self) -> TimeSteps:
        if self.step < timedelta(microseconds=self.times.instant_ns // 1_000):
            raise FieldError(
                "is shorter than what the time parameters can tell apart; choose a longer one",
                path=("step",),
            )
        return self

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        del order
        times = self.times
        start, end = times.bounds(window)
        step = int(self.step.total_seconds()) * 10**9 // times.instant_ns
        for at in range(int(cursor) if cursor is not None else start, end, step):
            last = min(at + step, end) - 1
            params = {
                self.start_param: times.start(at),
                self.end_param: times.end(last, is_inclusive=self.end == "inclusive"),
            }
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
    shown = paging.times.show(at)
    if any(paging.times.of(edge_ns) != at for edge_ns in edges_ns):
        raise one_instant(f"at {shown} the source returned other times than requested")
    full_rows = largest_rows or paging.page_rows or 2
    if info.rows >= full_rows or has_more(info, paging.has_more):
        raise one_instant(f"all {info.rows} records of a page have the time {shown}")
    return info.rows < largest_rows


def _rows_of_several_instants(info: PageInfo, times: TimeParams) -> int:
    """The page's records; 0 if all of them share an instant."""
    return info.rows if times.of(info.oldest_ns) != times.of(info.newest_ns) else 0
