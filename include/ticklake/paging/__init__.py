"""What a page held in, the next request out: paging as pure generators, no I/O inside.

A pager yields ``Ask`` (the parameters of the next request) and is sent ``Seen`` (what
that page held); it returns when there is nothing more to ask for.
"""

from typing import Annotated

from pydantic import Field as Described

from include.ticklake.paging.by_cursor import Cursor, HeaderCursor, LinkHeader, NextUrl
from include.ticklake.paging.by_id import IdBackward, IdForward, IdSearch
from include.ticklake.paging.by_page import Offset, PageNumber, Recent, SinglePage
from include.ticklake.paging.by_time import TimeBackward, TimeForward, TimeSteps
from include.ticklake.paging.conversation import Ask, Pager, Paging, Seen

AnyPaging = Annotated[
    SinglePage
    | Recent
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
    Described(discriminator="kind"),
]

__all__ = [
    "AnyPaging",
    "Ask",
    "Cursor",
    "HeaderCursor",
    "IdBackward",
    "IdForward",
    "IdSearch",
    "LinkHeader",
    "NextUrl",
    "Offset",
    "PageNumber",
    "Pager",
    "Paging",
    "Recent",
    "Seen",
    "SinglePage",
    "TimeBackward",
    "TimeForward",
    "TimeSteps",
]
