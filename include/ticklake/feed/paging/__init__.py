"""The paging styles: pure generators that decide on the next request, without any I/O.

A pager yields a ``PageRequest`` and is sent the ``PageInfo`` of that page; it returns
when there are no more pages. A new style is a ``PagingModel`` in one of the modules
beside this one, named in ``AnyPaging``; CONTRIBUTING.md lists what else it takes.
"""

from typing import Annotated

from pydantic import Field

from include.ticklake.feed.paging.by_cursor import Cursor, HeaderCursor, LinkHeader, NextUrl
from include.ticklake.feed.paging.by_id import IdBackward, IdForward
from include.ticklake.feed.paging.by_id_search import IdSearch
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
