"""An HTTP API as pages of records: asks, reads, asks again, holding one block in memory."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from decimal import Decimal

import msgspec

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.paging import PageInfo, Pager
from include.ticklake.feed.paging.protocol import PageRequest, ValidateFirst
from include.ticklake.feed.placeholders import window_values
from include.ticklake.model.record import Record
from include.ticklake.model.unit import Unit
from include.ticklake.sources.event_time import event_ns_of
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.client import ApiClient, captures, raise_if_failed
from include.ticklake.sources.json.page_reader import JsonPageReader
from include.ticklake.sources.source import SourceContext

log = logging.getLogger(__name__)

_WHOLE = msgspec.json.Decoder(float_hook=Decimal)


class HttpPage:
    """One page: iterate it once, to its end; then it can tell what it held."""

    def __init__(
        self,
        feed: Feed,
        source: HttpSource,
        request: transport.HttpRequest,
        conversation: ApiClient,
        *,
        before: HttpPage | None,
        validate_first: ValidateFirst | None = None,
    ) -> None:
        self.rows = 0
        self.page_bytes = 0
        self._source, self._request, self._conversation = source, request, conversation
        self._max_record_bytes = feed.limits.max_record_bytes
        self._event_ns = event_ns_of(feed)
        self._before, self._validate_first = before._first if before else None, validate_first
        self._first: Record | None = None
        self._last: Record | None = None
        self._headers: Mapping[str, str] = {}
        self._captured: Mapping[str, object] = {}

    def __iter__(self) -> Iterator[Record]:
        """Every record once, also when the page breaks midway and is asked for again."""
        for attempt in self._conversation.tries():
            with attempt:
                yield from self._unread()

    def _unread(self) -> Iterator[Record]:
        with self._conversation.get(self._request) as response:
            reading = JsonPageReader(
                response.chunks,
                records=self._source.records,
                columns=self._source.columns,
                capture=captures(self._source),
                max_record_bytes=self._max_record_bytes,
            )
            try:
                for record in self._skip_read(iter(reading)):
                    if not self.rows:
                        self._begin(record)
                    self.rows += 1
                    self._last = record
                    yield record
            except (MalformedPageError, SourceRefusedError) as wrong:
                self._raise_if_failed(reading.captured)
                raise type(wrong)(f"{self._request}: {self._request.clean(str(wrong))}") from None
            self._raise_if_failed(reading.captured)
            self._headers, self._captured = response.headers, reading.captured
            self.page_bytes = reading.body_bytes

    def _skip_read(self, again: Iterator[Record]) -> Iterator[Record]:
        """Drop what a broken attempt has given, if the page still begins the same."""
        record: Record | None = None
        for _ in range(self.rows):
            record = next(again, None)
        if self.rows and (record is None or bytes(record) != bytes(self._last or b"")):
            raise MalformedPageError("changed between two attempts to read it")
        return again

    def _begin(self, record: Record) -> None:
        """Refuse another page under this one's address: its records would be stored twice."""
        if self._before is not None and bytes(record) == bytes(self._before):
            raise MalformedPageError("is the page before it once more")
        if self._validate_first and not self._validate_first(_decoded(record) or {}):
            raise MalformedPageError("does not begin where it was asked to")
        self._first = record

    def _raise_if_failed(self, captured: Mapping[str, object]) -> None:
        if self._source.errors:
            raise_if_failed(self._source.errors, captured, request=self._request)

    def seen(self) -> PageInfo:
        """What the pager wants to know of this page."""
        first, last = self._first, self._last
        return PageInfo(
            rows=self.rows,
            first=_decoded(first),
            last=_decoded(last),
            first_event_ns=self._event_ns(first) if first is not None else None,
            last_event_ns=self._event_ns(last) if last is not None else None,
            captured=self._captured,
            headers=self._headers,
        )


def pages(
    feed: Feed,
    source: HttpSource,
    work: Unit,
    *,
    access: SourceContext,
    cursor: str | None = None,
) -> Generator[tuple[str | None, HttpPage]]:
    """Yield (cursor, page) from *cursor* on; read each page to its end before the next.

    A cursor is where another process goes on with that page.
    """
    conversation = ApiClient(
        source,
        feed.limits,
        values=feed.source_values(work.slice) | window_values(work.window),
        base_url=access.base_url,
        patience=access.patience,
        lookup=access.lookup,
    )
    with closing(conversation):
        pager = source.paging.pages(work.window, cursor=cursor)
        ask, before = next(pager, None), None
        while ask is not None:
            request = conversation.request(ask)
            page = HttpPage(
                feed,
                source,
                request,
                conversation,
                before=before,
                validate_first=ask.validate_first,
            )
            # A search may well end with the record that the first page begins with.
            before = None if ask.is_probe else page
            if ask.is_probe:
                deque(page, maxlen=0)
            else:
                yield ask.cursor and conversation.without_login(ask.cursor), page
            log.debug("page.read url=%s rows=%d bytes=%d", request, page.rows, page.page_bytes)
            ask = _next(pager, page.seen(), where=request)


def _next(pager: Pager, seen: PageInfo, *, where: transport.HttpRequest) -> PageRequest | None:
    try:
        return pager.send(seen)
    except StopIteration:
        return None
    except MalformedPageError as wrong:
        raise MalformedPageError(f"{where}: {wrong}") from None


def _decoded(record: Record | None) -> dict[str, object] | None:
    """*record* as an object; None where it is none that can be read."""
    try:
        value = None if record is None else _WHOLE.decode(record)
    except (msgspec.MsgspecError, ArithmeticError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
