"""The rows of feeds of candles, from the market itself."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from include.replay.candles import MINUTE_MS, Candle
from include.replay.digits import E8
from include.replay.exchanges import upbit
from tests.contract.feeds.unit import MS, FeedUnit, Row, e8


def binance_klines(unit: FeedUnit) -> Iterator[Row]:
    for bar in unit.candles:
        yield _prices(bar) | {
            "volume": e8(bar.volume_e8),
            "close_time": bar.end_ms * MS - MS,
            "quote_volume": e8(bar.turnover_e16 // E8),
            "trades": bar.trades,
            "taker_buy_volume": e8(bar.taker_volume_e8),
            "taker_buy_quote_volume": e8(bar.taker_turnover_e16 // E8),
        }


def binance_bulk_klines(unit: FeedUnit) -> Iterator[Row]:
    """The same candles as those of the API, which end a microsecond before the next."""
    for row in binance_klines(unit):
        end_ns = int(row["open_time"]) + MINUTE_MS * MS
        yield row | {"close_time": end_ns - 1_000}


binance_usdt_klines = binance_klines


def bitfinex_candles(unit: FeedUnit) -> Iterator[Row]:
    """A minute without trades has no candle."""
    for bar in unit.candles:
        if bar.trades:
            yield _prices(bar) | {"volume": e8(bar.volume_e8)}


def bitstamp_ohlc(unit: FeedUnit) -> Iterator[Row]:
    for bar in unit.candles:
        yield _prices(bar) | {"volume": e8(bar.volume_e8)}


def bybit_klines(unit: FeedUnit) -> Iterator[Row]:
    for bar in unit.candles:
        turnover = {"turnover": e8(bar.turnover_e16 // E8)}
        yield _prices(bar) | {"volume": e8(bar.volume_e8)} | turnover


def coinbase_candles(unit: FeedUnit) -> Iterator[Row]:
    """A minute without trades has no candle."""
    for bar in unit.candles:
        if bar.trades:
            yield _prices(bar) | {"volume": e8(bar.volume_e8)}


def deribit_candles(unit: FeedUnit) -> Iterator[Row]:
    for bar in unit.candles:
        volumes = {"volume": e8(bar.volume_e8), "cost": e8(bar.turnover_e16 // E8)}
        yield _prices(bar) | volumes


def hyperliquid_candles(unit: FeedUnit) -> Iterator[Row]:
    for bar in unit.candles:
        yield _prices(bar) | {
            "volume": e8(bar.volume_e8),
            "close_time": bar.end_ms * MS - MS,
            "trades": bar.trades,
        }


def kraken_ohlc(unit: FeedUnit) -> Iterator[Row]:
    decimals = unit.market.instrument(unit.symbol).price_decimals
    for bar in unit.candles:
        paid, volume = bar.turnover_e16 * 10**decimals, bar.volume_e8 * E8
        average = Decimal(paid // volume).scaleb(-decimals) if volume else e8(bar.close_e8)
        yield _prices(bar) | {"vwap": average, "volume": e8(bar.volume_e8), "trades": bar.trades}


def kucoin_candles(unit: FeedUnit) -> Iterator[Row]:
    """A minute without trades has no candle."""
    for bar in unit.candles:
        if bar.trades:
            turnover = {"turnover": e8(bar.turnover_e16 // E8)}
            yield _prices(bar) | {"volume": e8(bar.volume_e8)} | turnover


def okx_candles(unit: FeedUnit) -> Iterator[Row]:
    for bar in unit.candles:
        turnover = e8(bar.turnover_e16 // E8)
        volumes = {"volume": e8(bar.volume_e8), "volume_currency": turnover}
        yield _prices(bar) | volumes | {"volume_quote": turnover}


def upbit_candles(unit: FeedUnit) -> Iterator[Row]:
    """A minute without trades has no candle."""
    for bar in unit.candles:
        if bar.trades:
            last_ms = upbit.last_trade_ms(unit.market, unit.symbol, bar, now_ms=unit.now_ms)
            yield _prices(bar) | {
                "volume": e8(bar.volume_e8),
                "turnover": e8(bar.turnover_e16 // E8),
                "last_trade_time": last_ms * MS,
            }


def _prices(bar: Candle) -> Row:
    return {
        "open_time": bar.open_ms * MS,
        "open": e8(bar.open_e8),
        "high": e8(bar.high_e8),
        "low": e8(bar.low_e8),
        "close": e8(bar.close_e8),
    }
