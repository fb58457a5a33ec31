"""Rows to bars: the same as one by one with exact numbers, however they are cut into batches."""

from __future__ import annotations

import math
import random
from decimal import Decimal

import pyarrow as pa
import pytest

from include.ticklake.feed import loader
from include.ui.price_bars import MAX_BARS, PriceBars, bar_seconds
from include.ui.price_columns import PriceColumns, price_columns

TICK = PriceColumns(("price",), "quantity", None)
CANDLE = PriceColumns(("open", "high", "low", "close"), "volume", None)
DECIMAL, WIDE = pa.decimal128(18, 8), pa.decimal128(38, 18)
EVENT = pa.timestamp("ms", "UTC")


def batch(rows: list[tuple], names: list[str], kind: pa.DataType = DECIMAL) -> pa.RecordBatch:
    """Rows of an event time and numbers."""
    columns = [pa.array(values, EVENT if not number else kind)
               for number, values in enumerate(zip(*rows, strict=True))]  # fmt: skip
    return pa.record_batch(columns, names=["at", *names])


def bars(columns: PriceColumns, *batches: pa.RecordBatch, seconds: int = 60) -> list:
    """All bars of *batches*."""
    collected = PriceBars(columns, event_time="at", units_per_second=1_000, seconds=seconds)
    for rows in batches:
        collected.add(rows)
    return list(collected)


def test_bars_are_those_of_the_rows_one_by_one_however_they_are_cut():
    """Open, high, low, close, the exact sum of the quantity, and the number of rows."""
    chosen = random.Random(4)
    rows = sorted(
        (chosen.randrange(0, 600_000), Decimal(chosen.randrange(10**12)).scaleb(-8),
         Decimal(chosen.randrange(10**10)).scaleb(-8))
        for _ in range(500)
    )  # fmt: skip
    expected = []
    for minute in range(10):
        inside = [row for row in rows if row[0] // 60_000 == minute]
        prices = [price for _, price, _ in inside]
        expected.append((minute * 60, prices[0], max(prices), min(prices), prices[-1],
                         sum(quantity for *_, quantity in inside), len(inside)))  # fmt: skip
    for size in (7, 100, 500):
        cut = [batch(rows[n : n + size], ["price", "quantity"]) for n in range(0, 500, size)]
        chosen.shuffle(cut)
        found = [(b.start_s, b.open, b.high, b.low, b.close, b.volume, b.rows)
                 for b in bars(TICK, *cut)]  # fmt: skip
        assert found == expected


def test_candles_are_merged_into_longer_ones():
    """The first open, the last close, the widest range."""
    rows = [(0, 10, 12, 9, 11, 1), (60_000, 11, 15, 11, 14, 2), (120_000, 14, 14, 3, 4, 3)]
    names = ["open", "high", "low", "close", "volume"]
    [merged] = bars(CANDLE, batch(rows, names), seconds=300)
    assert (merged.open, merged.high, merged.low, merged.close) == (10, 15, 3, 4)
    assert (merged.volume, merged.rows) == (6, 3)


def test_the_sum_of_wide_decimals_does_not_overflow():
    """38 digits each, more in the sum."""
    greatest = Decimal("9" * 20 + "." + "9" * 18)
    rows = [(n, Decimal(1), greatest) for n in range(50)]
    found = bars(TICK, batch(rows, ["price", "quantity"], WIDE),
                 batch(rows, ["price", "quantity"], WIDE))  # fmt: skip
    assert [bar.volume for bar in found] == [Decimal("9" * 22 + "." + "9" * 16)]


def test_rows_without_a_price_or_in_disorder_are_no_trouble():
    """Null, NaN and infinity are left out; the first and last price go by time."""
    at = pa.array([3_000, 1_000, 2_000, 4_000, 5_000], EVENT)
    price = pa.array([3.0, 1.0, None, math.nan, math.inf])
    rows = pa.record_batch([at, price], names=["at", "price"])
    [only] = bars(PriceColumns(("price",), None, None), rows)
    assert (only.open, only.close, only.high, only.rows, only.volume) == (1.0, 3.0, 3.0, 2, None)


def test_a_time_before_1970_is_in_the_bar_that_began_before_it():
    """And not in the first of 1970."""
    found = bars(TICK, batch([(-1, 1, 1), (0, 2, 1)], ["price", "quantity"]))
    assert [bar.start_s for bar in found] == [-60, 0]


@pytest.mark.parametrize("length_s", [1, 3_600, 86_400, 7 * 86_400, 10**9, 3 * 10**9])
def test_a_range_has_few_bars(length_s):
    """At most 400; of candles none is shorter than they are."""
    assert length_s / bar_seconds(length_s) <= MAX_BARS
    assert bar_seconds(length_s, shortest_s=86_400) >= 86_400


@pytest.mark.parametrize(
    ("feed", "expected"),
    [
        ("binance_klines", CANDLE),
        ("coinbase_candles", CANDLE),
        ("binance_agg_trades", TICK),
        ("gemini_trades", PriceColumns(("price",), "amount", None)),
        ("bybit_funding", PriceColumns(("funding_rate",), None, None)),
        ("binance_tickers", PriceColumns(("last_price",), None, "symbol")),
        ("coinpaprika_tickers", PriceColumns(("price",), None, "coin_id")),
        ("coingecko_coins", None),
    ],
)
def test_the_columns_of_a_feed_are_chosen_by_name_and_type(feed, expected):
    """Candles, else what is called a price, else the first decimal; a sum only of what adds up."""
    assert price_columns(loader.load(feed, {})) == expected
