"""What is asked of the simulated market: a slice, a window, and what had happened by then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from include.replay.candles import Candle, minutes
from include.replay.coins import Coin, Coins, Quote
from include.replay.digits import number_e18
from include.replay.market import Market, Trade
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

Row = dict[str, object]
MS = 10**6
S = 10**9

_MARKET_NAMES = {
    "XBTUSD": "BTCUSD", "TBTCUSD": "BTCUSD", "TETHUSD": "ETHUSD",
    "BTC-PERPETUAL": "BTCUSD", "ETH-PERPETUAL": "ETHUSD", "BTC": "BTCUSD", "ETH": "ETHUSD",
    "KRW-BTC": "BTCKRW", "KRW-ETH": "ETHKRW",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedUnit:
    """What is asked of the simulation, and when."""

    market: Market
    coins: Coins
    now_ms: int
    slice: Slice
    window: Window

    @property
    def symbol(self) -> str:
        """The market's name of the slice's symbol."""
        name = self.slice.values[0][1].upper()
        return _MARKET_NAMES.get(name, name.replace("-", "").replace("_", ""))

    @property
    def trades(self) -> Iterator[Trade]:
        """The window's trades that have happened."""
        end_ms = min(self.window.end_ms, self.now_ms)
        return self.market.trades(self.symbol, self.window.start_ms, end_ms)

    @property
    def candles(self) -> Iterator[Candle]:
        """The window's minutes that are over."""
        found = self.market.candles(
            self.symbol, minutes(1), self.window.start_ms, self.window.end_ms, until_ms=self.now_ms
        )
        return (bar for bar in found if bar.end_ms <= self.now_ms)

    @property
    def quotes(self) -> Iterator[tuple[Coin, Quote]]:
        """Every coin, by rank."""
        return ((coin, self.coins.quote(coin, now_ms=self.now_ms)) for coin in self.coins)


def e8(units: int) -> Decimal:
    """Units of 1e-8."""
    return Decimal(units).scaleb(-8)


def e18(units: int) -> Decimal:
    """Units of 1e-18, with as many digits as aggregators show."""
    return Decimal(number_e18(units))
