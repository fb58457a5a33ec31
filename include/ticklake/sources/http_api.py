"""An HTTP API as pages of records: asks, reads, asks again, holding one block in memory."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote

import msgspec
import requests
import tenacity

from include.ticklake import http
from include.ticklake.errors import PageBroken, RateLimited, Retryable, SourceRefused
from include.ticklake.feeds import Feed, Limits
from include.ticklake.moments import event_ns_of
from include.ticklake.paging import Ask, Pager, Seen
from include.ticklake.plan import Work
from include.ticklake.records import Reading, Record
from include.ticklake.templates import fill, window_values

log = logging.getLogger(__name__)

_WHOLE = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a page is asked for again, and how long we wait in between."""

    attempts: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 20.0
    sleep: Callable[[float], None] = time.sleep

    def tries(self, limits: Limits) -> tenacity.Retrying:
        """Attempts at what may pass, with exponential waits and jitter between them.

        A rate limit says itself how long; beyond ``limits.max_wait_s`` it is raised.
        """
        backoff = tenacity.wait_exponential_jitter(self.first_wait_s, self.longest_wait_s)

        def may_pass(wrong: BaseException) -> bool:
            if isinstance(wrong, RateLimited):
                return wrong.retry_after_s <= limits.max_wait_s
            return isinstance(wrong, Retryable)

        def wait_s(state: tenacity.RetryCallState) -> float:
            wrong = state.outcome.exception() if state.outcome else None
            return wrong.retry_after_s if isinstance(wrong, RateLimited) else backoff(state)

        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=wait_s,
            retry=tenacity.retry_if_exception(may_pass),
            sleep=self.sleep,
            reraise=True,
        )


class Page:
    """One page: iterate it once, to its end; then it can tell what it held."""

    def __init__(
        self, feed: Feed, request: http.Request, *, session: requests.Session, patience: Patience
    ) -> None:
        self.rows = 0
        self.page_bytes = 0
        self._feed, self._request = feed, request
        self._session, self._patience = session, patience
        self._first: Record | None = None
        self._last: Record | None = None
        self._headers: Mapping[str, str] = {}
        self._captured: Mapping[str, object] = {}

    def __iter__(self) -> Iterator[Record]:
        """Every record once, also when the page breaks midway and is asked for again."""
        for attempt in self._patience.tries(self._feed.limits):
            with attempt:
                yield from self._unread()

    def _unread(self) -> Iterator[Record]:
        source, limits = self._feed.source, self._feed.limits
        with http.get(self._request, session=self._session, limits=limits) as response:
            reading = Reading(
                response.chunks,
                records=source.records,
                columns=source.columns,
                capture=source.capture,
                max_record_bytes=limits.max_record_bytes,
            )
            try:
                for record in self._skip_read(iter(reading)):
                    if not self.rows:
                        self._first = record
                    self.rows += 1
                    self._last = record
                    yield record
            except (PageBroken, SourceRefused) as wrong:
                raise type(wrong)(f"{self._request}: {wrong}") from None
            self._headers, self._captured = response.headers, reading.captured
            self.page_bytes = reading.body_bytes

    def _skip_read(self, again: Iterator[Record]) -> Iterator[Record]:
        """Drop what the broken attempt had given, if the page still begins the same."""
        record: Record | None = None
        for _ in range(self.rows):
            record = next(again, None)
        if self.rows and (record is None or bytes(record) != bytes(self._last or b"")):
            raise PageBroken("changed between two attempts to read it")
        return again

    def seen(self) -> Seen:
        """What the pager wants to know of this page."""
        event_ns = event_ns_of(self._feed.event_time[1])
        return Seen(
            rows=self.rows,
            first=_decoded(self._first),
            last=_decoded(self._last),
            first_event_ns=event_ns(self._first) if self._first is not None else None,
            last_event_ns=event_ns(self._last) if self._last is not None else None,
            captured=self._captured,
            headers=self._headers,
        )


def pages(
    feed: Feed,
    work: Work,
    *,
    base_url: str | None = None,
    cursor: str | None = None,
    patience: Patience | None = None,
) -> Iterator[tuple[str | None, Page]]:
    """Yield (cursor, page) from *cursor* on; read each page to its end before the next.

    A cursor is where another process goes on with that page. *base_url* takes the place
    of the feed's own scheme and host.
    """
    values = feed.spelled(work.slice) | window_values(work.window)
    quoted = {name: quote(value, safe="") for name, value in values.items()}
    url = (base_url or feed.source.base_url).rstrip("/") + fill(feed.source.path, quoted)
    fixed = {name: fill(_text(value), values) for name, value in feed.source.params.items()}
    pager = feed.source.paging.pages(work.window, cursor=cursor)
    with requests.Session() as session:
        ask = next(pager, None)
        while ask is not None:
            params = {name: fill(value, values) for name, value in ask.params.items()}
            request = http.Request(url=url, params=fixed | params, headers=feed.source.headers)
            page = Page(feed, request, session=session, patience=patience or Patience())
            yield ask.cursor, page
            log.debug("page.read url=%s rows=%d bytes=%d", request, page.rows, page.page_bytes)
            ask = _next(pager, page.seen())


def _next(pager: Pager, seen: Seen) -> Ask | None:
    try:
        return pager.send(seen)
    except StopIteration:
        return None


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _decoded(record: Record | None) -> dict[str, object] | None:
    value = None if record is None else _WHOLE.decode(record)
    return value if isinstance(value, dict) else None
