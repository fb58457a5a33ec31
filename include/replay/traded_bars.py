"""The bars of those exchanges that make none where nobody traded, in either direction, lazily."""

from __future__ import annotations

from collections.abc import Iterator

from include.replay.candles import Candle, Interval
from include.replay.market import Market


def oldest_first(
    market: Market, symbol: str, interval: Interval, start_ms: int, stop_ms: int, *, until_ms: int
) -> Iterator[Candle]:
    """The bars that open in ``[start_ms, stop_ms)`` and have trades, as seen at *until_ms*."""
    bars = market.candles(symbol, interval, start_ms, stop_ms, until_ms=until_ms)
    return (bar for bar in bars if bar.trades)


def newest_first(
    market: Market, symbol: str, interval: Interval, start_ms: int, stop_ms: int, *, until_ms: int
) -> Iterator[Candle]:
    """The same bars, the newest first."""
    opening = interval.opening(min(stop_ms, until_ms) - 1)
    while opening >= max(start_ms, 0):
        yield from oldest_first(market, symbol, interval, opening, opening + 1, until_ms=until_ms)
        opening = interval.step(opening, bars=-1)
