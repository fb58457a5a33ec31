"""The words that a pager and its reader exchange, and the guards that all pagers share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from include.ticklake.errors import MalformedPageError
from include.ticklake.model.window import Window

Params = Mapping[str, str]
ValidateFirst = Callable[[Mapping[str, object]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """The next request: parameters on top of the feed's own, or a whole address."""

    params: Params
    cursor: str | None = None
    """All that a pager needs to go on from this request in another process."""
    url: str | None = None
    is_probe: bool = False
    """Whether this page only helps to find the way: its records are no one's."""
    validate_first: ValidateFirst | None = None
    """What the first record must be like: with another one, this is not the page asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInfo:
    """What one page held; ``first`` and ``last`` are whole records, numbers exact."""

    rows: int
    first: Mapping[str, object] | None = None
    last: Mapping[str, object] | None = None
    first_event_ns: int | None = None
    last_event_ns: int | None = None
    captured: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def oldest_ns(self) -> int:
        """Event time of the older end of the page, whichever way it is ordered."""
        return min(_known(self.first_event_ns), _known(self.last_event_ns))

    @property
    def newest_ns(self) -> int:
        """Event time of the newer end of the page."""
        return max(_known(self.first_event_ns), _known(self.last_event_ns))

    def ids(self, name: str) -> tuple[int, int]:
        """The ids at both ends of the page, smaller first."""
        found = [integer_at(record or {}, name) for record in (self.first, self.last)]
        return min(found), max(found)


Pager = Generator[PageRequest, PageInfo, None]


class Paging(Protocol):
    """How a source is paged: one method, called once per window."""

    @property
    def may_overlap(self) -> bool:
        """Whether two pages may hold the same record."""
        ...

    def pages(self, window: Window, *, cursor: str | None = None) -> Pager:
        """The conversation that covers *window*, from *cursor* on when resuming."""
        ...


def is_past_window(seen: PageInfo, window: Window) -> bool:
    """Whether pages beyond this one lie outside *window*, judged by the way the page runs."""
    first, last = seen.first_event_ns, seen.last_event_ns
    if first is None or last is None:
        return False
    if last < first:
        return last < window.start_ns
    return first != last and last >= window.end_ns


class CycleDetector:
    """Notices cursors that lead in a circle of any length, and remembers two of them (Brent)."""

    def __init__(self, first: object) -> None:
        self._before = self._kept = first
        self._steps, self._limit = 0, 1

    def seen_before(self, cursor: object) -> bool:
        """Whether *cursor* was there before; in a circle it is noticed after a few turns."""
        if cursor in (self._before, self._kept):
            return True
        self._before, self._steps = cursor, self._steps + 1
        if self._steps == self._limit:
            self._kept, self._steps, self._limit = cursor, 0, 2 * self._limit
        return False


def has_more(seen: PageInfo, name: str) -> bool:
    """Whether the captured flag *name* says that there are more pages; absent, it says no."""
    value = seen.captured.get(name)
    words = {"true": True, "1": True, "false": False, "0": False, "none": False, "": False}
    try:
        return words[str(value).lower()]
    except KeyError:
        raise MalformedPageError(
            f"{name!r} is neither true nor false; check capture.{name}"
        ) from None


def no_progress(what: str) -> MalformedPageError:
    """The error for a page that would be asked for twice."""
    return MalformedPageError(
        f"paging is stuck: {what}, so the next request would be the same again"
    )


def _known(event_ns: int | None) -> int:
    if event_ns is None:
        raise MalformedPageError(
            "a record at a page's edge has no readable event time; check its unit"
        )
    return event_ns


def integer_at(record: Mapping[str, object], name: str) -> int:
    """The whole number under *name*, such as an id."""
    try:
        return int(str(record.get(name)))
    except ValueError:
        raise MalformedPageError(
            f"a record at a page's edge has no whole number in {name!r}; check paging.field"
        ) from None
