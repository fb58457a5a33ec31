"""A feed's unit of work in, the rows that its lake must hold out: from the market, not the server.

One function per feed, in ``TRUTH``. Rows are in the order of the lake, values exact, times in
nanoseconds. Of the aggregators' lists only what the simulation knows of a coin is here; what the
replay makes up beside it (percentages, highs of all times) is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from include.ticklake.replay import instruments
from include.ticklake.replay.candles import DAY_MS, Candle, minutes
from include.ticklake.replay.coins import Coin, Coins, Quote
from include.ticklake.replay.digits import E8, fixed, number_e18
from include.ticklake.replay.exchanges import binance, coinbase
from include.ticklake.replay.exchanges.bybit import execution_id
from include.ticklake.replay.funding import payments
from include.ticklake.replay.market import Market, Trade
from include.ticklake.slices import Slice
from include.ticklake.windows import Window

Row = dict[str, object]
MS = 10**6
S = 10**9

_MARKET_NAMES = {"XBTUSD": "BTCUSD", "BTC-USDT": "BTCUSDT", "ETH-USDT": "ETHUSDT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
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
        return _MARKET_NAMES.get(name, name.replace("-", ""))

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


def binance_agg_trades(unit: Unit) -> Iterator[Row]:
    found = unit.market.agg_trades(unit.symbol, unit.window.start_ms, unit.window.end_ms)
    for trade in found:
        yield {
            "agg_trade_id": trade.id,
            "price": e8(trade.price_e8),
            "quantity": e8(trade.quantity_e8),
            "first_trade_id": trade.first_id,
            "last_trade_id": trade.last_id,
            "trade_time": trade.time_ms * MS,
            "buyer_is_maker": trade.buyer_is_maker,
            "best_match": True,
        }


def binance_trades(unit: Unit) -> Iterator[Row]:
    for trade in unit.trades:
        yield {
            "trade_id": trade.id,
            "price": trade.price,
            "quantity": trade.quantity,
            "quote_quantity": e8(trade.price_e8 * trade.quantity_e8 // E8),
            "trade_time": trade.time_ms * MS,
            "buyer_is_maker": trade.buyer_is_maker,
            "best_match": True,
        }


def binance_klines(unit: Unit) -> Iterator[Row]:
    for bar in unit.candles:
        yield _prices(bar) | {
            "volume": e8(bar.volume_e8),
            "close_time": bar.end_ms * MS - MS,
            "quote_volume": e8(bar.turnover_e16 // E8),
            "trades": bar.trades,
            "taker_buy_volume": e8(bar.taker_volume_e8),
            "taker_buy_quote_volume": e8(bar.taker_turnover_e16 // E8),
        }


def binance_tickers(unit: Unit) -> Iterator[Row]:
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


def binance_funding(unit: Unit) -> Iterator[Row]:
    for made in payments(unit.market, unit.symbol, unit.window.start_ms, unit.window.end_ms):
        yield {
            "funding_time": made.paid_ms * MS,
            "symbol_name": unit.symbol,
            "funding_rate": e8(made.rate_e8),
            "mark_price": e8(made.mark_e8),
        }


def bitstamp_ohlc(unit: Unit) -> Iterator[Row]:
    for bar in unit.candles:
        yield _prices(bar) | {"volume": e8(bar.volume_e8)}


def bybit_klines(unit: Unit) -> Iterator[Row]:
    for bar in unit.candles:
        turnover = {"turnover": e8(bar.turnover_e16 // E8)}
        yield _prices(bar) | {"volume": e8(bar.volume_e8)} | turnover


def bybit_funding(unit: Unit) -> Iterator[Row]:
    """Bybit says when a payment was due, not when it was made some milliseconds later."""
    for made in payments(unit.market, unit.symbol, unit.window.start_ms, unit.window.end_ms):
        yield {
            "funding_time": made.due_ms * MS,
            "symbol_name": unit.symbol,
            "funding_rate": e8(made.rate_e8),
        }


def bybit_recent_trades(unit: Unit) -> Iterator[Row]:
    """The newest thousand are all that there is."""
    oldest = unit.market.id_at(unit.symbol, unit.now_ms) - 1_000
    for trade in unit.trades:
        if trade.id >= oldest:
            yield {
                "execution_id": execution_id(trade.id, spot=False),
                "symbol_name": unit.symbol,
                "price": trade.price,
                "size": trade.quantity,
                "side": "Sell" if trade.buyer_is_maker else "Buy",
                "trade_time": trade.time_ms * MS,
                "block_trade": False,
            }


def coinbase_trades(unit: Unit) -> Iterator[Row]:
    """Coinbase tells the maker's side, and microseconds."""
    for trade in unit.trades:
        yield {
            "trade_id": trade.id,
            "price": trade.price,
            "size": trade.quantity,
            "maker_side": "buy" if trade.buyer_is_maker else "sell",
            "trade_time": trade.time_ns // 1_000 * 1_000,
        }


def coinbase_candles(unit: Unit) -> Iterator[Row]:
    """A minute without trades has no candle."""
    for bar in unit.candles:
        if bar.trades:
            yield _prices(bar) | {"volume": e8(bar.volume_e8)}


def coinbase_products(unit: Unit) -> Iterator[Row]:
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


def coingecko_coins(unit: Unit) -> Iterator[Row]:
    for coin in unit.coins:
        yield _named(coin) | {"fetched_at": unit.now_ms * MS}


def coingecko_markets(unit: Unit) -> Iterator[Row]:
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


def coinlore_tickers(unit: Unit) -> Iterator[Row]:
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


def coinpaprika_tickers(unit: Unit) -> Iterator[Row]:
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


def gemini_trades(unit: Unit) -> Iterator[Row]:
    for trade in unit.trades:
        yield {
            "trade_id": trade.id,
            "price": trade.price,
            "amount": trade.quantity,
            "side": "sell" if trade.buyer_is_maker else "buy",
            "trade_time": trade.time_ms * MS,
        }


def kraken_ohlc(unit: Unit) -> Iterator[Row]:
    decimals = unit.market.instrument(unit.symbol).price_decimals
    for bar in unit.candles:
        paid, volume = bar.turnover_e16 * 10**decimals, bar.volume_e8 * E8
        average = Decimal(paid // volume).scaleb(-decimals) if volume else e8(bar.close_e8)
        yield _prices(bar) | {"vwap": average, "volume": e8(bar.volume_e8), "trades": bar.trades}


def kraken_trades(unit: Unit) -> Iterator[Row]:
    """Kraken tells seconds with seven decimals."""
    for trade in unit.trades:
        yield {
            "trade_id": trade.id,
            "price": trade.price,
            "volume": trade.quantity,
            "trade_time": trade.time_ns // 100 * 100,
            "side": "s" if trade.buyer_is_maker else "b",
            "order_type": "l" if trade.id % 3 else "m",
            "misc": "",
        }


def okx_candles(unit: Unit) -> Iterator[Row]:
    for bar in unit.candles:
        turnover = e8(bar.turnover_e16 // E8)
        volumes = {"volume": e8(bar.volume_e8), "volume_currency": turnover}
        yield _prices(bar) | volumes | {"volume_quote": turnover}


def okx_trades(unit: Unit) -> Iterator[Row]:
    for trade in unit.trades:
        yield {
            "trade_id": trade.id,
            "price": trade.price,
            "size": trade.quantity,
            "side": "sell" if trade.buyer_is_maker else "buy",
            "trade_time": trade.time_ms * MS,
        }


def _prices(bar: Candle) -> Row:
    return {
        "open_time": bar.open_ms * MS,
        "open": e8(bar.open_e8),
        "high": e8(bar.high_e8),
        "low": e8(bar.low_e8),
        "close": e8(bar.close_e8),
    }


def _named(coin: Coin) -> Row:
    return {"coin_id": coin.slug, "symbol": coin.symbol, "name": coin.name}


TRUTH: dict[str, Callable[[Unit], Iterator[Row]]] = {
    each.__name__: each
    for each in (
        binance_agg_trades, binance_funding, binance_klines, binance_tickers, binance_trades,
        bitstamp_ohlc, bybit_funding, bybit_klines, bybit_recent_trades, coinbase_candles,
        coinbase_products, coinbase_trades, coingecko_coins, coingecko_markets, coinlore_tickers,
        coinpaprika_tickers, gemini_trades, kraken_ohlc, kraken_trades, okx_candles, okx_trades,
    )
}  # fmt: skip
