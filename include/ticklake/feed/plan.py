"""A feed and an interval in, units of work out: slices x windows, and batches of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.model.case_clashes import case_clashes
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import split_range


def plan_units(
    feed: Feed, *, start: datetime, end: datetime, slices: Iterable[Slice] | None = None
) -> Iterator[Unit]:
    """Every unit of *feed* that ``[start, end)`` touches; all slices where none are named."""
    named = dict.fromkeys(normalize_slice(feed, piece) for piece in slices or ())
    _refuse_twins(named)
    for piece in named or feed.all_slices:
        for window in split_range(start, end, length=feed.window):
            yield Unit(piece, window)


def normalize_slice(feed: Feed, piece: Slice) -> Slice:
    """*piece* with its names checked and in the feed's order.

    Values need not be among those that the feed lists: the source knows which exist. But
    they may not differ from a listed one by case only.
    """
    values = piece.as_dict()
    names = [name for name, _ in piece.values]
    if sorted(names) != sorted(feed.slices) or not all(values.values()):
        wanted = ", ".join(feed.slices) or "no slice"
        raise UsageError(f"{feed.name} is sliced by {wanted}; {str(piece)!r} does not fit that")
    for name, listed in feed.slices.items():
        for known in map(str, listed):
            if values[name] != known and values[name].casefold() == known.casefold():
                raise UsageError(
                    f"{feed.name} writes {name}={known}; did you mean that by {values[name]!r}?"
                )
    return Slice(tuple((name, values[name]) for name in feed.slices))


def batches(works: Iterable[Unit], *, batches_max: int) -> list[list[Unit]]:
    """At most *batches_max* batches of nearly the same size, in order."""
    if batches_max < 1:
        raise UsageError(f"{batches_max} batches hold no work; ask for one or more")
    units = list(works)
    count = min(batches_max, len(units))
    bounds = [len(units) * n // count for n in range(count + 1)] if count else []
    return [units[first:last] for first, last in pairwise(bounds)]


def _refuse_twins(named: Iterable[Slice]) -> None:
    """File systems and query engines mix up what differs by case only."""
    for first, second in case_clashes(piece.path for piece in named):
        raise UsageError(f"slices {first!r} and {second!r} differ by case only")
