"""A source without a network: answers' bytes, which go through the reader of all answers.

``SOURCES["http"]`` points here where a test wants thousands of pages in a minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.paging import PageInfo
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block
from include.ticklake.model.unit import Unit
from include.ticklake.sources.json.page_reader import JsonPageReader
from include.ticklake.sources.source import Pages, SourceContext

NAME = "tests.support.canned_pages:pages"

bodies: list[list[bytes]] = []
"""The bodies of a unit's pages, each in the pieces in which it arrives; a test puts them here."""


class Page:
    """One of ``bodies``."""

    def __init__(self, source: HttpSource, chunks: Iterable[bytes], max_bytes: int) -> None:
        self._reader = JsonPageReader(
            chunks, records=source.records, columns=source.columns, max_record_bytes=max_bytes
        )
        self.rows = 0
        self.where = "canned"

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self.blocks())

    def blocks(self) -> Iterator[Block]:
        for block in self._reader.blocks():
            self.rows += len(block)
            yield block

    @property
    def page_bytes(self) -> int:
        """Of the body, as far as it was read."""
        return self._reader.body_bytes

    def info(self) -> PageInfo:
        """Nothing that leads to another page."""
        return PageInfo(rows=self.rows, first=None, last=None)


def pages(
    feed: Feed, source: HttpSource, unit: Unit, *, context: SourceContext, cursor: str | None = None
) -> Pages:
    """All of them, whatever is asked for."""
    del unit, context, cursor
    for chunks in bodies:
        yield None, Page(source, chunks, feed.limits.max_record_bytes)
