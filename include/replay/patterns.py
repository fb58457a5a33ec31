"""One hour of trades without a price level: the shape that market hours are made from.

A market has a fixed number of patterns. An hour of a symbol is one of them, moved and stretched:
``price = open + step * walk[k]`` and ``quantity = lot * size[k]``. Both are linear, so the sums
over any minutes of an hour follow from the sums over the pattern's minutes: a candle of a month
costs no more than its hours, and is exactly the candle of its trades.

Inside an hour trades come in bursts that share a millisecond, one of them of 2 % of the hour, and
every hundredth trade shares its millisecond with the trade before, so that pages cut through
bursts. The first trade falls into the hour's first millisecond, the last into its last one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from include.replay import noise
from include.replay.candles import HOUR_MS, MINUTE_MS

_MS_NS = 1_000_000
_BLOCK = 32  # in each block of trades one taker order has three of them: 30 aggregates
_AGGREGATES = _BLOCK - 2
_LAST_MS = HOUR_MS - 1


class Tally(NamedTuple):
    """Sums over neighbouring trades of a pattern; ``weighted`` sums are of size x walk."""

    first: int
    high: int
    low: int
    last: int
    size: int
    weighted: int
    taker_size: int
    taker_weighted: int
    trades: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The small part of a pattern: what candles need."""

    starts: tuple[int, ...]  # index of the first trade of each minute, and of the next hour
    minutes: tuple[Tally | None, ...]
    hour: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """The large part of a pattern: columns with one value per trade."""

    time_ns: array[int]  # since the start of the hour, strictly ascending
    walk: array[int]
    size: array[int]
    maker: bytearray  # 1 where the buyer was the maker
    merges: bytearray  # per block: index of the first trade of the order that has three

    def at_or_after(self, ms: int) -> int:
        """Index of the first trade at or after *ms* of the hour."""
        return bisect_left(self.time_ns, ms * _MS_NS)

    def aggregate_of(self, k: int) -> int:
        """Index of the aggregate that trade *k* belongs to."""
        block, place = divmod(k, _BLOCK)
        if block >= len(self.merges):
            return k - 2 * len(self.merges)
        merge = self.merges[block]
        return block * _AGGREGATES + (place if place <= merge else max(merge, place - 2))

    def trades_of(self, aggregate: int) -> tuple[int, int]:
        """First and last index of the trades in *aggregate*."""
        block, place = divmod(aggregate, _AGGREGATES)
        if block >= len(self.merges):
            single = aggregate + 2 * len(self.merges)
            return single, single
        merge = self.merges[block]
        first = block * _BLOCK + place + (2 if place > merge else 0)
        return first, first + (2 if place == merge else 0)

    def tally(self, first: int, stop: int) -> Tally | None:
        """Sums over the trades ``[first, stop)``; None where there are none."""
        if first >= stop:
            return None
        walk, size = self.walk[first:stop], self.size[first:stop]
        weighted = [w * q for w, q in zip(walk, size, strict=True)]
        makers = self.maker[first:stop]
        return Tally(
            first=walk[0],
            high=max(walk),
            low=min(walk),
            last=walk[-1],
            size=sum(size),
            weighted=sum(weighted),
            taker_size=sum(q for q, maker in zip(size, makers, strict=True) if not maker),
            taker_weighted=sum(x for x, maker in zip(weighted, makers, strict=True) if not maker),
            trades=stop - first,
        )


def aggregates(trades: int) -> int:
    """How many aggregates an hour of *trades* has."""
    return trades - 2 * (trades // _BLOCK)


def combined(tallies: Sequence[Tally]) -> Tally:
    """The tally of neighbouring stretches of trades, in their order."""
    return Tally(
        first=tallies[0].first,
        high=max(tally.high for tally in tallies),
        low=min(tally.low for tally in tallies),
        last=tallies[-1].last,
        size=sum(tally.size for tally in tallies),
        weighted=sum(tally.weighted for tally in tallies),
        taker_size=sum(tally.taker_size for tally in tallies),
        taker_weighted=sum(tally.taker_weighted for tally in tallies),
        trades=sum(tally.trades for tally in tallies),
    )


def outline(pattern: Pattern) -> Outline:
    """What candles need of *pattern*, minute by minute."""
    starts = [pattern.at_or_after(ms) for ms in range(0, HOUR_MS + 1, MINUTE_MS)]
    minutes = tuple(pattern.tally(first, stop) for first, stop in pairwise(starts))
    hour = combined([minute for minute in minutes if minute])
    return Outline(starts=tuple(starts), minutes=minutes, hour=hour)


def pattern(seed: int, *, variant: int, reach: int, trades: int) -> Pattern:
    """Pattern number *variant* with *trades* trades, its walk within ``[-reach, reach]``."""
    draws = noise.numbers(seed, "pattern", variant, count=trades)
    merges = bytearray(draws[block * _BLOCK] % _AGGREGATES for block in range(trades // _BLOCK))
    follows = bytearray(trades)  # 1 where a trade belongs to the order of the trade before
    for block, merge in enumerate(merges):
        first = block * _BLOCK + merge
        follows[first + 1 : first + 3] = b"\1\1"
    columns = Pattern(
        time_ns=array("q"), walk=array("i"), size=array("i"), maker=bytearray(), merges=merges
    )
    columns.time_ns.extend(_times(_gaps(draws, follows, columns, seed=seed, variant=variant)))
    columns.walk.extend(_walk(draws, follows, reach=reach))
    columns.size.extend((1 + (draw & 0xFFFF)) >> (draw >> 16 & 15) or 1 for draw in draws)
    for draw, follow in zip(draws, follows, strict=True):
        columns.maker.append(columns.maker[-1] if follow else draw >> 20 & 1)
    return columns


def _gaps(
    draws: array[int], follows: bytearray, columns: Pattern, *, seed: int, variant: int
) -> list[int]:
    """Time before each trade in no unit: 0 inside a burst, longer in quiet minutes."""
    trades = len(draws)
    quiet = [1 + noise.number(seed, "quiet", variant, part) % 19 for part in range(60)]
    gaps = [
        0
        if follow or draw >> 21 & 0xFF < 150
        else (1 + (draw >> 29 & 0xFFFF) >> (draw >> 45 & 3)) * quiet[k * 60 // trades]
        for k, (draw, follow) in enumerate(zip(draws, follows, strict=True))
    ]
    crowd = noise.number(seed, "crowd", variant) % trades
    for k in range(crowd, min(crowd + trades // 50, trades)):
        gaps[k] = 0
    for edge in range(0, trades, 100):
        gaps[edge] = 0
    for edge in range(0, aggregates(trades), 100):
        gaps[columns.trades_of(edge)[0]] = 0
    return gaps


def _times(gaps: list[int]) -> Iterator[int]:
    """Nanoseconds in the hour: bursts share a millisecond, never a nanosecond."""
    length = max(sum(gaps), 1)
    passed, burst = 0, list[int]()
    for gap in [*gaps, None]:
        moment = HOUR_MS if gap is None else (passed + gap) * _LAST_MS // length
        if burst and moment != burst[0]:
            for place, ms in enumerate(burst, start=1):
                yield ms * _MS_NS + place * _MS_NS // (len(burst) + 1)
            burst = []
        burst.append(moment)
        passed += gap or 0


def _walk(draws: array[int], follows: bytearray, *, reach: int) -> Iterator[int]:
    """A walk from 0 to half of *reach* that comes back to the straight line between them."""
    raw, place = list[int](), 0
    for draw, follow in zip(draws, follows, strict=True):
        if not follow and draw >> 47 & 1:
            place += (draw >> 48) - 0x8000 - (place >> 7)
        raw.append(place)
    last = max(len(raw) - 1, 1)
    drift = raw[-1]
    noise_only = [value - drift * k // last for k, value in enumerate(raw)]
    peak = max(max(map(abs, noise_only)), 1)
    half, previous = reach // 2, 0
    for k, value in enumerate(noise_only):
        if not follows[k]:  # the trades of one order have one price
            previous = value * half // peak + half * k // last
        yield previous
