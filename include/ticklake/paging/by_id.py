"""Paging by ids: nothing is lost where several records share a millisecond."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field as Described

from include.ticklake.fields import Strict
from include.ticklake.paging.conversation import Ask, Pager, stuck
from include.ticklake.windows import Window


class IdForward(Strict):
    """Oldest first: the first page by time, the rest from the greatest id on."""

    kind: Literal["id_forward"]
    may_overlap: ClassVar[bool] = False
    param: str = Described(description="parameter for the first id wanted")
    field: str = Described(description="the record's field that holds the id")
    first_params: dict[str, str] = Described(
        description="parameters of the first page, which finds the first id by time"
    )
    from_: Literal["inclusive", "exclusive"] = Described(
        "inclusive", alias="from", description="whether param names the first id, or the one before"
    )
    page_rows: int | None = Described(
        None, gt=0, description="the page cap; a page with fewer rows is then the last one"
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        end_ns = window.end_ms * 10**6
        at = cursor
        while True:
            params = self.first_params if at is None else {self.param: at}
            seen = yield Ask(params=params, cursor=at)
            # The first page ends where its range does: that it is short says nothing.
            short = at is not None and self.page_rows and seen.rows < self.page_rows
            if seen.rows == 0 or short or seen.newest_ns >= end_ns:
                return
            following = seen.ids(self.field)[1] + (self.from_ == "inclusive")
            if at is not None and following <= int(at):
                raise stuck(f"{self.param}={at} gave no later id")
            at = str(following)


class IdBackward(Strict):
    """Newest first: the first page by time, the rest before the smallest id."""

    kind: Literal["id_backward"]
    may_overlap: ClassVar[bool] = True
    param: str = Described(description="parameter for the id before which records are wanted")
    field: str = Described(description="the record's field that holds the id")
    first_params: dict[str, str] = Described(
        description="parameters of the first page, which finds the last id by time"
    )
    page_params: dict[str, str] = Described(
        default_factory=dict, description="more parameters of every page but the first"
    )
    page_rows: int | None = Described(
        None, gt=0, description="the page cap; a page with fewer rows is then the last one"
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        start_ns = window.start_ms * 10**6
        at = cursor
        while True:
            params = self.first_params if at is None else {**self.page_params, self.param: at}
            seen = yield Ask(params=params, cursor=at)
            short = self.page_rows and seen.rows < self.page_rows
            if seen.rows == 0 or short or seen.oldest_ns < start_ns:
                return
            before = seen.ids(self.field)[0]
            if at is not None and before >= int(at):
                raise stuck(f"{self.param}={at} gave no earlier id")
            at = str(before)
