"""The simulation is one market, however it is asked."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.replay.candles import DAY_MS, HOUR_MS, MINUTE_MS, MONDAY_MS, WEEK_MS, Interval, minutes
from include.replay.market import Market
from tests.replay.conftest import HOUR

SMALL = Market(seed=3, trades_per_hour=211)
FULL = Market(seed=3)
SYMBOLS = st.sampled_from(["BTCUSDT", "SHIBUSDT", "ETHBTC", "XYZEUR", "NOPE"])
MOMENTS = st.integers(0, HOUR + 50 * DAY_MS)
LENGTHS = st.integers(0, 3 * HOUR_MS)


@settings(max_examples=50, deadline=None)
@given(symbol=SYMBOLS, start=MOMENTS, length=LENGTHS)
def test_ids_are_contiguous_and_times_ascend(symbol, start, length):
    """Inside any window ids have no gap, no two trades share a nanosecond, none is outside."""
    trades = list(SMALL.trades(symbol, start, start + length))
    assert all(b.id == a.id + 1 and b.time_ns > a.time_ns for a, b in pairwise(trades))
    assert all(start <= trade.time_ms < start + length for trade in trades)
    assert all(trade.price_e8 > 0 and trade.quantity_e8 > 0 for trade in trades)


@settings(max_examples=50, deadline=None)
@given(symbol=SYMBOLS, start=MOMENTS, length=LENGTHS, cut=st.floats(0, 1))
def test_any_way_of_asking_gives_the_same_trades(symbol, start, length, cut):
    """Two windows side by side, ids, and another market of the same seed agree with one window."""
    end, middle = start + length, start + int(length * cut)
    whole = list(SMALL.trades(symbol, start, end))
    halves = [*SMALL.trades(symbol, start, middle), *SMALL.trades(symbol, middle, end)]
    by_id = list(SMALL.trades_by_id(symbol, SMALL.id_at(symbol, start), SMALL.id_at(symbol, end)))
    other = list(Market(seed=3, trades_per_hour=211).trades(symbol, start, end))
    assert whole == halves == by_id == other


@settings(max_examples=40, deadline=None)
@given(symbol=SYMBOLS, start=MOMENTS, length=LENGTHS)
def test_aggregates_cover_the_trades(symbol, start, length):
    """Aggregates are contiguous, and so are the trades they stand for; sums and sides agree."""
    aggregates = list(SMALL.agg_trades(symbol, start, start + length))
    trades = iter(SMALL.trades(symbol, start, start + length))
    assert all(b.id == a.id + 1 and b.first_id == a.last_id + 1 for a, b in pairwise(aggregates))
    for aggregate in aggregates:
        parts = [next(trades) for _ in range(aggregate.first_id, aggregate.last_id + 1)]
        assert (parts[0].id, parts[-1].id) == (aggregate.first_id, aggregate.last_id)
        assert sum(part.quantity_e8 for part in parts) == aggregate.quantity_e8
        assert {(part.time_ms, part.price_e8, part.buyer_is_maker) for part in parts} == {
            (aggregate.time_ms, aggregate.price_e8, aggregate.buyer_is_maker)
        }
    assert next(trades, None) is None


@settings(max_examples=60, deadline=None)
@given(symbol=SYMBOLS, start=MOMENTS, length=st.integers(1, 3 * HOUR_MS))
def test_a_candle_is_made_of_its_trades(symbol, start, length):
    """Any stretch of time has the bar that its trades give, to the last digit."""
    trades = list(SMALL.trades(symbol, start, start + length))
    bar = SMALL.candle(symbol, start, start + length)
    assert bar.trades == len(trades)
    if trades:
        prices = [trade.price_e8 for trade in trades]
        takers = [trade for trade in trades if not trade.buyer_is_maker]
        assert bar[2:6] == (prices[0], max(prices), min(prices), prices[-1])
        assert bar.volume_e8 == sum(t.quantity_e8 for t in trades)
        assert bar.turnover_e16 == sum(t.price_e8 * t.quantity_e8 for t in trades)
        assert bar.taker_volume_e8 == sum(t.quantity_e8 for t in takers)
        assert bar.taker_turnover_e16 == sum(t.price_e8 * t.quantity_e8 for t in takers)


def test_an_empty_candle_stands_at_the_last_price():
    """Without trades a bar is flat at the price of the trade before it."""
    last = SMALL.trade("BTCUSDT", SMALL.id_at("BTCUSDT", HOUR) - 1)
    second = next(SMALL.trades("BTCUSDT", HOUR, HOUR + HOUR_MS)).time_ms - HOUR
    assert second == 0, "the first trade of an hour falls into its first millisecond"
    bar = SMALL.candle("BTCUSDT", HOUR, HOUR)
    assert (bar.trades, bar.open_e8, bar.close_e8) == (0, last.price_e8, last.price_e8)


def test_a_day_is_the_sum_of_its_minutes():
    """Long bars, made from sums, agree with short ones."""
    day = FULL.candle("ETHUSDT", HOUR, HOUR + DAY_MS)
    bars = list(FULL.candles("ETHUSDT", minutes(1), HOUR, HOUR + DAY_MS, until_ms=HOUR + DAY_MS))
    assert len(bars) == 1_440
    assert day.turnover_e16 == sum(bar.turnover_e16 for bar in bars)
    assert day.high_e8 == max(bar.high_e8 for bar in bars)
    assert day.trades == 24 * FULL.trades_per_hour


def test_an_hour_has_pages_and_bursts():
    """Over 7,000 records; bursts share a millisecond, also where pages of 100 or 1,000 end."""
    trades = list(FULL.trades("BTCUSDT", HOUR, HOUR + HOUR_MS))
    aggregates = list(FULL.agg_trades("BTCUSDT", HOUR, HOUR + HOUR_MS))
    assert (len(trades), len(aggregates)) == (7_500, 7_032)
    assert (trades[0].time_ms, trades[-1].time_ms) == (HOUR, HOUR + HOUR_MS - 1)
    for rows in (trades, aggregates):
        edges = range(100, len(rows), 100)
        assert all(rows[edge - 1].time_ms == rows[edge].time_ms for edge in edges)
    assert max(Counter(trade.time_ms for trade in trades).values()) >= 150
    by_minute = Counter((trade.time_ms - HOUR) // MINUTE_MS for trade in trades).values()
    assert max(by_minute) > 5 * min(by_minute)


def test_prices_go_on_from_hour_to_hour():
    """Where an hour ends the next one opens, within 1 %."""
    first_ids = [FULL.id_at("BTCUSDT", HOUR + n * HOUR_MS) for n in range(1, 200)]
    edges = [list(FULL.trades_by_id("BTCUSDT", n - 1, n + 1)) for n in first_ids]
    assert all(abs(b.price_e8 - a.price_e8) * 100 < a.price_e8 for a, b in edges)
    assert len({b.price_e8 for _, b in edges}) > 150


def test_another_process_has_the_same_market():
    """Nothing depends on this process: hashes, caches, order of questions."""
    script = (
        "from include.replay.market import Market\n"
        f"print(*Market(seed=3).trades_by_id('BTCUSDT', {10**9}, {10**9 + 3}), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    here = FULL.trades_by_id("BTCUSDT", 10**9, 10**9 + 3)
    assert done.stdout.splitlines() == [str(trade) for trade in here]


def test_the_market_never_changes():
    """Users keep figures from it: a change of the simulation has to be a decision."""
    trade = Market(seed=7).trade("BTCUSDT", 3_681_922_505)
    assert (trade.time_ns, trade.price, trade.quantity) == (
        1_767_322_805_505_250_000,
        Decimal("91773.75"),
        Decimal("0.43092"),
    )


def test_seeds_and_symbols_differ():
    """Another seed or symbol is another market."""

    def prices(seed, symbol):
        market = Market(seed=seed, trades_per_hour=211)
        return [trade.price_e8 for trade in market.trades(symbol, HOUR, HOUR + HOUR_MS)]

    kinds = [(1, "BTCUSDT"), (2, "BTCUSDT"), (1, "BTCUSDC"), (1, "AAAUSDT")]
    assert len({tuple(prices(*one)) for one in kinds}) == len(kinds)


@pytest.mark.parametrize("count", [1, 2, 31, 32, 33, 100, 101])
def test_small_markets_are_whole(count):
    """Any number of trades per hour works, from one on."""
    market = Market(seed=5, trades_per_hour=count)
    trades = list(market.trades("BTCUSDT", HOUR, HOUR + 3 * HOUR_MS))
    aggregates = list(market.agg_trades("BTCUSDT", HOUR, HOUR + 3 * HOUR_MS))
    assert len(trades) == 3 * count
    assert len(aggregates) == 3 * market.agg_trades_per_hour
    assert aggregates[-1].last_id == trades[-1].id


@pytest.mark.parametrize(
    ("interval", "moment", "opening", "following"),
    [
        pytest.param(minutes(5), HOUR + 1, HOUR, HOUR + 300_000, id="minutes"),
        pytest.param(
            Interval(length_ms=WEEK_MS, offset_ms=MONDAY_MS),
            HOUR, 1_766_966_400_000, 1_767_571_200_000, id="weeks from Monday",
        ),
        pytest.param(
            Interval(months=1), HOUR, 1_767_225_600_000, 1_769_904_000_000, id="months"
        ),
        pytest.param(
            Interval(months=1, offset_ms=-8 * HOUR_MS),
            HOUR, 1_767_225_600_000 - 8 * HOUR_MS, 1_769_904_000_000 - 8 * HOUR_MS,
            id="months in Hong Kong",
        ),
    ],
)  # fmt: skip
def test_intervals_open_where_the_calendar_says(interval, moment, opening, following):
    """Bars lie on the grid of their interval."""
    assert interval.opening(moment) == opening
    assert interval.opening(opening) == opening
    assert interval.opening(opening - 1) < opening
    assert interval.step(opening, bars=1) == following
    assert interval.step(following, bars=-1) == opening
    assert list(interval.openings(opening, following + 1)) == [opening, following]
