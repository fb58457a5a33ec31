"""Paging by event time: for records whose time is unique in a slice, such as candles."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from include.ticklake.feed.paging.protocol import Pager, PageRequest, no_progress
from include.ticklake.model.durations import Duration
from include.ticklake.model.strict import StrictModel
from include.ticklake.model.times import UNIT_NS
from include.ticklake.model.window import Window

TimeParamUnit = Literal["s", "ms", "us", "ns"]


class TimeForward(StrictModel):
    """From the window's start on: each page begins behind the newest record of the last."""

    kind: Literal["time_forward"]
    may_overlap: ClassVar[bool] = False
    start_param: str = Field(description="parameter for the first instant wanted")
    end_param: str | None = Field(None, description="parameter for the last instant wanted")
    unit: TimeParamUnit = "ms"
    end: Literal["inclusive", "exclusive"] = Field(
        "inclusive", description="whether the source takes end_param as part of the range"
    )
    page_rows: int | None = Field(
        None, gt=0, description="the page cap; a page with fewer rows is then the last one"
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        start, end = _bounds(window, self.unit)
        at = int(cursor) if cursor is not None else start
        last_wanted = end - 1 if self.end == "inclusive" else end
        while at < end:
            params = {self.start_param: str(at)}
            if self.end_param:
                params[self.end_param] = str(last_wanted)
            seen = yield PageRequest(params=params, cursor=str(at))
            if seen.rows == 0 or (self.page_rows and seen.rows < self.page_rows):
                return
            following = seen.newest_ns // UNIT_NS[self.unit] + 1
            if following <= at:
                raise no_progress(f"{self.start_param}={at} gave nothing later")
            at = following


class TimeBackward(StrictModel):
    """From the window's end back: each page ends before the oldest record of the last."""

    kind: Literal["time_backward"]
    may_overlap: ClassVar[bool] = False
    end_param: str = Field(description="parameter for the last instant wanted")
    start_param: str | None = Field(None, description="parameter for the first instant wanted")
    unit: TimeParamUnit = "ms"
    end: Literal["inclusive", "exclusive"] = Field(
        "inclusive", description="whether the source takes end_param as part of the range"
    )
    page_rows: int | None = Field(
        None, gt=0, description="the page cap; a page with fewer rows is then the last one"
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        start, end = _bounds(window, self.unit)
        before = int(cursor) if cursor is not None else end
        while before > start:
            wanted = before - 1 if self.end == "inclusive" else before
            params = {self.end_param: str(wanted)}
            if self.start_param:
                params[self.start_param] = str(start)
            seen = yield PageRequest(params=params, cursor=str(before))
            if seen.rows == 0 or (self.page_rows and seen.rows < self.page_rows):
                return
            oldest = seen.oldest_ns // UNIT_NS[self.unit]
            if oldest >= before:
                raise no_progress(f"{self.end_param}={wanted} gave nothing earlier")
            before = oldest


class TimeSteps(StrictModel):
    """The window in steps of a fixed length, for sources that refuse a longer range."""

    kind: Literal["time_steps"]
    may_overlap: ClassVar[bool] = True
    start_param: str = Field(description="parameter for the first instant wanted")
    end_param: str = Field(description="parameter for the last instant wanted")
    unit: TimeParamUnit = "ms"
    end: Literal["inclusive", "exclusive"] = Field(
        "inclusive", description="whether the source takes end_param as part of the range"
    )
    step: Duration = Field(description="the longest range that one request may cover: 5h")

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        start, end = _bounds(window, self.unit)
        step = int(self.step.total_seconds()) * 10**9 // UNIT_NS[self.unit]
        for at in range(int(cursor) if cursor is not None else start, end, step):
            until = min(at + step, end) - (self.end == "inclusive")
            params = {self.start_param: str(at), self.end_param: str(until)}
            yield PageRequest(params=params, cursor=str(at))


def _bounds(window: Window, unit: TimeParamUnit) -> tuple[int, int]:
    return (
        window.start_ns // UNIT_NS[unit],
        window.end_ns // UNIT_NS[unit],
    )
