"""Sources that exist only in memory: what a paged API answers, without the API.

A source is asked with ``Ask`` and gives a page: records, captured values and headers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from include.ticklake.errors import PageBroken
from include.ticklake.paging import Ask, Pager, Seen

Row = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One page; records have an ``id`` and a time ``t`` in milliseconds."""

    rows: list[Row]
    captured: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


Source = Callable[[Ask], Answer]


def seen(answer: Answer) -> Seen:
    first, last = (answer.rows[0], answer.rows[-1]) if answer.rows else (None, None)
    return Seen(
        rows=len(answer.rows),
        first=first,
        last=last,
        first_event_ns=None if first is None else int(str(first["t"])) * 10**6,
        last_event_ns=None if last is None else int(str(last["t"])) * 10**6,
        captured=answer.captured,
        headers=answer.headers,
    )


def walk(pager: Pager, source: Source, *, pages_max: int = 10_000) -> list[tuple[Ask, list[Row]]]:
    """Every request with its page; pages that only searched are not among them.

    A page that does not begin where it was asked to is refused, as in ``http_api``.
    """
    found = []
    ask = next(pager, None)
    while ask is not None:
        assert len(found) < pages_max, "paging does not end"
        answer = source(ask)
        if ask.fits and answer.rows and not ask.fits(answer.rows[0]):
            raise PageBroken("does not begin where it was asked to")
        if not ask.searching:
            found.append((ask, answer.rows))
        try:
            ask = pager.send(seen(answer))
        except StopIteration:
            ask = None
    return found
