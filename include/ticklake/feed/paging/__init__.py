"""What a page held in, the next request out: paging as pure generators, no I/O inside.

A pager yields ``Ask`` (the parameters of the next request) and is sent ``Seen`` (what
that page held); it returns when there is nothing more to ask for.
"""

from typing import Annotated

from pydantic import Field

from include.ticklake.feed.paging.by_cursor import Cursor, HeaderCursor, LinkHeader, NextUrl
from include.ticklake.feed.paging.by_id import IdBackward, IdForward, IdSearch
from include.ticklake.feed.paging.by_page import NewestOnly, Offset, PageNumber, SinglePage
from include.ticklake.feed.paging.by_time import TimeBackward, TimeForward, TimeSteps
from include.ticklake.feed.paging.protocol import PageInfo, Pager, PageRequest, Paging

AnyPaging = Annotated[
    SinglePage
    | NewestOnly
    | PageNumber
    | Offset
    | Cursor
    | HeaderCursor
    | LinkHeader
    | NextUrl
    | TimeForward
    | TimeBackward
    | TimeSteps
    | IdForward
    | IdBackward
    | IdSearch,
    Field(discriminator="kind"),
]

__all__ = [
    "AnyPaging",
    "Cursor",
    "HeaderCursor",
    "IdBackward",
    "IdForward",
    "IdSearch",
    "LinkHeader",
    "NewestOnly",
    "NextUrl",
    "Offset",
    "PageInfo",
    "PageNumber",
    "PageRequest",
    "Pager",
    "Paging",
    "SinglePage",
    "TimeBackward",
    "TimeForward",
    "TimeSteps",
]
