"""The seam of sources: a feed and a unit in, pages of records out.

A source is a function that yields (cursor, page) pairs; each page is read to its end before
the next one is requested.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.paging import PageInfo
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block
from include.ticklake.model.unit import Unit
from include.ticklake.sources.auth import GetCredentials
from include.ticklake.sources.batch_resources import BatchResources
from include.ticklake.sources.body_room import UnitRoom
from include.ticklake.sources.rate_store import MemoryStore, RateStore
from include.ticklake.sources.retries import SourceRetryPolicy

if TYPE_CHECKING:
    from sqlalchemy import Engine

Connect = Callable[[str], "Engine"]
"""Connection id -> SQLAlchemy engine."""

# Import paths: a feed of an API loads no database driver, and the other way round.
SOURCES = {
    "files": "include.ticklake.sources.files.pages:pages",
    "http": "include.ticklake.sources.http.api:pages",
    "sql": "include.ticklake.sources.sql.query:pages",
}


class SourcePage(Protocol):
    """Some records: iterate over them once, to the end, and then ask for the page's info."""

    rows: int
    page_bytes: int

    @property
    def where(self) -> str:
        """The request that it answers, for messages."""
        ...

    def __iter__(self) -> Iterator[Record]:
        """Every record, once."""
        ...

    def blocks(self) -> Iterator[Block]:
        """The same records, in blocks: iterate over either."""
        ...

    def info(self) -> PageInfo:
        """What the pager and the counts need to know of the page."""
        ...


Pages = Generator[tuple[str | None, SourcePage], None, None]
"""Close it to release the source before its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceContext:
    """How sources are reached: what differs between a shell, an Airflow task and a test."""

    get_credentials: GetCredentials
    """The credentials of a connection."""
    connect: Connect
    """The database of a connection."""
    base_url: str | None = None
    """Where HTTP requests go instead of the feed's own scheme and host."""
    retry_policy: SourceRetryPolicy = field(default_factory=SourceRetryPolicy)
    rate_store: RateStore = field(default_factory=MemoryStore)
    """What is known of each host's rate limit."""
    clock: Callable[[], float] = time.monotonic
    """What the time of a unit is measured with."""
    now_s: Callable[[], float] = time.time
    """What time it is, for what a source has not published yet."""
    resources: BatchResources | None = None
    """What is shared with the other units of a batch; None for a unit that shares nothing."""
    room: UnitRoom | None = None
    """Bounds how many units of a batch receive much at once; None where nothing does."""


class Source(Protocol):
    """One kind of source; *source* is the feed's own part, whose ``kind`` it is."""

    def __call__(
        self,
        feed: Feed,
        source: Any,  # noqa: ANN401 - each kind has its own
        unit: Unit,
        *,
        context: SourceContext,
        cursor: str | None = None,
    ) -> Pages:
        """Yield (cursor, page) from *cursor* on; another process can resume at each cursor.

        None means that the source cannot resume: a retry starts over.
        """
        ...


def pages(feed: Feed, unit: Unit, *, context: SourceContext, cursor: str | None = None) -> Pages:
    """Yield (cursor, page) of *unit*, from *cursor* on when resuming."""
    module, _, name = SOURCES[feed.source.kind].partition(":")
    source: Source = getattr(import_module(module), name)
    return source(feed, feed.source, unit, context=context, cursor=cursor)
