"""Paging by event time: for records whose time is unique in a slice, such as candles."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from include.ticklake.feed.paging.protocol import Pager, PageRequest, PagingModel, no_progress
from include.ticklake.model.durations import Duration
from include.ticklake.model.times import UNIT_NS
from include.ticklake.model.window import Window

TimeParamUnit = Literal["s", "ms", "us", "ns"]


class TimeForward(PagingModel):
    """From the window's start on: each page starts after the newest record of the one before."""

    kind: Literal["time_forward"] = Field(description="From the start of the window on.")
    start_param: str = Field(description="Query parameter for the start of the range.")
    end_param: str | None = Field(None, description="Query parameter for the end of the range.")
    unit: TimeParamUnit = Field(
        "ms", description="Unit of the time parameters, since 1970. Defaults to ms."
    )
    end: Literal["inclusive", "exclusive"] = Field(
        "inclusive",
        description="Whether the source's range includes end_param. Defaults to inclusive.",
    )
    page_rows: int | None = Field(
        None,
        gt=0,
        description="Maximum records per page; a page with fewer is then taken for the last one.",
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        start, end = _bounds(window, self.unit)
        at = int(cursor) if cursor is not None else start
        last = end - 1 if self.end == "inclusive" else end
        while at < end:
            params = {self.start_param: str(at)}
            if self.end_param:
                params[self.end_param] = str(last)
            info = yield PageRequest(params=params, cursor=str(at))
            if info.rows == 0 or (self.page_rows and info.rows < self.page_rows):
                return
            next_start = info.newest_ns // UNIT_NS[self.unit] + 1
            if next_start <= at:
                raise no_progress(f"{self.start_param}={at} returned no later records")
            at = next_start


class TimeBackward(PagingModel):
    """From the window's end back: each page ends before the oldest record of the one before."""

    kind: Literal["time_backward"] = Field(description="From the end of the window back.")
    end_param: str = Field(description="Query parameter for the end of the range.")
    start_param: str | None = Field(None, description="Query parameter for the start of the range.")
    unit: TimeParamUnit = Field(
        "ms", description="Unit of the time parameters, since 1970. Defaults to ms."
    )
    end: Literal["inclusive", "exclusive"] = Field(
        "inclusive",
        description="Whether the source's range includes end_param. Defaults to inclusive.",
    )
    page_rows: int | None = Field(
        None,
        gt=0,
        description="Maximum records per page; a page with fewer is then taken for the last one.",
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        start, end = _bounds(window, self.unit)
        before = int(cursor) if cursor is not None else end
        while before > start:
            last = before - 1 if self.end == "inclusive" else before
            params = {self.end_param: str(last)}
            if self.start_param:
                params[self.start_param] = str(start)
            info = yield PageRequest(params=params, cursor=str(before))
            if info.rows == 0 or (self.page_rows and info.rows < self.page_rows):
                return
            oldest = info.oldest_ns // UNIT_NS[self.unit]
            if oldest >= before:
                raise no_progress(f"{self.end_param}={last} returned no earlier records")
            before = oldest


class TimeSteps(PagingModel):
    """Ranges of a fixed length, for sources that refuse longer ones."""

    kind: Literal["time_steps"] = Field(description="Ranges of a fixed length.")
    may_overlap: ClassVar[bool] = True
    start_param: str = Field(description="Query parameter for the start of the range.")
    end_param: str = Field(description="Query parameter for the end of the range.")
    unit: TimeParamUnit = Field(
        "ms", description="Unit of the time parameters, since 1970. Defaults to ms."
    )
    end: Literal["inclusive", "exclusive"] = Field(
        "inclusive",
        description="Whether the source's range includes end_param. Defaults to inclusive.",
    )
    step: Duration = Field(description="Longest range of one request: 5h.")

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
