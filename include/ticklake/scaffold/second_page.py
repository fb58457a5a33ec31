"""Ask for a second page as a drafted feed would, and keep the paging that brings other records.

A source that does not know a parameter sends its first page again: then another name is tried.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import NoReturn

from include.ticklake.errors import TicklakeError, UsageError
from include.ticklake.feed.limits import Limits
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.scaffold.draft_file import Draft
from include.ticklake.scaffold.infer_event_time import event_times_ns, infer_order
from include.ticklake.scaffold.infer_window import UNKNOWN
from include.ticklake.scaffold.logins import is_login
from include.ticklake.sources import source
from include.ticklake.sources.retries import SourceRetryPolicy
from include.ticklake.sources.source import Pages, SourceContext

MAX_DRAFTS = 5
"""Each costs two requests at most."""

_ONE_PAGE_KINDS = ("single", "newest_only")
_SEARCH_KIND = "id_search"
_SAMPLE_ROWS = 1_000
_NEW_SHARE = 0.5
"""Of a page, the least to be a second one: a newest page that is sent again has some new records,
too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPage:
    """What came when a second page was asked for."""

    works: bool
    note: str


def with_paging_seen(drafts: Sequence[Draft], *, limits: Limits) -> Draft:
    """The first of *drafts*, which differ by their paging, whose second page has other records.

    If none has, the first of all with a note of what came instead. A draft that has one page, or
    that cannot be asked as it is, stays as it is.
    """
    notes = []
    for draft in takewhile(_can_be_asked, drafts[:MAX_DRAFTS]):
        second = ask(draft, limits=limits)
        if second.works:
            return replace(draft, paging=replace(draft.paging, seen=second.note))
        notes.append(second.note)
    best = drafts[0]
    if not notes:
        return best
    reason = f"{best.paging.reason}; {notes[0]}"
    return replace(best, paging=replace(best.paging, reason=reason))


def _can_be_asked(draft: Draft) -> bool:
    kind = draft.paging.options["kind"]
    if kind in _ONE_PAGE_KINDS or kind == _SEARCH_KIND:  # a search takes many requests
        return False
    return UNKNOWN not in draft.text() and not any(
        is_login(name) for name, _ in draft.address.pairs
    )


def ask(draft: Draft, *, limits: Limits) -> SecondPage:
    """Ask for the first page and the one after it, once each."""
    feed = draft.feed().model_copy(update={"limits": limits})
    unit = Unit(feed.first_slice, _window(draft))
    try:
        with closing(source.pages(feed, unit, context=_context())) as pages:
            return _compare(pages)
    except TicklakeError as error:
        return SecondPage(works=False, note=f"a second page did not come: {error}")


def _compare(pages: Pages) -> SecondPage:
    first_rows, first = _read(pages)
    if not first:
        return SecondPage(works=False, note="the first page of the feed had no records")
    second_rows, second = _read(pages)
    if not second_rows:
        return SecondPage(
            works=False, note="not seen working: the first page said that it is the last"
        )
    new = sum(record not in first for record in second)
    if new < _NEW_SHARE * len(second):
        return SecondPage(works=False, note="but its second page has the first one's records")
    return SecondPage(
        works=True, note=f"a second page of {second_rows} records came after one of {first_rows}"
    )


def _read(pages: Pages) -> tuple[int, set[int]]:
    """The number of records in the next page, and what tells its first thousand from others."""
    _, page = next(pages, (None, None))
    if page is None:
        return 0, set()
    records = iter(page)
    sample = {hash(bytes(record)) for record in islice(records, _SAMPLE_ROWS)}
    deque(records, maxlen=0)  # each page must be read to its end
    return page.rows, sample


def _window(draft: Draft) -> Window:
    """A time that holds the page's records and as long again, in the direction of its order."""
    event_time = draft.event_time
    times_ns = event_times_ns(event_time) if event_time else []
    if event_time is None or not times_ns:
        end = datetime.now(UTC).replace(microsecond=0)
        return Window(end - timedelta(hours=1), end)
    first_s, last_s = min(times_ns) // 10**9, max(times_ns) // 10**9 + 1
    order, length_s = infer_order(event_time), max(last_s - first_s, 60)
    return Window(
        _at(first_s if order == "ascending" else first_s - length_s),
        _at(last_s if order == "descending" else last_s + length_s),
    )


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _context() -> SourceContext:
    return SourceContext(
        get_credentials=_no_connection,
        connect=_no_connection,
        retry_policy=SourceRetryPolicy(max_attempts=1),
    )


def _no_connection(connection: str) -> NoReturn:
    raise UsageError(f"a draft has no connection, but asks for {connection!r}")
