"""Paging by what the source returns: a cursor in the body or a header, or the next URL."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from include.ticklake.feed.paging.headers import next_link
from include.ticklake.feed.paging.json_text import JsonText, json_text, read_cursor, write_cursor
from include.ticklake.feed.paging.protocol import (
    CycleDetector,
    Order,
    PageInfo,
    Pager,
    PageRequest,
    PagingModel,
    WindowEdge,
    no_progress,
)
from include.ticklake.feed.paging.signals import HAS_MORE, has_more, must_be_captured, must_be_last
from include.ticklake.model.param_values import ParamValue
from include.ticklake.model.window import Window

EndCursor = Annotated[
    str,
    BeforeValidator(lambda value: value if isinstance(value, str) else json_text(value)),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]
"""An end cursor as its author writes it: ``0``, ``false`` and ``"none"`` alike."""

_MAY_LACK_NEXT = (
    "Whether the source leaves out the captured value on a last page that is full. Defaults to "
    "false: a full first page without it is refused, as it is what a wrong path looks like."
)
_END_CURSORS = (
    "Cursors that mean that there are no more pages, besides a missing or empty one, null and "
    "false: [0, -1, LTE=, none]."
)


class Cursor(PagingModel):
    """The body holds the cursor of the next page, before or after the records."""

    kind: Literal["cursor"] = Field(description="The body holds the cursor of the next page.")
    may_overlap: ClassVar[bool] = True
    captured_options: ClassVar[tuple[str, ...]] = ("cursor", "has_more")
    param: str = Field(description="Query parameter for the cursor.")
    cursor: str = Field(description="Name of the captured value that is the next cursor.")
    first_params: dict[str, ParamValue] = Field(
        default_factory=dict,
        description="Query parameters of the first page: {since: '{start_ns}'}.",
    )
    has_more: str | None = Field(None, description=HAS_MORE)
    end_cursors: list[EndCursor] = Field(default_factory=list, description=_END_CURSORS)
    may_lack_next: bool = Field(False, description=_MAY_LACK_NEXT)

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        at = read_cursor(cursor)
        cycle, edge = CycleDetector(at), WindowEdge(window, order)
        previous: PageInfo | None = None
        while True:
            if at is None:
                info = yield PageRequest(params=self.first_params)
            else:
                info = yield PageRequest(
                    params={}, source_params={self.param: at}, cursor=write_cursor(at)
                )
            more = has_more(info, self.has_more)
            next_cursor = as_cursor(info.captured.get(self.cursor), self.end_cursors)
            if more is False or edge.is_past(info):
                return
            if next_cursor is None:
                must_be_last(more, f"{self.has_more} is true, but {self.cursor} has no cursor")
                if at is None and not self.may_lack_next:
                    must_be_captured(info, self.cursor)
                return
            if next_cursor == at and _has_nothing_new(info, previous):
                return
            if cycle.seen_before(next_cursor):
                raise no_progress(f"{self.param}={at} repeats an earlier cursor")
            at, previous = next_cursor, info


class HeaderCursor(PagingModel):
    """A response header holds the cursor of the next page."""

    kind: Literal["header_cursor"] = Field(
        description="A response header holds the cursor of the next page."
    )
    may_overlap: ClassVar[bool] = True
    param: str = Field(description="Query parameter for the cursor.")
    header: str = Field(description="Response header with the next cursor: CB-AFTER.")
    has_more: str | None = Field(None, description=HAS_MORE)
    captured_options: ClassVar[tuple[str, ...]] = ("has_more",)
    end_cursors: list[EndCursor] = Field(default_factory=list, description=_END_CURSORS)

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        at, cycle, edge = cursor, CycleDetector(cursor), WindowEdge(window, order)
        previous: PageInfo | None = None
        while True:
            source_params = {} if at is None else {self.param: at}
            info = yield PageRequest(params={}, source_params=source_params, cursor=at)
            more = has_more(info, self.has_more)
            next_cursor = as_cursor(info.headers.get(self.header), self.end_cursors)
            if more is False or edge.is_past(info):
                return
            if next_cursor is None:
                must_be_last(more, f"{self.has_more} is true, but {self.header} has no cursor")
                return
            if next_cursor == at and _has_nothing_new(info, previous):
                return
            if cycle.seen_before(next_cursor):
                raise no_progress(f"{self.param}={at} repeats an earlier cursor")
            at, previous = next_cursor, info


class LinkHeader(PagingModel):
    """The ``Link`` header (RFC 8288) holds the URL of the next page, with ``rel="next"``."""

    kind: Literal["link_header"] = Field(
        description="The Link header holds the URL of the next page."
    )
    may_overlap: ClassVar[bool] = True
    captured_options: ClassVar[tuple[str, ...]] = ("has_more",)
    has_more: str | None = Field(None, description=HAS_MORE)

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        at, cycle, edge = cursor, CycleDetector(cursor), WindowEdge(window, order)
        while True:
            info = yield PageRequest(params={}, cursor=at, url=at)
            more, next_url = has_more(info, self.has_more), next_link(info.headers.get("Link", ""))
            if more is False or edge.is_past(info):
                return
            if not next_url:
                must_be_last(more, f"{self.has_more} is true, but the Link header has no next URL")
                return
            if cycle.seen_before(next_url):
                raise no_progress("the Link header repeats an earlier URL")
            at = next_url


class NextUrl(PagingModel):
    """The body holds the URL of the next page."""

    kind: Literal["next_url"] = Field(description="The body holds the URL of the next page.")
    may_overlap: ClassVar[bool] = True
    captured_options: ClassVar[tuple[str, ...]] = ("url", "has_more")
    url: str = Field(description="Name of the captured value that is the next URL.")
    has_more: str | None = Field(None, description=HAS_MORE)
    may_lack_next: bool = Field(False, description=_MAY_LACK_NEXT)

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        at, cycle, edge = cursor, CycleDetector(cursor), WindowEdge(window, order)
        while True:
            info = yield PageRequest(params={}, cursor=at, url=at)
            more = has_more(info, self.has_more)
            next_url = as_cursor(info.captured.get(self.url), ())
            if more is False or edge.is_past(info):
                return
            if next_url is None:
                must_be_last(more, f"{self.has_more} is true, but {self.url} has no URL")
                if at is None and not self.may_lack_next:
                    must_be_captured(info, self.url)
                return
            if cycle.seen_before(next_url):
                raise no_progress(f"{self.url!r} repeats an earlier URL")
            at = next_url


def as_cursor(value: object, end_cursors: Collection[str]) -> str | None:
    """The text with which a captured cursor is sent back; None at the end of the pages.

    A text is sent as it is, everything else as JSON: a ``JsonText``.
    """
    if value is None or value is False or value in ("", [], {}):
        return None
    text = value if isinstance(value, str) else JsonText(json_text(value))
    return None if text in end_cursors else text


def _has_nothing_new(info: PageInfo, previous: PageInfo | None) -> bool:
    """Whether a page with the cursor that it was requested by says that there is nothing newer.

    It is empty, or, where the cursor is inclusive, has the end of the page before.
    """
    if info.rows == 0 or previous is None or previous.rows == 0:
        return info.rows == 0
    return info.last == previous.last and info.first != previous.first
