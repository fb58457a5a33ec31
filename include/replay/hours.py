"""What an hour of a symbol consists of: a pattern, an opening price, a step and a lot.

The opening price is noise at fifteen scales of time, from an hour to two years; an hour moves
towards the opening of the next one. No hour depends on another, so each is computed directly.
Everything here is kept in bounded caches.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from include.replay import noise, patterns
from include.replay.instruments import Instrument, instrument
from include.replay.patterns import Outline, Pattern

_VARIANTS = 32
_OCTAVES = 15
_CACHED_TRADES = 2_000_000  # 17 bytes each
# Lattice values reach 2**15 and the sum is cut by 2**32: 197 is a swing of 0.15 % from one hour
# to the next, and each octave (twice as long) swings the square root of two further.
_STRENGTH = tuple(int(197 * 2 ** (octave / 2)) for octave in range(_OCTAVES))


class Hour(NamedTuple):
    """How an hour of a symbol is made from a pattern; amounts in 1e-8 units."""

    variant: int
    reach: int
    open_e8: int
    step_e8: int
    lot_e8: int


class Hours:
    """The hours of all symbols, from *seed*."""

    def __init__(self, *, seed: int, trades: int) -> None:
        self.seed = seed
        self.trades = trades
        patterns_kept = max(2, _CACHED_TRADES // trades)
        self.pattern = lru_cache(maxsize=patterns_kept)(self._make_pattern)
        self.outline = lru_cache(maxsize=256)(self._make_outline)
        self.hour = lru_cache(maxsize=16_384)(self._make_hour)
        self.opening_e8 = lru_cache(maxsize=16_384)(self._make_opening)
        self.instrument = lru_cache(maxsize=4_096)(self._make_instrument)
        self._lattice = lru_cache(maxsize=65_536)(self._make_lattice)

    def pattern_of(self, hour: Hour) -> Pattern:
        """The columns that *hour* is made from."""
        return self.pattern(hour.variant, hour.reach)

    def outline_of(self, hour: Hour) -> Outline:
        """The sums that the candles of *hour* are made from."""
        return self.outline(hour.variant, hour.reach)

    def _make_opening(self, symbol: str, index: int) -> int:
        """Where the price stands when hour *index* opens."""
        instrument = self.instrument(symbol)
        swing = 0
        for octave in range(_OCTAVES):
            cell, position = divmod(index, 1 << octave)
            left = self._lattice(symbol, octave, cell)
            right = self._lattice(symbol, octave, cell + 1)
            swing += ((left << octave) + (right - left) * position) * _STRENGTH[octave] >> octave
        price = instrument.level_e8 + (instrument.level_e8 * swing >> 32)
        return price - price % instrument.tick_e8

    def _make_hour(self, symbol: str, index: int) -> Hour:
        instrument = self.instrument(symbol)
        opening = self.opening_e8(symbol, index)
        move = (self.opening_e8(symbol, index + 1) - opening) // instrument.tick_e8
        reach = _reach(opening // instrument.tick_e8)
        drawn = noise.number(self.seed, "hour", symbol, index)
        variant, drawn = drawn % _VARIANTS, drawn // _VARIANTS
        steps = move // max(reach // 2, 1) or (1 if drawn & 1 else -1)
        lot = instrument.lot_e8 * (1 + (drawn >> 1) % 16)
        return Hour(variant, reach, opening, steps * instrument.tick_e8, lot)

    def _make_pattern(self, variant: int, reach: int) -> Pattern:
        return patterns.pattern(self.seed, variant=variant, reach=reach, trades=self.trades)

    def _make_outline(self, variant: int, reach: int) -> Outline:
        return patterns.outline(self.pattern(variant, reach))

    def _make_lattice(self, symbol: str, octave: int, cell: int) -> int:
        return noise.number(self.seed, "price", symbol, octave, cell) % 65_536 - 32_768

    def _make_instrument(self, symbol: str) -> Instrument:
        return instrument(symbol, seed=self.seed)


def _reach(ticks: int) -> int:
    """How far a walk may go at a price of *ticks*: fine steps where the price has many digits."""
    return next(reach for reach in (8192, 1024, 128, 16) if reach * 600 <= ticks or reach == 16)
