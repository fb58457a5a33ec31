"""A number in, a coin out: the thousands of coins that the aggregators list.

Coin number 0 is Bitcoin and the numbers are the ranks by market value. The first are real names;
the rest are made of syllables, some of them with quotes, accents and emoji in their names, because
real lists have those. Values are in dollars, integers of 1e-8 units (``_e8``) or finer (``_e18``):
the tail of such lists costs less than a millionth of a cent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from include.replay import noise
from include.replay.candles import DAY_MS
from include.replay.digits import E8, E18
from include.replay.instruments import usd_e8
from include.replay.market import Market

_KNOWN = (
    ("bitcoin", "btc", "Bitcoin"), ("ethereum", "eth", "Ethereum"), ("tether", "usdt", "Tether"),
    ("ripple", "xrp", "XRP"), ("binancecoin", "bnb", "BNB"), ("solana", "sol", "Solana"),
    ("usd-coin", "usdc", "USDC"), ("tron", "trx", "TRON"), ("dogecoin", "doge", "Dogecoin"),
    ("cardano", "ada", "Cardano"), ("bitcoin-cash", "bch", "Bitcoin Cash"),
    ("chainlink", "link", "Chainlink"), ("monero", "xmr", "Monero"),
    ("litecoin", "ltc", "Litecoin"), ("stellar", "xlm", "Stellar"),
    ("avalanche-2", "avax", "Avalanche"), ("shiba-inu", "shib", "Shiba Inu"),
    ("polkadot", "dot", "Polkadot"), ("uniswap", "uni", "Uniswap"), ("near", "near", "NEAR"),
)  # fmt: skip
_SYLLABLES = (
    "al", "ba", "bit", "cor", "da", "dex", "fi", "go", "hex", "ix", "ju", "ka", "lum", "ma", "neo",
    "or", "pi", "qua", "ra", "sol", "ter", "um", "vex", "wan", "xi", "yo", "za", "zen",
)  # fmt: skip
_ODD_NAMES = ('{} "Classic"', "{} π", "{} 🚀", "Café {}", "{} \\ Wrapped", "{}\tToken", "{} (宇宙)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coin:
    """What does not change about a coin; ``supply`` counts whole coins."""

    number: int
    slug: str
    symbol: str
    name: str
    supply: int
    capped: bool

    @property
    def rank(self) -> int:
        """1 is the largest."""
        return self.number + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a coin is worth at one moment; prices in 1e-18 dollars, the rest in whole dollars."""

    price_e18: int
    day_ago_e18: int
    high_e18: int
    low_e18: int
    value: int
    volume: int
    seen_ms: int

    @property
    def change_e18(self) -> int:
        """Price now less price a day ago."""
        return self.price_e18 - self.day_ago_e18


class Coins:
    """The first *count* coins of the market with this seed."""

    def __init__(self, market: Market, *, count: int = 17_000) -> None:
        self._market = market
        self.count = count

    def __iter__(self) -> Iterator[Coin]:
        return map(self.coin, range(self.count))

    def coin(self, number: int) -> Coin:
        """Coin *number*, from 0."""
        drawn = noise.number(self._market.seed, "coin", number)
        slug, symbol, name = _named(number, drawn)
        supply = 10 ** (6 + drawn % 9) + drawn // 7 % 10**9
        if number < len(_KNOWN):
            supply = _value(number) * E8 // usd_e8(symbol.upper(), seed=self._market.seed)
        return Coin(
            number=number,
            slug=slug,
            symbol=symbol,
            name=name,
            supply=supply,
            capped=drawn >> 40 & 3 != 0,
        )

    def quote(self, coin: Coin, *, now_ms: int) -> Quote:
        """What *coin* is worth at *now_ms*: steps of a minute, up to a minute old."""
        drawn = noise.number(self._market.seed, "quote", coin.number)
        seen_ms = now_ms - drawn % 60_000
        value = _value(coin.number)
        price = self._swung(coin, value * E18 // coin.supply, seen_ms)
        day_ago = self._swung(coin, value * E18 // coin.supply, seen_ms - DAY_MS)
        return Quote(
            price_e18=price,
            day_ago_e18=day_ago,
            high_e18=max(price, day_ago) * (1_000 + drawn % 37) // 1_000,
            low_e18=min(price, day_ago) * (1_000 - drawn % 31) // 1_000,
            value=value,
            volume=value * (1 + drawn % 83) // 1_000,
            seen_ms=seen_ms,
        )

    def _swung(self, coin: Coin, level: int, moment_ms: int) -> int:
        """*level* with 2 % of noise by the minute; the rank does not depend on it."""
        drawn = noise.number(self._market.seed, "swing", coin.number, moment_ms // 60_000)
        return level + level * (drawn % 4_001 - 2_000) // 100_000

    @cached_property
    def by_slug(self) -> dict[str, int]:
        """Numbers by id: a few megabytes, made when somebody asks for coins by id."""
        return {coin.slug: coin.number for coin in self}


def _value(number: int) -> int:
    """What all of coin *number* is worth in dollars: falls with the rank, fast in the tail."""
    return 10**12 * 3 // (2 * (number + 1)) // (1 + number // 50)


def _named(number: int, drawn: int) -> tuple[str, str, str]:
    if number < len(_KNOWN):
        return _KNOWN[number]
    parts = [_SYLLABLES[drawn >> 5 * place & 31 if drawn >> 5 * place & 31 < 28 else place]
             for place in range(2 + drawn % 3)]  # fmt: skip
    word = "".join(parts)
    # The number makes the id unique, as the suffixes of real ones do.
    slug, symbol, name = f"{word}-{number}", word[:5], word.capitalize()
    return slug, symbol, _ODD_NAMES[drawn % 7].format(name) if drawn % 97 == 0 else name
