"""An HTTP API as pages of records, holding one block of a page in memory."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from decimal import Decimal
from itertools import chain
from typing import NamedTuple

import msgspec

from include.ticklake.errors import FeedFileError, MalformedPageError, SourceRefusedError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.paging import PageInfo, Pager
from include.ticklake.feed.paging.protocol import AfterLastPage, PageRequest, ValidateFirst
from include.ticklake.feed.paging.signals import starts_over
from include.ticklake.feed.read_names import read_names
from include.ticklake.model.json_members import decode_scalars
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block
from include.ticklake.model.unit import Unit
from include.ticklake.sources.event_time import event_ns_of
from include.ticklake.sources.http.client import ApiClient
from include.ticklake.sources.http.page_body import PageBody
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.record_digest import record_digest
from include.ticklake.sources.source import SourceContext
from include.ticklake.sources.text.feed_texts import read_columns

log = logging.getLogger(__name__)

_NO_SUCH_PAGE = (400, 404, 416, 422)
_MAX_EMPTY_PAGES = 100
"""In a row: a source whose cursor moves with the clock would be asked without end."""

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_LONG_BYTES = 64 * 1024
"""Of longer records no list is built: a million numbers take twenty times their text."""


class PageStart(NamedTuple):
    """How a page starts: what the next one is compared with.

    A page itself would hold the one before it, and with it all of them and their blocks.
    """

    digest: str
    may_come_again: bool
    """The next page may start with the same record, as that is at the edge requested again."""


class HttpPage:
    """One page: iterate over it once, to the end, and then ask for its info."""

    def __init__(
        self,
        feed: Feed,
        source: HttpSource,
        request: HttpRequest,
        client: ApiClient,
        *,
        previous: PageStart | None,
        validate_first: ValidateFirst | None = None,
        after_last: AfterLastPage = "empty",
    ) -> None:
        self.rows = 0
        self.page_bytes = 0
        self._source, self._request, self._client = source, request, client
        self._max_record_bytes = feed.limits.max_record_bytes
        self._required = read_columns(feed)
        self._names = frozenset(read_names(feed)) - {source.key_as, *source.add}
        self._event_ns, self._digest = event_ns_of(feed), record_digest(feed)
        self._previous = previous
        self._validate_first = validate_first
        self._after_last = after_last
        self._first: Record | None = None
        self._last: Record | None = None
        self._headers: Mapping[str, str] = {}
        self._captured: Mapping[str, object] = {}
        self._unnamed_columns: tuple[str, ...] = ()
        self._misfit = ""

    def __iter__(self) -> Iterator[Record]:
        for block in self.blocks():
            yield from block

    def blocks(self) -> Iterator[Block]:
        """Every record once, also when the page breaks midway and is requested again."""
        try:
            for attempt in self._client.attempts():
                with attempt:
                    yield from self._read_once()
        except SourceRefusedError as error:
            if self._after_last != "refused" or error.status not in _NO_SUCH_PAGE or self.rows:
                raise

    def _read_once(self) -> Iterator[Block]:
        """Yield the records of one response that no earlier attempt has yielded."""
        with self._client.send(self._request) as (request, response):
            body = PageBody(
                response,
                self._source,
                request=request,
                max_record_bytes=self._max_record_bytes,
                required=self._required,
            )
            with body.failures():
                blocks = self._client.without_secrets(body.blocks())
                for block in self._skip_already_yielded(blocks):
                    if self._first is None:
                        self._find_first(block, body)
                    self.rows += len(block)
                    self._last = block[-1]
                    yield block
            if self._last is not None and body.misfit(self._last):
                self._last = body.last_object or self._last
            self._headers, self._captured = response.headers, body.captured
            self._unnamed_columns = body.unnamed_columns
            self.page_bytes = body.size_bytes

    def _skip_already_yielded(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Drop what an interrupted attempt has yielded, if the page still starts the same."""
        left = self.rows
        while left:
            block = next(blocks, None)
            if block is not None and len(block) < left:
                left -= len(block)
                continue
            if block is None or bytes(block[left - 1]) != bytes(self._last or b""):
                raise MalformedPageError("changed between two attempts to read it")
            return chain([block[left:]] if block[left:] else [], blocks)
        return blocks

    def _find_first(self, block: Block, body: PageBody) -> None:
        for record in block:
            if self._first is None:
                self._check_first(record, body)

    def _check_first(self, record: Record, body: PageBody) -> None:
        """Refuse a page other than the requested one: its records would be stored twice.

        An array that lacks values has no names: conversion refuses it, and the next one counts.
        """
        if misfit := body.misfit(record):
            self._misfit = misfit
            return
        if self._source.shape == "object":
            self._check_names(record)
        if self._validate_first and not self._validate_first(_as_object(record) or {}):
            raise MalformedPageError("does not start at the requested cursor; check source.paging")
        if self._after_last != "repeated" and self._repeats_previous(record):
            raise MalformedPageError(
                f"repeats the previous page: {starts_over(self._source.paging)}"
            )
        self._first = record

    def _check_names(self, record: Record) -> None:
        """Refuse an object that no field reads: it may be an error, which has other names."""
        members = _as_object(record)
        if members and self._names and self._names.isdisjoint(members):
            raise SourceRefusedError(
                f"the object at {self._source.records!r} has none of the names that fields read; "
                "correct source.records, or say in source.errors how failures are reported"
            )

    @property
    def where(self) -> str:
        """The request, with its secrets masked."""
        return str(self._request)

    @property
    def misfit(self) -> str:
        """Why no record of the page has names, where all are arrays that lack values."""
        return self._misfit if self._first is None else ""

    def info(self) -> PageInfo:
        """What the pager needs to know of this page."""
        first, last = self._first, self._last
        return PageInfo(
            rows=self.rows,
            first=_as_object(first),
            last=_as_object(last),
            first_event_ns=self._event_ns(first) if first is not None else None,
            last_event_ns=self._event_ns(last) if last is not None else None,
            captured=self._captured,
            headers=self._headers,
            unnamed_columns=self._unnamed_columns,
            is_full=self.rows > 0 and self._request.names_number(self.rows),
            repeats_previous=first is not None and self._repeats_previous(first),
        )

    def start(self) -> PageStart | None:
        """How it started; None for a page without records."""
        if self._first is None or self._last is None:
            return None
        may_come_again = self.info().may_start_again(self._source.paging.edge_again)
        return PageStart(self._digest(self._first), may_come_again)

    def _repeats_previous(self, first: Record) -> bool:
        """Whether a page that starts with *first* is the one before, though its prices may differ.

        It may start with the same record where that is at the edge that is requested again.
        """
        previous = self._previous
        if previous is None or self._digest(first) != previous.digest:
            return False
        return self._after_last == "repeated" or not previous.may_come_again


def pages(
    feed: Feed,
    source: HttpSource,
    unit: Unit,
    *,
    context: SourceContext,
    cursor: str | None = None,
) -> Generator[tuple[str | None, HttpPage]]:
    """Yield (cursor, page) from *cursor* on; read each page to its end before the next.

    Another process can resume at each cursor.
    """
    client = ApiClient(feed, source, unit, context)
    with closing(client):
        pager = source.paging.pages(unit.window, cursor=cursor, order=feed.order)
        page_request, previous = next(pager, None), None
        read_pages = empty_pages = 0
        while page_request is not None:
            request = client.http_request(page_request)
            page = HttpPage(
                feed,
                source,
                request,
                client,
                previous=previous,
                validate_first=page_request.validate_first,
                after_last=page_request.after_last,
            )
            if page_request.is_probe:
                deque(page.blocks(), maxlen=0)
            else:
                yield client.resumable(page_request.cursor), page
            log.debug("page.read url=%s rows=%d bytes=%d", request, page.rows, page.page_bytes)
            read_pages += 1
            empty_pages = 0 if page.rows else empty_pages + 1
            is_probe, page_request = page_request.is_probe, _next_request(pager, page)
            # A search may well end with the record that the first page starts with.
            previous = None if is_probe else page.start()
            if page_request is not None:
                _check_limits(feed, read_pages, empty_pages, where=request)
                client.deadline.check(request)


def _next_request(pager: Pager, page: HttpPage) -> PageRequest | None:
    try:
        return pager.send(page.info())
    except StopIteration:
        return None
    except (MalformedPageError, FeedFileError, SourceRefusedError) as error:
        problem = f"{page.misfit}; correct source.columns" if page.misfit else error
        raise type(error)(f"{page.where}: {problem}") from None


def _check_limits(feed: Feed, read_pages: int, empty_pages: int, *, where: HttpRequest) -> None:
    """Refuse paging that does not end: the source would be asked forever."""
    if read_pages >= feed.limits.max_pages:
        raise MalformedPageError(
            f"{where}: {read_pages} pages were read, and there are more; "
            "check source.paging, choose a shorter window, or raise limits.max_pages"
        )
    if empty_pages >= _MAX_EMPTY_PAGES:
        raise MalformedPageError(
            f"{where}: {empty_pages} pages in a row had no records, and the source names a next "
            "one; check source.paging (end_cursors)"
        )


def _as_object(record: Record | None) -> dict[str, object] | None:
    """*record* as an object, its numbers exact; None where it is not a readable object."""
    try:
        if record is not None and len(memoryview(record)) > _LONG_BYTES:
            return _long_object(bytes(record))
        value = None if record is None else _DECODER.decode(record)
    except (msgspec.MsgspecError, ArithmeticError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _long_object(record: bytes) -> dict[str, object] | None:
    if not record.startswith(b"{"):
        return None
    return decode_scalars(record, _DECODER.decode)
