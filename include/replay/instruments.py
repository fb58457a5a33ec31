"""Symbols in, price levels and decimals out.

Inside the simulation a symbol is written without separators, in capitals, base before quote:
``BTCUSDT``. Each exchange module translates its own spelling (``BTC-USD``, ``XXBTZUSD``), so that
the same symbol has the same trades everywhere. Every base asset exists except ``NOPE``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from include.replay import noise
from include.replay.digits import E8

UNLISTED = "NOPE"
QUOTES = (
    "FDUSD", "USDT", "USDC", "TUSD", "USD", "EUR", "GBP", "JPY", "CAD", "AUD", "CHF", "TRY", "BRL",
    "KRW", "BTC", "ETH", "BNB",
)  # fmt: skip
MAJORS = (
    "BTC", "ETH", "SOL", "XRP", "BNB", "DOGE", "ADA", "AVAX", "LINK", "LTC", "DOT", "BCH", "UNI",
    "XLM", "ATOM", "ETC", "FIL", "NEAR", "APT", "ARB", "OP", "AAVE", "SUI", "TRX", "ALGO", "XMR",
    "ZEC", "SHIB", "PEPE", "TON", "ICP", "HBAR", "INJ", "SEI", "TIA", "MKR", "LDO", "CRV", "SNX",
    "GRT", "RUNE", "EGLD", "SAND", "MANA", "AXS", "CHZ", "ENJ", "GALA", "IMX", "1INCH",
)  # fmt: skip

_USD_E8 = {
    "BTC": 87_654_32000000, "ETH": 3_021_17000000, "BNB": 865_41000000, "SOL": 134_82000000,
    "XRP": 2_18130000, "DOGE": 15120000, "ADA": 41870000, "LTC": 84_63000000, "TRX": 27640000,
    "XMR": 391_55000000, "BCH": 541_20000000, "SHIB": 10000, "PEPE": 10000, "LINK": 13_07000000,
    "EUR": 1_09210000, "GBP": 1_27340000, "JPY": 670000, "CAD": 71230000, "AUD": 65410000,
    "CHF": 1_24110000, "TRY": 2410000, "BRL": 18720000, "KRW": 71000,
    **dict.fromkeys(("USD", "USDT", "USDC", "FDUSD", "TUSD", "DAI"), E8),
}  # fmt: skip
_LOWEST_E8 = 10_000
_BASE = re.compile(r"[A-Z0-9]{2,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What does not change about a symbol; amounts in 1e-8 units."""

    symbol: str
    base: str
    quote: str
    level_e8: int
    price_decimals: int
    quantity_decimals: int

    @property
    def tick_e8(self) -> int:
        """The smallest step of a price."""
        return int(10 ** (8 - self.price_decimals))

    @property
    def lot_e8(self) -> int:
        """The smallest step of a quantity."""
        return int(10 ** (8 - self.quantity_decimals))


def split(symbol: str, *, quotes: Collection[str] = QUOTES) -> tuple[str, str] | None:
    """``("BTC", "USDT")``, or None where no exchange lists such a pair."""
    for quote in QUOTES:  # the longest name that fits comes first
        base = symbol.removesuffix(quote)
        if base != symbol and quote in quotes and base not in (quote, UNLISTED):
            return (base, quote) if _BASE.fullmatch(base) else None
    return None


def pairs(
    quotes: Collection[str], *, bases: Collection[str] | None = None
) -> Iterator[tuple[str, str]]:
    """What an exchange with these *quotes* lists of itself, quote by quote.

    Majors only, unless *bases* says otherwise.
    """
    for quote in quotes:
        for base in MAJORS if bases is None else bases:
            if base != quote:
                yield base, quote


def usd_e8(asset: str, *, seed: int) -> int:
    """About what *asset* is worth in dollars: known for the majors, drawn for the rest."""
    if asset in _USD_E8:
        return _USD_E8[asset]
    drawn = noise.number(seed, "level", asset)
    return int((100_000 + drawn % 900_000) * 10 ** (drawn // 900_000 % 5))


def instrument(symbol: str, *, seed: int) -> Instrument:
    """Any *symbol*, also one that no exchange lists: a price level fit for ten digits."""
    base, quote = split(symbol) or (symbol, "USD")
    level = max(usd_e8(base, seed=seed) * E8 // usd_e8(quote, seed=seed), _LOWEST_E8)
    whole = level // E8
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        level_e8=level,
        price_decimals=2 if whole >= 1000 else 4 if whole else 6 if level >= E8 // 100 else 8,
        quantity_decimals=min(len(str(whole)), 5) if whole else 0,
    )
