"""Files as pages of records: a page is a stretch of a file, a block of it in memory.

The files of a window are read one after the other. A retry starts with the file that broke, as a
packed file can only be read from its start; within one attempt, the rest of it is requested.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import chain, islice

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.files_source import FilesSource
from include.ticklake.feed.paging import PageInfo
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block, in_blocks
from include.ticklake.model.unit import Unit
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.files.checksum import MAX_BYTES, Checksum, parse_checksum
from include.ticklake.sources.files.publication import FilePublication
from include.ticklake.sources.files.records import FileReader, read_records
from include.ticklake.sources.files.stored_files import BucketFiles, LocalFiles
from include.ticklake.sources.files.unpack import unpack
from include.ticklake.sources.files.web_files import WebFiles
from include.ticklake.sources.source import SourceContext

log = logging.getLogger(__name__)

STRETCH_BYTES = 8 * 1024**2
"""What a page holds of a file, unpacked."""
_CHECK_EVERY_ROWS = 1_000


class FilePage:
    """The next stretch of a file: iterate over it once, to the end."""

    def __init__(self, records: Iterator[Record], reader: FileReader, *, where: str) -> None:
        self.where = where
        self.rows = 0
        self.page_bytes = 0
        self.is_last = False
        self._records, self._reader = records, reader

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self.blocks())

    def blocks(self) -> Iterator[Block]:
        """Yield every record."""
        began_bytes = self._reader.body_bytes
        with _named(self.where):
            while not self.is_last and self.page_bytes < STRETCH_BYTES:
                before = self.rows
                for block in in_blocks(islice(self._records, _CHECK_EVERY_ROWS)):
                    self.rows += len(block)
                    yield block
                self.page_bytes = self._reader.body_bytes - began_bytes
                self.is_last = self.rows - before < _CHECK_EVERY_ROWS

    def info(self) -> PageInfo:
        """The number of rows: files are not paged."""
        return PageInfo(rows=self.rows)


def pages(
    feed: Feed,
    source: FilesSource,
    unit: Unit,
    *,
    context: SourceContext,
    cursor: str | None = None,
) -> Generator[tuple[str | None, FilePage], None, None]:
    """Yield (number of the file, page), and (None, page) for the rest of a file."""
    if context.room:  # packed, nothing says how much it is
        context.room.take_place()
    deadline = UnitDeadline(feed.limits, clock=context.clock)
    files = source.files(feed.source_values(unit.slice), unit.window)
    first = int(cursor or 0)
    with closing(_opened(feed, source, context, deadline)) as store:
        for number, addresses in enumerate(islice(files, first, None), first):
            where, start = store.where(addresses[0]), str(number)
            found = FilePublication(source=source, unit=unit, now_s=context.now_s())
            packed = found.read(store.chunks(addresses[0]), where=where, missing=source.missing)
            if packed is None:
                log.info("file.missing, which means that there are no records: %s", where)
                continue
            if len(addresses) > 1:
                packed = _verified(packed, found, store, addresses)
            max_bytes = feed.limits.max_page_bytes
            plain = unpack(packed, compression=source.packing, max_bytes=max_bytes)
            reader = read_records(plain, feed=feed, source=source, where=where)
            yield from _stretches(reader, where=where, cursor=start)


def _stretches(
    reader: FileReader, *, where: str, cursor: str
) -> Iterator[tuple[str | None, FilePage]]:
    records = iter(reader)
    page = FilePage(records, reader, where=where)
    yield cursor, page
    while not page.is_last:
        page = FilePage(records, reader, where=where)
        yield None, page


Store = WebFiles | BucketFiles | LocalFiles


def _opened(
    feed: Feed, source: FilesSource, context: SourceContext, deadline: UnitDeadline
) -> Store:
    if source.is_web:
        return WebFiles(feed, source, context, deadline)
    if source.scheme == "s3":
        return BucketFiles(source, context, deadline, env=os.environ)
    return LocalFiles(deadline, env=os.environ)


def _verified(
    packed: Iterator[bytes], found: FilePublication, store: Store, addresses: list[str]
) -> Iterator[bytes]:
    """The bytes of the file, compared at their end with the checksum beside it."""
    where = store.where(addresses[1])
    chunks = found.read(store.chunks(addresses[1]), where=where)
    checksum = _checksum(chunks, where=where, file_name=addresses[0].rpartition("/")[2])
    return checksum.verify(packed)


def _checksum(chunks: Iterator[bytes], *, where: str, file_name: str) -> Checksum:
    text = b""
    with _named(where):
        for chunk in chunks:
            text += chunk
            if len(text) > MAX_BYTES:
                raise SourceRefusedError(
                    f"longer than {MAX_BYTES} bytes, so no checksum; correct source.checksum"
                )
        return parse_checksum(text, file_name=file_name)


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Errors that name the file."""
    try:
        yield
    except (MalformedPageError, SourceRefusedError) as error:
        if str(error).startswith(where):
            raise
        named = type(error)(f"{where}: {error}")
        if isinstance(error, SourceRefusedError) and isinstance(named, SourceRefusedError):
            named.status = error.status
        raise named from None
