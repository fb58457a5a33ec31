"""Paging by ids: nothing is lost where several records share a millisecond."""

from __future__ import annotations

from collections.abc import Generator
from typing import ClassVar, Literal

from pydantic import Field

from include.ticklake.feed.paging.protocol import (
    PageInfo,
    Pager,
    PageRequest,
    ValidateFirst,
    integer_at,
    no_progress,
)
from include.ticklake.model.strict import StrictModel
from include.ticklake.model.window import Window


class IdForward(StrictModel):
    """Oldest first: the first page by time, the rest from the greatest id on."""

    kind: Literal["id_forward"]
    may_overlap: ClassVar[bool] = False
    param: str = Field(description="parameter for the first id wanted")
    field: str = Field(description="the record's field that holds the id")
    first_params: dict[str, str] = Field(
        description="parameters of the first page, which finds the first id by time"
    )
    from_: Literal["inclusive", "exclusive"] = Field(
        "inclusive", alias="from", description="whether param names the first id, or the one before"
    )
    page_rows: int | None = Field(
        None, gt=0, description="the page cap; a page with fewer rows is then the last one"
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        end_ns = window.end_ns
        at = cursor
        while True:
            params = self.first_params if at is None else {self.param: at}
            fits = None if at is None else _from(int(at), self.field)
            seen = yield PageRequest(params=params, cursor=at, validate_first=fits)
            # The first page ends where its range does: that it is short says nothing.
            short = at is not None and self.page_rows and seen.rows < self.page_rows
            if seen.rows == 0 or short or seen.newest_ns >= end_ns:
                return
            following = seen.ids(self.field)[1] + (self.from_ == "inclusive")
            if at is not None and following <= int(at):
                raise no_progress(f"{self.param}={at} gave no later id")
            at = str(following)


class IdBackward(StrictModel):
    """Newest first: the first page by time, the rest before the smallest id."""

    kind: Literal["id_backward"]
    may_overlap: ClassVar[bool] = True
    param: str = Field(description="parameter for the id before which records are wanted")
    field: str = Field(description="the record's field that holds the id")
    first_params: dict[str, str] = Field(
        description="parameters of the first page, which finds the last id by time"
    )
    page_params: dict[str, str] = Field(
        default_factory=dict, description="more parameters of every page but the first"
    )
    page_rows: int | None = Field(
        None, gt=0, description="the page cap; a page with fewer rows is then the last one"
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        start_ns = window.start_ns
        at = cursor
        while True:
            params = self.first_params if at is None else {**self.page_params, self.param: at}
            fits = None if at is None else _up_to(int(at), self.field)
            seen = yield PageRequest(params=params, cursor=at, validate_first=fits)
            short = self.page_rows and seen.rows < self.page_rows
            if seen.rows == 0 or short or seen.oldest_ns < start_ns:
                return
            before = seen.ids(self.field)[0]
            if at is not None and before >= int(at):
                raise no_progress(f"{self.param}={at} gave no earlier id")
            at = str(before)


class IdSearch(StrictModel):
    """By ids where the source knows no time: the window's edge is searched for first.

    Steps back from the newest id, each twice as far, then halves the range until it is
    a page. Forward pages hold ids from ``param`` on, backward pages those before it.
    """

    kind: Literal["id_search"]
    may_overlap: ClassVar[bool] = False
    param: str = Field(description="parameter for the id")
    field: str = Field(description="the record's field that holds the id")
    direction: Literal["forward", "backward"]
    search_params: dict[str, str] = Field(
        default_factory=lambda: {"limit": "1"}, description="parameters for looking at one record"
    )
    page_rows: int = Field(gt=0, description="the page cap: the search need not be finer")

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        start_ns, end_ns = window.start_ns, window.end_ns
        forward = self.direction == "forward"
        at = cursor or (yield from self._edge(start_ns if forward else end_ns))
        while at is not None:
            seen = yield PageRequest(
                params={self.param: at}, cursor=at, validate_first=self._fits(int(at))
            )
            if seen.rows == 0:
                return
            if seen.newest_ns >= end_ns if forward else seen.oldest_ns < start_ns:
                return
            lowest, highest = seen.ids(self.field)
            following = highest + 1 if forward else lowest
            if following <= int(at) if forward else following >= int(at):
                raise no_progress(f"{self.param}={at} leads no further")
            at = str(following)

    def _edge(self, at_ns: int) -> Generator[PageRequest, PageInfo, str | None]:
        """An id at most a page outside of the window at its edge *at_ns*; None if all is empty."""
        newest = yield PageRequest(params=self.search_params, is_probe=True)
        if newest.rows == 0:
            return None
        later = newest.ids(self.field)[1] + 1  # nothing at or after this id is older than at_ns
        if newest.newest_ns < at_ns:
            return str(later)
        earlier, step = later, self.page_rows
        while earlier > 0:
            earlier, step = max(0, later - step), step * 2
            if earlier and (yield from self._time_at(earlier)) < at_ns:
                break
            later = earlier or later
        while later - earlier > self.page_rows:
            middle = (earlier + later) // 2
            if (yield from self._time_at(middle)) < at_ns:
                earlier = middle
            else:
                later = middle
        return str(earlier if self.direction == "forward" else later)

    def _time_at(self, wanted: int) -> Generator[PageRequest, PageInfo, int]:
        """Event time of the record with the id *wanted*, or of its neighbour; 0 if none is left."""
        at = wanted + (self.direction == "backward")
        params = {**self.search_params, self.param: str(at)}
        seen = yield PageRequest(params=params, is_probe=True, validate_first=self._fits(at))
        return seen.newest_ns if seen.rows else 0

    def _fits(self, at: int) -> ValidateFirst:
        return (_from if self.direction == "forward" else _up_to)(at, self.field)


def _from(at: int, field: str) -> ValidateFirst:
    return lambda first: integer_at(first, field) >= at


def _up_to(at: int, field: str) -> ValidateFirst:
    return lambda first: integer_at(first, field) <= at
