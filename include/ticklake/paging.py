"""What a page held in, the next request out: paging as pure generators, no I/O inside.

A pager yields ``Ask`` (the parameters of the next request) and is sent ``Seen`` (what
that page held); it returns when there is nothing more to ask for. ``Ask.cursor`` is
all that a pager needs to go on from that request in another process.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol

from pydantic import Field as Described

from include.ticklake.errors import PageBroken
from include.ticklake.fields import Strict
from include.ticklake.templates import UNIT_NS
from include.ticklake.windows import Window

Params = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The next request: parameters on top of the feed's own."""

    params: Params
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one page held; ``first`` and ``last`` are whole records, numbers exact."""

    rows: int
    first: Mapping[str, object] | None = None
    last: Mapping[str, object] | None = None
    last_event_ns: int | None = None
    captured: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


Pager = Generator[Ask, Seen, None]


class Paging(Protocol):
    """How a source is paged: one method, called once per window."""

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        """The conversation that covers *window*, from *cursor* on when resuming."""
        ...


class SinglePage(Strict):
    """One request holds everything."""

    kind: Literal["single"] = "single"

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:  # noqa: ARG002
        yield Ask(params={})


class TimeForward(Strict):
    """Walk the window by event time, oldest first; for records whose time is unique (candles)."""

    kind: Literal["time_forward"]
    start_param: str = Described(description="parameter for the first instant wanted")
    end_param: str | None = Described(None, description="parameter for the last instant wanted")
    unit: Literal["s", "ms", "us", "ns"] = "ms"
    end: Literal["inclusive", "exclusive"] = Described(
        "inclusive", description="whether the source takes end_param as part of the range"
    )
    page_rows: int | None = Described(
        None, gt=0, description="the page cap; a page with fewer rows is then the last one"
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        unit_ns = UNIT_NS[self.unit]
        start, end = (ms * 10**6 // unit_ns for ms in (window.start_ms, window.end_ms))
        at = int(cursor) if cursor is not None else start
        last_wanted = end - 1 if self.end == "inclusive" else end
        while at < end:
            params = {self.start_param: str(at)}
            if self.end_param:
                params[self.end_param] = str(last_wanted)
            seen = yield Ask(params=params, cursor=str(at))
            if seen.rows == 0 or (self.page_rows and seen.rows < self.page_rows):
                return
            following = _time_of(seen) // unit_ns + 1
            if following <= at:
                raise PageBroken(f"paging is stuck: {self.start_param}={at} gave nothing later")
            at = following


class IdForward(Strict):
    """Walk by ids, oldest first: the first page by time, the rest from the last id + 1."""

    kind: Literal["id_forward"]
    param: str = Described(description="parameter for the first id wanted")
    field: str = Described(description="the record's field that holds the id")
    first_params: dict[str, str] = Described(
        description="parameters of the first page, which finds the first id by time"
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
            if seen.rows == 0 or (at and self.page_rows and seen.rows < self.page_rows):
                return
            if _time_of(seen) >= end_ns:
                return
            following = _id_of(seen, self.field) + 1
            if at is not None and following <= int(at):
                raise PageBroken(f"paging is stuck: {self.param}={at} gave no later id")
            at = str(following)


def _time_of(seen: Seen) -> int:
    if seen.last_event_ns is None:
        raise PageBroken("the last record of a page has no readable event time; check its unit")
    return seen.last_event_ns


def _id_of(seen: Seen, name: str) -> int:
    value = (seen.last or {}).get(name)
    try:
        return int(str(value))
    except ValueError:
        raise PageBroken(
            f"the last record of a page has no whole number in {name!r}; check paging.field"
        ) from None


AnyPaging = Annotated[SinglePage | TimeForward | IdForward, Described(discriminator="kind")]
