"""A source without a network: one answer's bytes, which go through the reader of all answers.

``SOURCES["http"]`` points here where a test wants thousands of pages in a minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from include.ticklake.feeds import Feed
from include.ticklake.http_source import HttpSource
from include.ticklake.paging import Seen
from include.ticklake.plan import Work
from include.ticklake.sources.records import Reading, Record
from include.ticklake.sources.source import Access, Pages

NAME = "tests.one_page:pages"

answer: list[bytes] = []
"""The body of the one page, in the pieces in which it arrives; a test puts it here."""


class Page:
    """What ``answer`` holds."""

    def __init__(self, source: HttpSource, chunks: Iterable[bytes], max_bytes: int) -> None:
        self._reading = Reading(
            chunks, records=source.records, columns=source.columns, max_record_bytes=max_bytes
        )
        self.rows = 0

    def __iter__(self) -> Iterator[Record]:
        for record in self._reading:
            self.rows += 1
            yield record

    @property
    def page_bytes(self) -> int:
        """Of the body, as far as it was read."""
        return self._reading.body_bytes

    def seen(self) -> Seen:
        """Nothing that leads to a second page."""
        return Seen(rows=self.rows, first=None, last=None)


def pages(
    feed: Feed, source: HttpSource, work: Work, *, access: Access, cursor: str | None = None
) -> Pages:
    """The one page."""
    del work, access, cursor
    yield None, Page(source, list(answer), feed.limits.max_record_bytes)
