"""A feed and an interval in, units of work out: slices x windows, and batches of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from include.ticklake.errors import CallInvalid
from include.ticklake.feeds import Feed
from include.ticklake.names import twins
from include.ticklake.slices import Slice
from include.ticklake.windows import Window, cut


@dataclass(frozen=True, slots=True, order=True)
class Work:
    """What is extracted, converted and committed as one: a slice and a window."""

    slice: Slice
    window: Window

    def as_dict(self) -> dict[str, object]:
        """For XCom: plain JSON."""
        return {"slice": self.slice.as_dict(), "window": self.window.name}

    @classmethod
    def of(cls, plain: Mapping[str, object]) -> Work:
        """The inverse of ``as_dict``."""
        piece, window = plain["slice"], plain["window"]
        if not isinstance(piece, dict):
            raise CallInvalid(f"{piece!r} is not a slice; write it as {{'symbol': 'BTCUSDT'}}")
        return cls(Slice.of(piece), Window.parse(str(window)))


def plan(
    feed: Feed, *, start: datetime, end: datetime, slices: Iterable[Slice] | None = None
) -> Iterator[Work]:
    """Every unit of *feed* that ``[start, end)`` touches; all slices where none are named."""
    named = dict.fromkeys(complete(feed, piece) for piece in slices or ())
    _refuse_twins(named)
    for piece in named or feed.all_slices:
        for window in cut(start, end, length=feed.window):
            yield Work(piece, window)


def complete(feed: Feed, piece: Slice) -> Slice:
    """*piece* with its names checked and in the feed's order.

    Values need not be among those that the feed lists: the source knows which exist. But
    they may not differ from a listed one by case only.
    """
    values = piece.as_dict()
    names = [name for name, _ in piece.values]
    if sorted(names) != sorted(feed.slices) or not all(values.values()):
        wanted = ", ".join(feed.slices) or "no slice"
        raise CallInvalid(f"{feed.name} is sliced by {wanted}; {str(piece)!r} does not fit that")
    for name, listed in feed.slices.items():
        for known in map(str, listed):
            if values[name] != known and values[name].casefold() == known.casefold():
                raise CallInvalid(
                    f"{feed.name} writes {name}={known}; did you mean that by {values[name]!r}?"
                )
    return Slice(tuple((name, values[name]) for name in feed.slices))


def batches(works: Iterable[Work], *, batches_max: int) -> list[list[Work]]:
    """At most *batches_max* batches of nearly the same size, in order."""
    if batches_max < 1:
        raise CallInvalid(f"{batches_max} batches hold no work; ask for one or more")
    units = list(works)
    count = min(batches_max, len(units))
    bounds = [len(units) * n // count for n in range(count + 1)] if count else []
    return [units[first:last] for first, last in pairwise(bounds)]


def _refuse_twins(named: Iterable[Slice]) -> None:
    """File systems and query engines mix up what differs by case only."""
    for first, second in twins(piece.path for piece in named):
        raise CallInvalid(f"slices {first!r} and {second!r} differ by case only")
