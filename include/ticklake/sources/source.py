"""Where records come from: a feed and a unit of work in, pages of records out.

A source is a function that yields (cursor, page) after (cursor, page); each page is read
to its end before the next is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.paging import PageInfo
from include.ticklake.model.record import Record
from include.ticklake.model.unit import Unit
from include.ticklake.sources.auth import GetCredentials
from include.ticklake.sources.retries import SourceRetryPolicy

if TYPE_CHECKING:
    from sqlalchemy import Engine

Connect = Callable[[str], "Engine"]
"""Connection id -> SQLAlchemy engine."""

# Import paths: whoever asks an API loads no database driver, and the other way round.
SOURCES = {
    "http": "include.ticklake.sources.http.api:pages",
    "sql": "include.ticklake.sources.sql.query:pages",
}


class SourcePage(Protocol):
    """What came at once: iterate it once, to its end; then it can tell what it held."""

    rows: int
    page_bytes: int

    def __iter__(self) -> Iterator[Record]:
        """Every record, once."""
        ...

    def seen(self) -> PageInfo:
        """What the account and a pager want to know of it."""
        ...


Pages = Generator[tuple[str | None, SourcePage], None, None]
"""Close it to let go of the source before its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceContext:
    """How the outside is reached: what differs between a shell, an Airflow task and a test."""

    lookup: GetCredentials
    """The login of a connection."""
    connect: Connect
    """The database of a connection."""
    base_url: str | None = None
    """Where HTTP requests go instead of the feed's own scheme and host."""
    patience: SourceRetryPolicy = field(default_factory=SourceRetryPolicy)


class Source(Protocol):
    """One kind of source; *source* is the feed's own part, whose ``kind`` it is."""

    def __call__(
        self,
        feed: Feed,
        source: Any,  # noqa: ANN401 - each kind has its own
        work: Unit,
        *,
        access: SourceContext,
        cursor: str | None = None,
    ) -> Pages:
        """Yield (cursor, page) from *cursor* on, where another process can go on with that page.

        A cursor of None says that nothing can be gone on with: all begins anew.
        """
        ...


def pages(feed: Feed, work: Unit, *, access: SourceContext, cursor: str | None = None) -> Pages:
    """The pages of *feed* that hold *work*."""
    module, _, name = SOURCES[feed.source.kind].partition(":")
    source: Source = getattr(import_module(module), name)
    return source(feed, feed.source, work, access=access, cursor=cursor)
