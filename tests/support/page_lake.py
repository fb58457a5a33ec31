"""A lake of three shipped feeds, small and real, for the pages that show what is in it.

Candles of ``bitstamp_ohlc``, ticks of ``binance_trades`` with quarantined records in one hour, and
three coins of ``coinpaprika_tickers``: converted by the converter, published as a run does it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta

from include.ticklake.convert.convert import convert
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, summary
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.summary import FeedSummary, QuarantinedWindow, StepRun
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from include.ticklake.publish import latest
from tests.support import lake_factory

CANDLES, TRADES, COINS = "bitstamp_ohlc", "binance_trades", "coinpaprika_tickers"
BTC = {CANDLES: Slice.of({"pair": "btcusd", "interval": "1m"}),
       TRADES: Slice.of({"symbol": "BTCUSDT"}), COINS: Slice()}  # fmt: skip
HOURS = [lake_factory.hour(number) for number in range(8)]
BAD_HOUR = HOURS[5]
HOSTILE = '<script>alert("record")</script>'
BAD_RECORDS = [HOSTILE, "n/a", "x" * 5_000]
"""The prices of the records that are quarantined."""
MAX_ROWS = 40


def write(storage: Storage) -> None:
    """All of it; the summaries as a run leaves them."""
    for name, records in ((CANDLES, _candles), (TRADES, _trades), (COINS, _coins)):
        feed = loader.load(name, {})
        roomy = feed.model_copy(
            update={"limits": feed.limits.model_copy(update={"max_bad_share": 1.0})}
        )
        for window in HOURS:
            _ingest(storage, roomy, window, list(records(window)))
        latest.publish(feed, [BTC[name]], storage=storage, max_rows=MAX_ROWS)
        storage.put(summary.feed_key(name), summary.encode_feed(summary_of(feed)))


def _ingest(storage: Storage, feed: Feed, window: Window, records: list[object]) -> None:
    staged = lake_factory.stage(
        storage,
        [json.dumps(record) for record in records],
        window=window,
        feed=feed,
        slice_=BTC[feed.name],
        fetched_at_ms=window.end_ms - 1_000 if feed.snapshot else None,
    )
    convert(staged.key, feed=feed, storage=storage, budget=lake_factory.BUDGET)


def _candles(window: Window) -> Iterator[dict[str, str]]:
    chosen = random.Random(window.start_ms)
    price = 91_000 + window.start.hour * 60.0
    for minute in range(60):
        prices = [price + chosen.gauss(0, 15) for _ in range(4)]
        yield {
            "timestamp": str(window.start_ms // 1000 + minute * 60),
            "open": f"{prices[0]:.2f}", "close": f"{prices[1]:.2f}",
            "high": f"{max(prices):.2f}", "low": f"{min(prices):.2f}",
            "volume": f"{chosen.random() * 9:.8f}",
        }  # fmt: skip
        price = prices[1]


def _trades(window: Window) -> Iterator[dict[str, object]]:
    chosen = random.Random(window.start_ms)
    for number in range(120):
        yield {
            "id": window.start.hour * 1_000 + number,
            "price": f"{91_000 + window.start.hour * 60 + chosen.gauss(0, 30):.8f}",
            "qty": f"{chosen.random():.8f}", "isBuyerMaker": True,
            "time": window.start_ms + number * 30_000,
        }  # fmt: skip
    for number, price in enumerate(BAD_RECORDS if window == BAD_HOUR else ()):
        yield {
            "id": 900_000 + number, "price": price, "qty": "1", "isBuyerMaker": False,
            "time": window.start_ms + 100 + number,
        }  # fmt: skip


def _coins(window: Window) -> Iterator[dict[str, object]]:
    for rank, (coin, price) in enumerate((("btc-bitcoin", 91_000), ("eth-ethereum", 3_100)), 1):
        yield {
            "id": coin, "name": coin, "symbol": coin[:3], "rank": rank,
            "quotes": {"USD": {"price": price + window.start.hour / 8}},
        }  # fmt: skip


def summary_of(feed: Feed) -> FeedSummary:
    """What a run publishes of the feed, with 96 runs of two steps."""
    window_ms = int(feed.window / timedelta(milliseconds=1))
    quarantined = QuarantinedWindow(
        slice=BTC[feed.name].path, start_ms=BAD_HOUR.start_ms, rows=len(BAD_RECORDS),
        key=layout.quarantine_key(feed.name, BTC[feed.name], BAD_HOUR),
        reasons={"price: is not a decimal": len(BAD_RECORDS)},
    )  # fmt: skip
    return FeedSummary(
        feed=feed.name,
        window_ms=window_ms,
        slice_names=tuple(feed.slices),
        slices=(BTC[feed.name].path,),
        first_start_ms=HOURS[0].start_ms,
        last_end_ms=HOURS[-1].end_ms,
        runs=tuple(_runs(feed)),
        quarantine_windows=(quarantined,) if feed.name == TRADES else (),
    )


def _runs(feed: Feed) -> Iterator[StepRun]:
    chosen = random.Random(feed.name)
    for number in range(96):
        at_ms = HOURS[-1].end_ms - (95 - number) * 3_600_000
        rows = int(10 ** chosen.uniform(3, 6.4))
        for step, mib, cap_mib in (("extract", 58, 0), ("convert", 80, 128)):
            yield StepRun(
                at_ms=at_ms, dag_id=f"ingest_{feed.name}", run_id=f"scheduled__{number}",
                step=step, peak_bytes=int((mib + chosen.random() * 8) * MIB),
                cap_bytes=cap_mib * MIB, rows=rows, units=2,
            )  # fmt: skip
