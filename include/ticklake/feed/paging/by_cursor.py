"""Paging by what the source says: a cursor in the body or a header, or the next address."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from include.ticklake.feed.paging.protocol import (
    CycleDetector,
    Pager,
    PageRequest,
    has_more,
    is_past_window,
    no_progress,
)
from include.ticklake.model.strict import StrictModel
from include.ticklake.model.window import Window


class Cursor(StrictModel):
    """A cursor in the body, before or after the records, leads to the next page."""

    kind: Literal["cursor"]
    may_overlap: ClassVar[bool] = True
    param: str = Field(description="parameter for the cursor")
    cursor: str = Field(description="name of the captured value that is the next cursor")
    first_params: dict[str, str] = Field(
        default_factory=dict, description="parameters of the first page: {since: '{start_ns}'}"
    )
    has_more: str | None = Field(
        None, description="name of a captured flag that is true while there are more pages"
    )

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        at, circle = cursor, CycleDetector(cursor)
        while True:
            params = self.first_params if at is None else {self.param: at}
            seen = yield PageRequest(params=params, cursor=at)
            following = seen.captured.get(self.cursor)
            if seen.rows == 0 or following in (None, "") or is_past_window(seen, window):
                return
            if self.has_more and not has_more(seen, self.has_more):
                return
            if circle.seen_before(str(following)):
                raise no_progress(f"{self.param}={at} leads back to itself")
            at = str(following)


class HeaderCursor(StrictModel):
    """A cursor in a header of the response leads to the next page."""

    kind: Literal["header"]
    may_overlap: ClassVar[bool] = True
    param: str = Field(description="parameter for the cursor")
    header: str = Field(description="header that holds the next cursor: CB-AFTER")

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        at, circle = cursor, CycleDetector(cursor)
        while True:
            seen = yield PageRequest(params={} if at is None else {self.param: at}, cursor=at)
            following = seen.headers.get(self.header)
            if seen.rows == 0 or not following or is_past_window(seen, window):
                return
            if circle.seen_before(following):
                raise no_progress(f"{self.param}={at} leads back to itself")
            at = following


class LinkHeader(StrictModel):
    """The ``Link`` header (RFC 8288) names the next page's address with ``rel="next"``."""

    kind: Literal["link"]
    may_overlap: ClassVar[bool] = True

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        from requests.utils import parse_header_links  # parsing a DAG has no use for requests

        at, circle = cursor, CycleDetector(cursor)
        while True:
            seen = yield PageRequest(params={}, cursor=at, url=at)
            links = parse_header_links(seen.headers.get("Link", ""))
            following = next((link["url"] for link in links if link.get("rel") == "next"), None)
            if seen.rows == 0 or not following or is_past_window(seen, window):
                return
            if circle.seen_before(following):
                raise no_progress("the Link header leads back to its own page")
            at = following


class NextUrl(StrictModel):
    """The body names the next page's address."""

    kind: Literal["next_url"]
    may_overlap: ClassVar[bool] = True
    url: str = Field(description="name of the captured value that is the next address")

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        at, circle = cursor, CycleDetector(cursor)
        while True:
            seen = yield PageRequest(params={}, cursor=at, url=at)
            following = seen.captured.get(self.url)
            if seen.rows == 0 or not following or is_past_window(seen, window):
                return
            if circle.seen_before(str(following)):
                raise no_progress("the body leads back to its own page")
            at = str(following)
