"""The rows of feeds of events (trades, funding rates), from the market itself."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from include.replay.candles import HOUR_MS
from include.replay.digits import E8
from include.replay.exchanges import bitmex, deribit, hyperliquid, upbit
from include.replay.exchanges.bybit import execution_id
from include.replay.funding import payments
from tests.contract.feeds.unit import MS, FeedUnit, Row, e8


def binance_agg_trades(unit: FeedUnit) -> Iterator[Row]:
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


def binance_bulk_agg_trades(unit: FeedUnit) -> Iterator[Row]:
    """The same trades as those of the API, in microseconds."""
    times_ns = (
        trade.time_ns // 1_000 * 1_000
        for trade in unit.market.agg_trades(unit.symbol, unit.window.start_ms, unit.window.end_ms)
    )
    for row, time_ns in zip(binance_agg_trades(unit), times_ns, strict=True):
        yield row | {"trade_time": time_ns}


def binance_trades(unit: FeedUnit) -> Iterator[Row]:
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


def binance_funding(unit: FeedUnit) -> Iterator[Row]:
    for made in payments(unit.market, unit.symbol, unit.window.start_ms, unit.window.end_ms):
        yield {
            "funding_time": made.paid_ms * MS,
            "symbol_name": unit.symbol,
            "funding_rate": e8(made.rate_e8),
            "mark_price": e8(made.mark_e8),
        }


def bitfinex_trades(unit: FeedUnit) -> Iterator[Row]:
    """Bitfinex tells the taker's side by the sign of the amount."""
    for trade in unit.trades:
        yield {
            "trade_id": trade.id,
            "price": trade.price,
            "amount": -trade.quantity if trade.buyer_is_maker else trade.quantity,
            "trade_time": trade.time_ms * MS,
        }


def bitmex_trades(unit: FeedUnit) -> Iterator[Row]:
    """A contract is worth a dollar; the gross value is in the smallest unit of the coin."""
    for trade in unit.trades:
        contracts = bitmex.size(trade)
        yield {
            "trade_id": bitmex.match_id(trade.id),
            "price": trade.price,
            "size": contracts,
            "side": "Sell" if trade.buyer_is_maker else "Buy",
            "tick_direction": "ZeroMinusTick" if trade.buyer_is_maker else "ZeroPlusTick",
            "gross_value": trade.quantity_e8,
            "home_notional": trade.quantity,
            "foreign_notional": Decimal(contracts),
            "trade_time": trade.time_ms * MS,
        }


def bybit_funding(unit: FeedUnit) -> Iterator[Row]:
    """Bybit says when a payment was due, not when it was made some milliseconds later."""
    for made in payments(unit.market, unit.symbol, unit.window.start_ms, unit.window.end_ms):
        yield {
            "funding_time": made.due_ms * MS,
            "symbol_name": unit.symbol,
            "funding_rate": e8(made.rate_e8),
        }


def bybit_recent_trades(unit: FeedUnit) -> Iterator[Row]:
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


def bybit_bulk_trades(unit: FeedUnit) -> Iterator[Row]:
    """Files have ten-thousandths of a second."""
    for trade in unit.trades:
        yield {
            "execution_id": execution_id(trade.id, spot=False),
            "symbol_name": unit.symbol,
            "price": trade.price,
            "size": trade.quantity,
            "side": "Sell" if trade.buyer_is_maker else "Buy",
            "trade_time": trade.time_ns // 100_000 * 100_000,
        }


def coinbase_trades(unit: FeedUnit) -> Iterator[Row]:
    """Coinbase tells the maker's side, and microseconds."""
    for trade in unit.trades:
        yield {
            "trade_id": trade.id,
            "price": trade.price,
            "size": trade.quantity,
            "maker_side": "buy" if trade.buyer_is_maker else "sell",
            "trade_time": trade.time_ns // 1_000 * 1_000,
        }


def deribit_trades(unit: FeedUnit) -> Iterator[Row]:
    """A perpetual has no volatility, and nobody is liquidated here."""
    for trade in unit.trades:
        yield {
            "trade_seq": trade.id,
            "trade_id": str(trade.id),
            "price": trade.price,
            "amount": trade.quantity,
            "contracts": trade.quantity,
            "direction": "sell" if trade.buyer_is_maker else "buy",
            "tick_direction": trade.id % 4,
            "mark_price": Decimal(deribit.mark_price(unit.market, unit.symbol, trade)),
            "index_price": trade.price,
            "implied_volatility": None,
            "liquidation": None,
            "trade_time": trade.time_ms * MS,
        }


def gate_spot_trades(unit: FeedUnit) -> Iterator[Row]:
    """Gate.io tells microseconds of spot trades."""
    for trade in unit.trades:
        yield {
            "trade_id": trade.id,
            "price": trade.price,
            "amount": trade.quantity,
            "side": "sell" if trade.buyer_is_maker else "buy",
            "trade_time": trade.time_ns // 1_000 * 1_000,
        }


def gate_futures_trades(unit: FeedUnit) -> Iterator[Row]:
    """A contract is one lot here, and the taker's side the sign of the size."""
    lot_e8 = unit.market.instrument(unit.symbol).lot_e8
    for trade in unit.trades:
        size = trade.quantity_e8 // lot_e8
        yield {
            "trade_id": trade.id,
            "price": trade.price,
            "size": -size if trade.buyer_is_maker else size,
            "trade_time": trade.time_ms * MS,
        }


def gemini_trades(unit: FeedUnit, *, side: str = "side") -> Iterator[Row]:
    for trade in unit.trades:
        yield {
            "trade_id": trade.id,
            "price": trade.price,
            "amount": trade.quantity,
            side: "sell" if trade.buyer_is_maker else "buy",
            "trade_time": trade.time_ms * MS,
        }


def htx_trades(unit: FeedUnit) -> Iterator[Row]:
    """The newest 2,000 batches are all that there is, and reach back beyond the window."""
    return gemini_trades(unit, side="direction")


def hyperliquid_funding(unit: FeedUnit) -> Iterator[Row]:
    window = unit.window
    for made in payments(
        unit.market, unit.symbol, window.start_ms, window.end_ms, period_ms=HOUR_MS
    ):
        yield {
            "funding_time": made.paid_ms * MS,
            "funding_rate": e8(made.rate_e8),
            "premium": e8(hyperliquid.premium_e8(made)),
        }


def kraken_trades(unit: FeedUnit) -> Iterator[Row]:
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


def okx_trades(unit: FeedUnit) -> Iterator[Row]:
    for trade in unit.trades:
        yield {
            "trade_id": trade.id,
            "price": trade.price,
            "size": trade.quantity,
            "side": "sell" if trade.buyer_is_maker else "buy",
            "trade_time": trade.time_ms * MS,
        }


def upbit_recent_trades(unit: FeedUnit) -> Iterator[Row]:
    """The newest five hundred are all that there is."""
    oldest = unit.market.id_at(unit.symbol, unit.now_ms) - upbit.TRADES
    for trade in unit.trades:
        if trade.id >= oldest:
            yield {
                "trade_id": upbit.sequential_id(trade),
                "price": trade.price,
                "quantity": trade.quantity,
                "side": "ASK" if trade.buyer_is_maker else "BID",
                "trade_time": trade.time_ms * MS,
            }
