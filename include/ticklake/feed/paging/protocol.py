"""What a pager and the client that drives it exchange, and the checks that all pagers share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from include.ticklake.errors import MalformedPageError
from include.ticklake.model.strict import StrictModel
from include.ticklake.model.window import Window

Params = Mapping[str, str]
ValidateFirst = Callable[[Mapping[str, object]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """The next request: parameters on top of the feed's own, or a complete URL."""

    params: Params
    cursor: str | None = None
    """Where another process can resume, with this request; None where it cannot."""
    url: str | None = None
    is_probe: bool = False
    """True for probe requests, whose records are discarded."""
    validate_first: ValidateFirst | None = None
    """Whether a page with this first record starts where it was requested to."""


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
    captured_options: ClassVar[tuple[str, ...]] = ()
    """The options that name a captured value: the feed must capture it."""


class Paging(Protocol):
    """A paging style: one method, called once per window."""

    @property
    def may_overlap(self) -> bool:
        """Whether two pages may hold the same record."""
        ...

    @property
    def has_history(self) -> bool:
        """Whether older records can be requested."""
        ...

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        """A pager that covers *window*, from *cursor* on when resuming."""
        ...


def is_past_window(info: PageInfo, window: Window) -> bool:
    """Whether all pages after this one are outside *window*, judged by the order of the page."""
    first, last = info.first_event_ns, info.last_event_ns
    if first is None or last is None:
        return False
    if last < first:
        return last < window.start_ns
    return first != last and last >= window.end_ns


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


def has_more(info: PageInfo, name: str) -> bool:
    """Whether the captured flag *name* says that there are more pages; a missing flag says no."""
    value = info.captured.get(name)
    flags = {"true": True, "1": True, "false": False, "0": False, "none": False, "": False}
    try:
        return flags[str(value).lower()]
    except KeyError:
        raise MalformedPageError(
            f"{name!r} is neither true nor false; check source.capture.{name}"
        ) from None


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
