"""A seed in, a market out: trades, aggregates and candles of any symbol at any time.

Pure and deterministic: the same seed and settings give the same trades in every process, however
they are asked for. Every hour since 1970 has the same number of trades, so ids are contiguous for
ever (``id = hour * trades_per_hour + k``) and an hour is found without looking at any other. ::

    market = Market(seed=7)
    truth = list(market.trades("BTCUSDT", start_ms, end_ms))

Times are milliseconds UTC unless their name says ``_ns``, intervals half-open, amounts integers of
1e-8 units (``_e8``). Nothing is kept but bounded caches.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from include.replay import bars, patterns
from include.replay.candles import HOUR_MS, Candle, Interval
from include.replay.hours import Hours

TRADES_PER_HOUR = 7_500
_HOUR_NS = HOUR_MS * 1_000_000


class Trade(NamedTuple):
    """One trade. A NamedTuple: pages of thousands are made, so construction has to be cheap."""

    id: int
    time_ns: int
    price_e8: int
    quantity_e8: int
    buyer_is_maker: bool

    @property
    def time_ms(self) -> int:
        """Milliseconds since 1970, cut."""
        return self.time_ns // 1_000_000

    @property
    def price(self) -> Decimal:
        """The exact price."""
        return Decimal(self.price_e8).scaleb(-8)

    @property
    def quantity(self) -> Decimal:
        """The exact quantity."""
        return Decimal(self.quantity_e8).scaleb(-8)


class AggTrade(NamedTuple):
    """The trades of one taker order at one price, which share time and side."""

    id: int
    first_id: int
    last_id: int
    time_ns: int
    price_e8: int
    quantity_e8: int
    buyer_is_maker: bool

    @property
    def time_ms(self) -> int:
        """Milliseconds since 1970, cut."""
        return self.time_ns // 1_000_000


class Market:
    """All symbols at all times, from *seed*."""

    def __init__(self, *, seed: int = 7, trades_per_hour: int = TRADES_PER_HOUR) -> None:
        if trades_per_hour < 1:
            raise ValueError(f"trades_per_hour is {trades_per_hour}; it must be at least 1")
        self.seed = seed
        self.trades_per_hour = trades_per_hour
        self.agg_trades_per_hour = patterns.aggregates(trades_per_hour)
        self.hours = Hours(seed=seed, trades=trades_per_hour)
        self.instrument = self.hours.instrument

    # Trades

    def trades(self, symbol: str, start_ms: int, end_ms: int) -> Iterator[Trade]:
        """The trades in ``[start_ms, end_ms)``, ascending."""
        return self.trades_by_id(symbol, self.id_at(symbol, start_ms), self.id_at(symbol, end_ms))

    def trades_by_id(self, symbol: str, first_id: int, stop_id: int) -> Iterator[Trade]:
        """The trades with ids in ``[first_id, stop_id)``, ascending."""
        for index, first, stop in _pieces(first_id, stop_id, per_hour=self.trades_per_hour):
            variant, reach, opening, step, lot = self.hours.hour(symbol, index)
            pattern = self.hours.pattern(variant, reach)
            start_ns, start_id = index * _HOUR_NS, index * self.trades_per_hour
            for k in range(first, stop):
                yield Trade(
                    start_id + k,
                    start_ns + pattern.time_ns[k],
                    opening + step * pattern.walk[k],
                    lot * pattern.size[k],
                    bool(pattern.maker[k]),
                )

    def trade(self, symbol: str, trade_id: int) -> Trade:
        """The trade with this id."""
        return next(self.trades_by_id(symbol, trade_id, trade_id + 1))

    def id_at(self, symbol: str, moment_ms: int) -> int:
        """The id of the first trade at or after *moment_ms* (the first of all, before 1970)."""
        return self.id_at_ns(symbol, moment_ms * 1_000_000)

    def id_at_ns(self, symbol: str, moment_ns: int) -> int:
        """The id of the first trade at or after *moment_ns*."""
        index, rest_ns = divmod(max(moment_ns, 0), _HOUR_NS)
        hour = self.hours.hour(symbol, index)
        pattern = self.hours.pattern_of(hour)
        return index * self.trades_per_hour + bisect_left(pattern.time_ns, rest_ns)

    # Aggregates

    def agg_trades(self, symbol: str, start_ms: int, end_ms: int) -> Iterator[AggTrade]:
        """The aggregates in ``[start_ms, end_ms)``, ascending."""
        first_id, stop_id = self.agg_id_at(symbol, start_ms), self.agg_id_at(symbol, end_ms)
        return self.agg_trades_by_id(symbol, first_id, stop_id)

    def agg_trades_by_id(self, symbol: str, first_id: int, stop_id: int) -> Iterator[AggTrade]:
        """The aggregates with ids in ``[first_id, stop_id)``, ascending."""
        for index, first, stop in _pieces(first_id, stop_id, per_hour=self.agg_trades_per_hour):
            variant, reach, opening, step, lot = self.hours.hour(symbol, index)
            pattern = self.hours.pattern(variant, reach)
            start_ns, start_id = index * _HOUR_NS, index * self.agg_trades_per_hour
            trade_id, size = index * self.trades_per_hour, pattern.size
            for aggregate in range(first, stop):
                k, last = pattern.trades_of(aggregate)
                yield AggTrade(
                    start_id + aggregate,
                    trade_id + k,
                    trade_id + last,
                    start_ns + pattern.time_ns[k],
                    opening + step * pattern.walk[k],
                    lot * (size[k] if k == last else sum(size[k : last + 1])),
                    bool(pattern.maker[k]),
                )

    def agg_id_at(self, symbol: str, moment_ms: int) -> int:
        """The id of the first aggregate at or after *moment_ms*."""
        index, k = divmod(self.id_at(symbol, moment_ms), self.trades_per_hour)
        hour = self.hours.hour(symbol, index)
        pattern = self.hours.pattern_of(hour)
        return index * self.agg_trades_per_hour + pattern.aggregate_of(k)

    # Candles

    def candle(self, symbol: str, start_ms: int, end_ms: int) -> Candle:
        """One bar over ``[start_ms, end_ms)``; flat at the last price before it if it is empty."""
        parts = [
            part
            for index in range(start_ms // HOUR_MS, -(-end_ms // HOUR_MS))
            if (
                part := bars.partial_bar(
                    self.hours, symbol, index, start_ms=start_ms, end_ms=end_ms
                )
            )
        ]
        if not parts:
            flat = self.trade(symbol, max(self.id_at(symbol, start_ms) - 1, 0)).price_e8
            return Candle(start_ms, end_ms, flat, flat, flat, flat, 0, 0, 0, 0, 0)
        return Candle(
            start_ms,
            end_ms,
            parts[0].open_e8,
            max(part.high_e8 for part in parts),
            min(part.low_e8 for part in parts),
            parts[-1].close_e8,
            sum(part.volume_e8 for part in parts),
            sum(part.turnover_e16 for part in parts),
            sum(part.taker_volume_e8 for part in parts),
            sum(part.taker_turnover_e16 for part in parts),
            sum(part.trades for part in parts),
        )

    def candles(
        self, symbol: str, interval: Interval, start_ms: int, end_ms: int, *, until_ms: int
    ) -> Iterator[Candle]:
        """The bars that open in ``[start_ms, end_ms)``, ascending, as seen at *until_ms*.

        None opens at or after *until_ms*; the bar that holds it has the trades before it only.
        ``end_ms`` of a bar is always where it will end.
        """
        for opening in interval.openings(start_ms, min(end_ms, until_ms)):
            closing = interval.step(opening, bars=1)
            bar = self.candle(symbol, opening, min(closing, until_ms))
            yield bar._replace(end_ms=closing)


def _pieces(first: int, stop: int, *, per_hour: int) -> Iterator[tuple[int, int, int]]:
    """Cut the ids ``[first, stop)`` at the hours: hour, first and stop inside of it."""
    first = max(first, 0)
    while first < stop:
        hour, inside = divmod(first, per_hour)
        until = min(stop - hour * per_hour, per_hour)
        yield hour, inside, until
        first = hour * per_hour + until
