"""Which columns of a feed a price chart is drawn of, by their names and types."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from include.ticklake.feed.feed import Feed
from include.ticklake.types.decimal import DecimalType
from include.ticklake.types.double import DoubleType
from include.ticklake.types.integer import IntegerType

CANDLE = ("open", "high", "low", "close")
_PRICES = ("price", "close", "last_price", "last", "rate", "mid", "mark_price", "value")
_VOLUMES = ("volume", "quantity", "qty", "size", "amount", "base_volume")
"""What can be summed: one that is of the last 24 hours cannot."""


@dataclass(frozen=True, slots=True)
class PriceColumns:
    """What a chart reads."""

    prices: tuple[str, ...]
    """Open, high, low and close, or a price alone."""
    volume: str | None
    subject: str | None
    """Of a snapshot, the column that says which of its many records one is."""

    @property
    def are_candles(self) -> bool:
        """Whether each record has an open, a high, a low and a close."""
        return len(self.prices) > 1

    @property
    def names(self) -> list[str]:
        """All of them."""
        return [*self.prices, *filter(None, (self.volume, self.subject))]


def price_columns(feed: Feed) -> PriceColumns | None:
    """The columns to draw; None where no column is like a price."""
    numbers = {
        name: field.field_type
        for name, field in feed.fields.items()
        if isinstance(field.field_type, DecimalType | DoubleType | IntegerType) and not field.key
    }
    volume = None if feed.snapshot else _first(_VOLUMES, numbers)
    subject = next((name for name in feed.key if feed.snapshot), None)
    if all(name in numbers for name in CANDLE):
        return PriceColumns(CANDLE, volume, subject)
    fractions = [name for name, kind in numbers.items() if not isinstance(kind, IntegerType)]
    others = [name for name in fractions if name != volume]
    price = _first(_PRICES, numbers) or next(iter(others), None)
    return PriceColumns((price,), volume, subject) if price else None


def _first(names: Iterable[str], existing: Iterable[str]) -> str | None:
    return next((name for name in names if name in existing), None)
