"""Sources that exist only in memory: what a paged API answers, without the API.

A source is asked with ``Ask`` and gives a page: records, captured values and headers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.paging import PageInfo, Pager, PageRequest

Row = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One page; records have an ``id`` and a time ``t`` in milliseconds."""

    rows: list[Row]
    captured: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


Source = Callable[[PageRequest], Answer]


def seen(answer: Answer) -> PageInfo:
    first, last = (answer.rows[0], answer.rows[-1]) if answer.rows else (None, None)
    return PageInfo(
        rows=len(answer.rows),
        first=first,
        last=last,
        first_event_ns=None if first is None else int(str(first["t"])) * 10**6,
        last_event_ns=None if last is None else int(str(last["t"])) * 10**6,
        captured=answer.captured,
        headers=answer.headers,
    )


def walk(
    pager: Pager, source: Source, *, pages_max: int = 10_000
) -> list[tuple[PageRequest, list[Row]]]:
    """Every request with its page; pages that only searched are not among them.

    A page that does not begin where it was asked to is refused, as in ``http_api``.
    """
    found = []
    ask = next(pager, None)
    while ask is not None:
        assert len(found) < pages_max, "paging does not end"
        answer = source(ask)
        if ask.validate_first and answer.rows and not ask.validate_first(answer.rows[0]):
            raise MalformedPageError("does not begin where it was asked to")
        if not ask.is_probe:
            found.append((ask, answer.rows))
        try:
            ask = pager.send(seen(answer))
        except StopIteration:
            ask = None
    return found
