"""Paging by ids alone, where the source knows no time: the window's edge is searched for first."""

from __future__ import annotations

from collections.abc import Generator
from typing import Literal

from pydantic import Field, model_validator

from include.ticklake.errors import SourceRefusedError
from include.ticklake.feed.paging.by_id import from_id, up_to_id
from include.ticklake.feed.paging.protocol import (
    Order,
    PageInfo,
    Pager,
    PageRequest,
    PagingModel,
    ValidateFirst,
    WindowEdge,
    no_progress,
)
from include.ticklake.feed.paging.signals import ResumePoint, contradiction
from include.ticklake.model.param_values import ParamValue
from include.ticklake.model.window import Window


class IdSearch(PagingModel):
    """By ids only, where the source has no time parameter: searches for the window's edge first.

    Steps back from the newest id, doubling the distance, then halves the range until it
    is one page. Forward pages hold ids from ``param`` on, backward pages those before it.
    """

    kind: Literal["id_search"] = Field(
        description="By id only; the edge of the window is searched for first."
    )
    param: str = Field(description="Query parameter for the id.")
    field: str = Field(description="Name of the id in a record.")
    direction: Literal["forward", "backward"] = Field(
        description="Whether pages hold the ids from param on, or those before it."
    )
    end: Literal["inclusive", "exclusive"] = Field(
        "exclusive",
        description="Whether a backward page includes the record with the id in param. Defaults to "
        "exclusive.",
    )
    search_params: dict[str, ParamValue] = Field(
        default_factory=lambda: dict[str, ParamValue](limit=1),
        description="Query parameters of a probe for one record. Defaults to {limit: 1}.",
    )
    first_id: int | None = Field(
        None,
        ge=0,
        description="The id with which ids begin, where the source keeps its newest records only: "
        "backward pages that end later, within the window, are an error. Defaults to not known.",
    )
    page_rows: int = Field(
        gt=0, description="Maximum records per page; the search stops at a range of this size."
    )

    @model_validator(mode="after")
    def _end_is_of_backward_pages(self) -> IdSearch:
        if self.end == "inclusive" and self.direction == "forward":
            raise ValueError("end is for direction backward; pages forward hold the id in param")
        return self

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        start_ns, end_ns = window.start_ns, window.end_ns
        forward, edge = self.direction == "forward", WindowEdge(window, order)
        at: int | None = None
        newest_id: int | None = None
        oldest_ns = end_ns
        if cursor is not None:
            point = ResumePoint.parse(cursor, start=0)
            at, newest_id = point.at, point.known
        else:
            newest = yield PageRequest(params=self.search_params, is_probe=True)
            if newest.rows:
                newest_id = newest.ids(self.field)[1]
                at = yield from self._find_edge(start_ns if forward else end_ns, newest)
        while at is not None and (forward or at > 0):
            info = yield PageRequest(
                params={self.param: self._param_for(at)},
                cursor=str(ResumePoint(at, newest_id)),
                validate_first=self._validate_first(at),
            )
            if info.rows == 0:
                self._must_be_after_newest(at, newest_id)
                if oldest_ns >= start_ns:
                    self._must_be_the_first(at)
                return
            oldest_ns = info.oldest_ns
            if edge.is_past_end(info) if forward else edge.is_past_start(info):
                return
            lowest, highest = info.ids(self.field)
            next_id = highest + 1 if forward else lowest
            if next_id <= at if forward else next_id >= at:
                raise no_progress(f"{self.param}={at} returned no new id")
            at = next_id

    def proves_empty(self, *, all_before: bool, newest_first: bool) -> bool:
        """The search found the window's edge by the times of its neighbours."""
        del all_before, newest_first
        return True

    def _must_be_after_newest(self, at: int, newest_id: int | None) -> None:
        """Refuse an empty page where the source has said that there is a record."""
        if self.direction == "forward" and newest_id is not None and at <= newest_id:
            raise contradiction(f"its newest id is {newest_id}, but there is none from {at} on")

    def _must_be_the_first(self, at: int) -> None:
        """Refuse an empty page within the window, where the source had earlier records."""
        if self.direction == "backward" and self.first_id is not None and at > self.first_id:
            raise SourceRefusedError(
                f"the source has no record before {self.field} {at}, but they begin at "
                f"{self.first_id}: records of the window are gone; choose a later window"
            )

    def _find_edge(self, at_ns: int, newest: PageInfo) -> Generator[PageRequest, PageInfo, int]:
        """An id one to two pages outside the window's edge *at_ns*."""
        after_newest = earlier = later = newest.ids(self.field)[1] + 1
        if newest.newest_ns >= at_ns:
            earlier, later = yield from self._search(at_ns, later)
        # A record that is slightly out of order may lie on the other side, less than a page away.
        if self.direction == "forward":
            return max(0, earlier - self.page_rows)
        return min(after_newest, later + self.page_rows)

    def _search(self, at_ns: int, later: int) -> Generator[PageRequest, PageInfo, tuple[int, int]]:
        """Two ids, a page apart at most, with *at_ns* between them; none after them is older."""
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
        return earlier, later

    def _time_at(self, id_: int) -> Generator[PageRequest, PageInfo, int]:
        """Event time of the record with the id *id_*, or of its neighbour; 0 without either."""
        at = id_ + (self.direction == "backward")
        params = {**self.search_params, self.param: self._param_for(at)}
        info = yield PageRequest(
            params=params, is_probe=True, validate_first=self._validate_first(at)
        )
        return info.newest_ns if info.rows else 0

    def _param_for(self, at: int) -> int:
        """What *param* is for a page from *at* on, or before it: the source may include the id."""
        return at - (self.direction == "backward" and self.end == "inclusive")

    def _validate_first(self, at: int) -> ValidateFirst:
        return (from_id if self.direction == "forward" else up_to_id)(at, self.field)
