"""What a pager and the client that drives it exchange, and the checks that all pagers share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol

from include.ticklake.errors import FeedFileError, MalformedPageError
from include.ticklake.model.param_values import SentValue
from include.ticklake.model.strict import StrictModel
from include.ticklake.model.window import Window

Params = Mapping[str, SentValue]
Order = Literal["ascending", "descending", "none"]
Edge = Literal["newest", "oldest", "either"]
AfterLastPage = Literal["empty", "repeated", "refused"]
ValidateFirst = Callable[[Mapping[str, object]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """The next request: parameters on top of the feed's own, or a complete URL."""

    params: Params
    """Parameters of the feed: their placeholders are filled."""
    source_params: Mapping[str, str] = field(default_factory=dict)
    """Parameters that the source itself returned: they are sent back as they came, a ``JsonText``
    as the JSON that it is where a body can hold it."""
    cursor: str | None = None
    """Where another process can resume, with this request; None where it cannot."""
    url: str | None = None
    is_probe: bool = False
    """True for probe requests, whose records are discarded."""
    validate_first: ValidateFirst | None = None
    """Whether a page with this first record starts where it was requested to."""
    after_last: AfterLastPage = "empty"
    """What the source may answer if there is no such page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInfo:
    """What a pager may know of a page; ``first`` and ``last`` are its records at both ends."""

    rows: int
    first: Mapping[str, object] | None = None
    last: Mapping[str, object] | None = None
    first_event_ns: int | None = None
    last_event_ns: int | None = None
    captured: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those of the response; a source's names are found in any case."""
    unnamed_columns: tuple[str, ...] = ()
    """Names of values in records that are arrays, for which the feed's columns have none."""
    is_full: bool = False
    """Whether it has as many records as its request names, so that there may be more."""
    repeats_previous: bool = False
    """Whether it starts as the page before, which a source may return again after its last one."""

    def may_start_again(self, edge: Edge) -> bool:
        """Whether the next page may start with the same record, since that is at its *edge*."""
        if self.first_event_ns is None or self.last_event_ns is None:
            return self.rows < 2
        if edge == "newest":
            return self.first_event_ns == self.newest_ns
        if edge == "oldest":
            return self.first_event_ns == self.oldest_ns
        return self.first_event_ns == self.last_event_ns

    @property
    def oldest_ns(self) -> int:
        """Event time of the older end of the page, whichever way it is ordered."""
        return min(_readable(self.first_event_ns), _readable(self.last_event_ns))

    @property
    def newest_ns(self) -> int:
        """Event time of the newer end of the page, whichever way it is ordered."""
        return max(_readable(self.first_event_ns), _readable(self.last_event_ns))

    def ids(self, name: str) -> tuple[int, int]:
        """The ids at both ends of the page, smaller first."""
        ids = [integer_at(record or {}, name) for record in (self.first, self.last)]
        return min(ids), max(ids)


Pager = Generator[PageRequest, PageInfo, None]


class PagingModel(StrictModel):
    """The base of every paging style; what a style declares of itself are class variables."""

    may_overlap: ClassVar[bool] = False
    """Whether two pages may hold the same record."""
    has_history: ClassVar[bool] = True
    """Whether older records can be requested; otherwise a full page may lack some."""
    edge_again: ClassVar[Edge] = "either"
    """The end of a page, by time, with which the next one may start."""
    captured_options: ClassVar[tuple[str, ...]] = ()
    """The options that name a captured value: the feed must capture it."""

    @property
    def shared_instant_ns(self) -> int:
        """Length of the instant that the next page repeats; 0 where pages are not cut by time."""
        return 0

    def param_names(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the parameters that its requests may have, each with its path in ``paging``."""
        for option, value in self:
            if isinstance(value, str) and (option == "param" or option.endswith("_param")):
                yield (option,), value
            for name in value if isinstance(value, dict) else ():
                yield (option, name), name

    def proves_empty(self, *, all_before: bool, newest_first: bool) -> bool:
        """Whether a window is empty whose records all lie on one side of it.

        *all_before*: before its start, else after its end. A source that ignores what it is
        asked for looks the same, so most styles prove nothing.
        """
        del all_before, newest_first
        return False


class Paging(Protocol):
    """A paging style: one method, called once per window."""

    @property
    def may_overlap(self) -> bool:
        """Whether two pages may hold the same record."""
        ...

    @property
    def shared_instant_ns(self) -> int:
        """Length of the instant that the next page repeats; 0 where pages are not cut by time."""
        ...

    @property
    def has_history(self) -> bool:
        """Whether older records can be requested."""
        ...

    def proves_empty(self, *, all_before: bool, newest_first: bool) -> bool:
        """Whether a window is empty whose records all lie on one side of it."""
        ...

    def pages(
        self, window: Window, *, cursor: str | None = None, order: Order = "ascending"
    ) -> Pager:
        """A pager that covers *window*, from *cursor* on when resuming.

        *order* is the feed's own: how records follow each other by event time.
        """
        ...


class WindowEdge:
    """Tells when all later pages are outside the window, by the order of the source.

    One page must cross the edge, and the next one be outside as a whole: a record that is slightly
    out of order may cross it before the last records inside have come. Without an order, no page
    says so.
    """

    def __init__(self, window: Window, order: Order) -> None:
        self._window, self._order = window, order
        self._crossed = ""

    def is_past(self, info: PageInfo) -> bool:
        """Whether the pages after this one hold no record of the window.

        Judged by the way the page itself runs: one of a single instant says nothing.
        """
        first, last = info.first_event_ns, info.last_event_ns
        if first is None or last is None or first == last:
            return False
        end_ns, start_ns = self._window.end_ns, self._window.start_ns
        if first < last:
            return self._is_past(crossed="end" if last >= end_ns else "", beyond=first >= end_ns)
        return self._is_past(crossed="start" if last < start_ns else "", beyond=first < start_ns)

    def is_past_end(self, info: PageInfo) -> bool:
        """The same, where pages go forward, whichever way each of them runs."""
        end_ns = self._window.end_ns
        crossed = "end" if info.newest_ns >= end_ns else ""
        return self._is_past(crossed=crossed, beyond=info.oldest_ns >= end_ns)

    def is_past_start(self, info: PageInfo) -> bool:
        """The same, where pages go backward, whichever way each of them runs."""
        start_ns = self._window.start_ns
        crossed = "start" if info.oldest_ns < start_ns else ""
        return self._is_past(crossed=crossed, beyond=info.newest_ns < start_ns)

    def _is_past(self, *, crossed: str, beyond: bool) -> bool:
        is_second = crossed == self._crossed != ""
        self._crossed = crossed if self._order != "none" else ""
        return is_second and beyond


class CycleDetector:
    """Detects cursors that repeat in a cycle of any length, remembering two of them (Brent)."""

    def __init__(self, first: object) -> None:
        self._previous = self._kept = first
        self._steps, self._limit = 0, 1

    def seen_before(self, cursor: object) -> bool:
        """Whether *cursor* repeats an earlier one; a cycle is detected after a few rounds."""
        if cursor in (self._previous, self._kept):
            return True
        self._previous, self._steps = cursor, self._steps + 1
        if self._steps == self._limit:
            self._kept, self._steps, self._limit = cursor, 0, 2 * self._limit
        return False


def one_instant(problem: str) -> MalformedPageError:
    """The error for paging by time where time leads no further."""
    return MalformedPageError(
        f"paging makes no progress: {problem}, so that records may be missing; set "
        "source.paging.page_rows if that page is not full, or page by id or cursor"
    )


def more_than_a_page(rows: int, advice: str) -> FeedFileError:
    """The error for a source that says that there is more than a page, where there is no other."""
    return FeedFileError(
        f"the page has {rows} records, and the source says that there are more; {advice}"
    )


def full_page(rows: int, advice: str) -> FeedFileError:
    """The error for a page at its cap, where no other page can hold what did not fit."""
    return FeedFileError(
        f"the page is full ({rows} records, source.paging.page_rows), so that records may be "
        f"missing; {advice}"
    )


def no_progress(problem: str) -> MalformedPageError:
    """The error for a page that would be requested twice."""
    return MalformedPageError(f"paging makes no progress: {problem}; check source.paging")


def _readable(event_ns: int | None) -> int:
    if event_ns is None:
        raise MalformedPageError(
            "the first or last record of the page has no readable event time; check its unit"
        )
    return event_ns


def integer_at(record: Mapping[str, object], name: str) -> int:
    """The integer in the field *name*, such as an id."""
    try:
        return int(str(record.get(name)))
    except ValueError:
        raise MalformedPageError(
            f"the first or last record of the page has no integer in {name!r}; "
            "check source.paging.field"
        ) from None
