"""What becomes of the list in force when its source is read again. Nothing is read here.

A value that is new joins, one that is gone leaves and is kept with the time at which it did. A
list that is empty, or that lost more than the feed allows, changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from include.ticklake.lake.slice_lists import Listing, ListProblem, ListSource, ValueList
from include.ticklake.model.shares import allowed_part, format_share

_LISTINGS_KEPT = 100
"""Of a value that comes and goes: the latest."""


class ListReading(NamedTuple):
    """What one reading of the source gave."""

    source: ListSource
    as_of_ms: int
    digest: str
    values: Sequence[str]
    left_out: tuple[str, ...] = ()
    left_out_rows: int = 0


class RefusedListError(Exception):
    """A reading does not come into force; the message says why."""


def renewed(
    current: ValueList | None,
    reading: ListReading,
    *,
    may_shrink: float,
    now_ms: int,
    feed: str,
    accepts_shrink: bool = False,
) -> ValueList:
    """The list that is in force after *reading*; ``RefusedListError`` where *current* stays.

    Where the feed's file names another source than before, the old list says nothing about the
    size of the new one: it is taken as it is, from now on.
    """
    if not reading.values:
        raise RefusedListError("it is empty")
    is_same_source = current is not None and current.source == reading.source
    if current is None or not is_same_source:
        at_ms = reading.as_of_ms if current is None else now_ms
    elif reading.as_of_ms < current.as_of_ms:
        raise RefusedListError("it is older than the one in force")
    else:
        at_ms = reading.as_of_ms
        if not accepts_shrink:
            _refuse_shrunken(current.in_force, reading.values, may_shrink=may_shrink, feed=feed)
    return ValueList(
        source=reading.source,
        as_of_ms=reading.as_of_ms,
        digest=reading.digest,
        values=_listings(current, reading.values, at_ms=at_ms),
        left_out=reading.left_out,
        left_out_rows=reading.left_out_rows,
    )


def with_problem(current: ValueList, text: str, *, now_ms: int) -> ValueList:
    """*current*, still in force, with what keeps a newer one from it, and since when."""
    since_ms = current.problem.since_ms if current.problem else now_ms
    return replace(current, problem=ListProblem(since_ms=since_ms, text=text))


def _refuse_shrunken(
    old: Sequence[str], new: Sequence[str], *, may_shrink: float, feed: str
) -> None:
    gone = sorted(set(old) - set(new))
    if len(gone) <= allowed_part(len(old), may_shrink):
        return
    raise RefusedListError(
        f"{len(gone)} of {len(old)} values are gone, such as {gone[0]!r}, more than may_shrink "
        f"allows ({format_share(may_shrink)}); if that is right, run `slices {feed} "
        "--accept-shrink`"
    )


def _listings(
    current: ValueList | None, values: Sequence[str], *, at_ms: int
) -> dict[str, tuple[Listing, ...]]:
    listings = dict(current.values) if current else {}
    listed = set(values)
    for value in listed | set(listings):
        known = listings.get(value, ())
        is_listed = bool(known) and known[-1].until_ms is None
        if value in listed and not is_listed:
            listings[value] = (*known, Listing(at_ms))[-_LISTINGS_KEPT:]
        elif value not in listed and is_listed:
            listings[value] = (*known[:-1], Listing(known[-1].since_ms, at_ms))
    return dict(sorted(listings.items()))
