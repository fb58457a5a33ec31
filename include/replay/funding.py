"""The funding payments of a symbol's perpetual contract, every 8 hours or as often as one likes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from include.replay import noise
from include.replay.candles import HOUR_MS
from include.replay.market import Market

PERIOD_MS = 8 * HOUR_MS
_USUAL_E8 = 10_000  # 0.01 %: what most rates are


class Funding(NamedTuple):
    """One payment: due at ``due_ms``, made up to 8 ms later; amounts in 1e-8 units."""

    due_ms: int
    paid_ms: int
    rate_e8: int
    mark_e8: int


def payment(market: Market, symbol: str, number: int, *, period_ms: int = PERIOD_MS) -> Funding:
    """Payment *number* since 1970."""
    drawn = noise.number(market.seed, "funding", symbol, number)
    due_ms = number * period_ms
    mark = market.hours.opening_e8(symbol, due_ms // HOUR_MS)
    return Funding(
        due_ms=due_ms,
        paid_ms=due_ms + (0 if drawn & 3 else drawn >> 2 & 7),
        rate_e8=_USUAL_E8 if drawn >> 5 & 1 else (drawn >> 6) % 60_001 - 30_000,
        mark_e8=mark + (drawn >> 32) % market.instrument(symbol).tick_e8,
    )


def payments(
    market: Market, symbol: str, start_ms: int, end_ms: int, *, period_ms: int = PERIOD_MS
) -> Iterator[Funding]:
    """The payments made in ``[start_ms, end_ms)``, ascending."""
    for number in range(max(start_ms // period_ms, 0), -(-end_ms // period_ms)):
        funding = payment(market, symbol, number, period_ms=period_ms)
        if start_ms <= funding.paid_ms < end_ms:
            yield funding
