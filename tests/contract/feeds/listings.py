"""The rows of feeds of the present: what the simulation knows of each coin, pair or product.

What the replay makes up beside that (percentages, highs of all times) is not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from include.replay import instruments
from include.replay.candles import DAY_MS
from include.replay.coins import Coin
from include.replay.digits import E8, fixed
from include.replay.exchanges import binance, coinbase, okx
from include.replay.exchanges import kraken_tickers as tickers_of_kraken
from tests.contract.feeds.unit import MS, FeedUnit, Row, S, e8, e18


def binance_symbols(unit: FeedUnit) -> Iterator[Row]:
    for base, quote in instruments.pairs(binance.QUOTES):
        yield {
            "symbol": base + quote,
            "status": "TRADING",
            "base": base,
            "quote": quote,
            "base_digits": 8,
            "quote_digits": 8,
            "is_spot": True,
            "is_margin": True,
            "fetched_at": unit.now_ms * MS,
        }


def okx_instruments(unit: FeedUnit) -> Iterator[Row]:
    is_swap = unit.slice.as_dict()["kind"] == "SWAP"
    for base, quote in instruments.pairs(okx.QUOTES):
        known, pair = unit.market.instrument(base + quote), f"{base}-{quote}"
        yield {
            "instrument": f"{pair}-SWAP" if is_swap else pair,
            "state": "live",
            "base": "" if is_swap else base,
            "quote": "" if is_swap else quote,
            "settle": quote if is_swap else "",
            "underlying": pair if is_swap else "",
            "listed_at": okx.LISTED_MS * MS,
            "tick": e8(known.tick_e8),
            "lot": e8(known.lot_e8),
            "least_size": e8(known.lot_e8),
            "contract_value": Decimal(1) if is_swap else None,
            "contract_currency": base if is_swap else "",
            "fetched_at": unit.now_ms * MS,
        }


def binance_tickers(unit: FeedUnit) -> Iterator[Row]:
    now_ms, market = unit.now_ms, unit.market
    for symbol in (base + quote for base, quote in instruments.pairs(binance.QUOTES)):
        bar = market.candle(symbol, now_ms - DAY_MS, now_ms)
        last = market.trade(symbol, market.id_at(symbol, now_ms) - 1)
        yield {
            "symbol": symbol,
            "last_price": last.price,
            "last_quantity": last.quantity,
            "open_price": e8(bar.open_e8),
            "high_price": e8(bar.high_e8),
            "low_price": e8(bar.low_e8),
            "price_change": e8(bar.close_e8 - bar.open_e8),
            "volume": e8(bar.volume_e8),
            "quote_volume": e8(bar.turnover_e16 // E8),
            "open_time": bar.open_ms * MS,
            "close_time": now_ms * MS,
            "first_trade_id": market.id_at(symbol, bar.open_ms),
            "last_trade_id": last.id,
            "trades": bar.trades,
            "fetched_at": now_ms * MS,
        }


def coinbase_products(unit: FeedUnit) -> Iterator[Row]:
    for base, quote in instruments.pairs(coinbase.QUOTES):
        known = unit.market.instrument(base + quote)
        yield {
            "product": f"{base}-{quote}",
            "base_currency": base,
            "quote_currency": quote,
            "quote_increment": e8(known.tick_e8),
            "base_increment": e8(known.lot_e8),
            "display_name": f"{base}/{quote}",
            "status": "online",
            "fetched_at": unit.now_ms * MS,
        }


def coingecko_coins(unit: FeedUnit) -> Iterator[Row]:
    for coin in unit.coins:
        yield _named(coin) | {"fetched_at": unit.now_ms * MS}


def coingecko_markets(unit: FeedUnit) -> Iterator[Row]:
    for coin, quote in unit.quotes:
        maximum = Decimal(coin.supply * 21 // 20)
        yield _named(coin) | {
            "price": e18(quote.price_e18),
            "market_cap": Decimal(quote.value),
            "market_cap_rank": coin.rank,
            "fully_diluted_valuation": Decimal(quote.value * 21 // 20) if coin.capped else None,
            "volume_24h": Decimal(quote.volume),
            "high_24h": e18(quote.high_e18),
            "low_24h": e18(quote.low_e18),
            "price_change_24h": e18(quote.change_e18),
            "circulating_supply": Decimal(coin.supply),
            "total_supply": maximum,
            "max_supply": maximum if coin.capped else None,
            "updated_at": quote.seen_ms * MS,
            "fetched_at": unit.now_ms * MS,
        }


def coingecko_prices(unit: FeedUnit) -> Iterator[Row]:
    for coin, quote in unit.quotes:
        if coin.slug in ("bitcoin", "ethereum", "solana"):
            yield {
                "coin_id": coin.slug,
                "price": e18(quote.price_e18),
                "market_cap": Decimal(quote.value),
                "volume_24h": Decimal(quote.volume),
                "updated_at": quote.seen_ms // 1_000 * S,
                "fetched_at": unit.now_ms * MS,
            }


def coinlore_tickers(unit: FeedUnit) -> Iterator[Row]:
    for coin, quote in unit.quotes:
        price_e8 = quote.price_e18 // 10**10
        yield {
            "coin_id": coin.number + 90,
            "symbol": coin.symbol.upper(),
            "name": coin.name,
            "slug": coin.slug,
            "rank": coin.rank,
            "price": Decimal(fixed(price_e8, decimals=2 if price_e8 >= E8 else 8)),
            "circulating_supply": Decimal(coin.supply),
            "total_supply": Decimal(coin.supply),
            "max_supply": Decimal(coin.supply * 21 // 20) if coin.capped else None,
            "fetched_at": unit.now_ms * MS,
        }


def coinpaprika_tickers(unit: FeedUnit) -> Iterator[Row]:
    for coin, quote in unit.quotes:
        maximum = coin.supply * 21 // 20
        yield {
            "coin_id": f"{coin.symbol}-{coin.slug}",
            "name": coin.name,
            "symbol": coin.symbol.upper(),
            "rank": coin.rank,
            "total_supply": Decimal(maximum),
            "max_supply": Decimal(maximum if coin.capped else 0),
            "updated_at": quote.seen_ms // 1_000 * S,
            "price": e18(quote.price_e18),
            "market_cap": Decimal(quote.value),
            "fetched_at": unit.now_ms * MS,
        }


def kraken_tickers(unit: FeedUnit) -> Iterator[Row]:
    for symbol, key in tickers_of_kraken.every_pair():
        it = tickers_of_kraken.ticker(unit.market, symbol, now_ms=unit.now_ms)
        yield {
            "pair": key,
            "ask_price": it.last.price,
            "bid_price": it.last.price,
            "last_price": it.last.price,
            "last_volume": it.last.quantity,
            "open_today": e8(it.today.open_e8),
            "high_24h": e8(it.day.high_e8),
            "low_24h": e8(it.day.low_e8),
            "vwap_24h": Decimal(it.average(it.day)),
            "volume_24h": e8(it.day.volume_e8),
            "trades_24h": it.day.trades,
            "fetched_at": unit.now_ms * MS,
        }


def _named(coin: Coin) -> Row:
    return {"coin_id": coin.slug, "symbol": coin.symbol, "name": coin.name}
