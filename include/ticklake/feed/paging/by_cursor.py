"""Paging by what the source returns: a cursor in the body or a header, or the next URL."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from include.ticklake.feed.paging.protocol import (
    CycleDetector,
    Pager,
    PageRequest,
    PagingModel,
    has_more,
    is_past_window,
    no_progress,
)
from include.ticklake.model.window import Window


class Cursor(PagingModel):
    """The body holds the cursor of the next page, before or after the records."""

    kind: Literal["cursor"] = Field(description="The body holds the cursor of the next page.")
    may_overlap: ClassVar[bool] = True
    captured_options: ClassVar[tuple[str, ...]] = ("cursor", "has_more")
    param: str = Field(description="Query parameter for the cursor.")
    cursor: str = Field(description="Name of the captured value that is the next cursor.")
    first_params: dict[str, str] = Field(
        default_factory=dict,
        description="Query parameters of the first page: {since: '{start_ns}'}.",
    )
    has_more: str | None = Field(
        None, description="Name of a captured flag that is true while there are more pages."
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        at, cycle = cursor, CycleDetector(cursor)
        while True:
            params = self.first_params if at is None else {self.param: at}
            info = yield PageRequest(params=params, cursor=at)
            next_cursor = info.captured.get(self.cursor)
            if info.rows == 0 or next_cursor in (None, "") or is_past_window(info, window):
                return
            if self.has_more and not has_more(info, self.has_more):
                return
            if cycle.seen_before(str(next_cursor)):
                raise no_progress(f"{self.param}={at} repeats an earlier cursor")
            at = str(next_cursor)


class HeaderCursor(PagingModel):
    """A response header holds the cursor of the next page."""

    kind: Literal["header_cursor"] = Field(
        description="A response header holds the cursor of the next page."
    )
    may_overlap: ClassVar[bool] = True
    param: str = Field(description="Query parameter for the cursor.")
    header: str = Field(description="Response header with the next cursor: CB-AFTER.")

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        at, cycle = cursor, CycleDetector(cursor)
        while True:
            info = yield PageRequest(params={} if at is None else {self.param: at}, cursor=at)
            next_cursor = info.headers.get(self.header)
            if info.rows == 0 or not next_cursor or is_past_window(info, window):
                return
            if cycle.seen_before(next_cursor):
                raise no_progress(f"{self.param}={at} repeats an earlier cursor")
            at = next_cursor


class LinkHeader(PagingModel):
    """The ``Link`` header (RFC 8288) holds the URL of the next page, with ``rel="next"``."""

    kind: Literal["link_header"] = Field(
        description="The Link header holds the URL of the next page."
    )
    may_overlap: ClassVar[bool] = True

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        from requests.utils import parse_header_links  # parsing a DAG does not need requests

        at, cycle = cursor, CycleDetector(cursor)
        while True:
            info = yield PageRequest(params={}, cursor=at, url=at)
            links = parse_header_links(info.headers.get("Link", ""))
            next_url = next((link["url"] for link in links if link.get("rel") == "next"), None)
            if info.rows == 0 or not next_url or is_past_window(info, window):
                return
            if cycle.seen_before(next_url):
                raise no_progress("the Link header repeats an earlier URL")
            at = next_url


class NextUrl(PagingModel):
    """The body holds the URL of the next page."""

    kind: Literal["next_url"] = Field(description="The body holds the URL of the next page.")
    may_overlap: ClassVar[bool] = True
    captured_options: ClassVar[tuple[str, ...]] = ("url",)
    url: str = Field(description="Name of the captured value that is the next URL.")

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        at, cycle = cursor, CycleDetector(cursor)
        while True:
            info = yield PageRequest(params={}, cursor=at, url=at)
            next_url = info.captured.get(self.url)
            if info.rows == 0 or not next_url or is_past_window(info, window):
                return
            if cycle.seen_before(str(next_url)):
                raise no_progress(f"{self.url!r} repeats an earlier URL")
            at = str(next_url)
