"""The bar of a part of an hour, from the hour's sums."""

from __future__ import annotations

from include.replay import patterns
from include.replay.candles import HOUR_MS, MINUTE_MS, Candle
from include.replay.hours import Hour, Hours
from include.replay.patterns import Tally


def partial_bar(
    hours: Hours, symbol: str, index: int, *, start_ms: int, end_ms: int
) -> Candle | None:
    """The part of hour *index* that lies in ``[start_ms, end_ms)``."""
    hour = hours.hour(symbol, index)
    first_ms = max(start_ms - index * HOUR_MS, 0)
    stop_ms = min(end_ms - index * HOUR_MS, HOUR_MS)
    if first_ms == 0 and stop_ms == HOUR_MS:
        tally: Tally | None = hours.outline_of(hour).hour
    else:
        tally = _tally(hours, hour, first_ms, stop_ms)
    return tally and _placed(hour, tally, start_ms=start_ms, end_ms=end_ms)


def _tally(hours: Hours, hour: Hour, first_ms: int, stop_ms: int) -> Tally | None:
    """Whole minutes from the outline, what is left at both ends from the trades."""
    first, stop = -(-first_ms // MINUTE_MS), stop_ms // MINUTE_MS
    if first > stop:
        parts = [_scan(hours, hour, first_ms, stop_ms)]
    else:
        parts = [
            _scan(hours, hour, first_ms, first * MINUTE_MS),
            *hours.outline_of(hour).minutes[first:stop],
            _scan(hours, hour, stop * MINUTE_MS, stop_ms),
        ]
    tallies = [part for part in parts if part]
    return patterns.combined(tallies) if tallies else None


def _scan(hours: Hours, hour: Hour, first_ms: int, stop_ms: int) -> Tally | None:
    if first_ms >= stop_ms:
        return None
    pattern = hours.pattern_of(hour)
    return pattern.tally(pattern.at_or_after(first_ms), pattern.at_or_after(stop_ms))


def _placed(hour: Hour, tally: Tally, *, start_ms: int, end_ms: int) -> Candle:
    """A pattern's *tally* at the prices and quantities of *hour*."""
    _, _, opening, step, lot = hour
    high, low = (tally.high, tally.low) if step > 0 else (tally.low, tally.high)
    return Candle(
        start_ms,
        end_ms,
        opening + step * tally.first,
        opening + step * high,
        opening + step * low,
        opening + step * tally.last,
        lot * tally.size,
        lot * (opening * tally.size + step * tally.weighted),
        lot * tally.taker_size,
        lot * (opening * tally.taker_size + step * tally.taker_weighted),
        tally.trades,
    )
