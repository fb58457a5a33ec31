"""Two days of three windows, the feeds that read them, and what their rows are."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa

from include.ticklake.feed.feed import Feed
from include.ticklake.lake.layout import DAY
from include.ticklake.model.window import Window, split_range
from tests.support import lake_factory

Rows = tuple[int, ...]
"""What a source has of one window: a value for each record, whose number is its place."""

DAYS = [lake_factory.DAY, Window(lake_factory.DAY.end, lake_factory.DAY.end + DAY)]
LENGTH_OF_WINDOW = timedelta(hours=8)
WINDOWS = [
    window for day in DAYS for window in split_range(day.start, day.end, length=LENGTH_OF_WINDOW)
]


def feed(factor: str) -> Feed:
    """A feed that reads the field *factor* of each record: another factor is a fixed feed."""
    return Feed.model_validate(
        {
            "name": "modelled",
            "source": {
                "kind": "http",
                "base_url": "https://api.example.com",
                "path": "/trades/{symbol}",
            },
            "slices": {"symbol": ["BTCUSDT"]},
            "window": "8h",
            "fields": {
                "number": {"from": "n", "type": "int64", "key": True},
                "amount": {"from": factor, "type": "int64"},
                "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
            },
        }
    )


FEEDS = {1: feed("once"), 10: feed("tenfold")}
FEED = FEEDS[1]


def times(rows: Rows, factor: int) -> Rows:
    """What the feed of *factor* makes of them."""
    return tuple(factor * value for value in rows)


def windows_of(day: Window) -> list[Window]:
    """The windows of *day*."""
    return [window for window in WINDOWS if day.start <= window.start < day.end]


def by_window(table: pa.Table) -> dict[Window, Rows]:
    """The amounts of each window, a doubled row twice."""
    amounts: dict[Window, list[int]] = {window: [] for window in WINDOWS}
    ordered = table.sort_by([("at", "ascending"), ("amount", "ascending")])
    for at, amount in zip(ordered["at"].to_pylist(), ordered["amount"].to_pylist(), strict=True):
        amounts[next(window for window in WINDOWS if window.start <= at < window.end)] += [amount]
    return {window: tuple(rows) for window, rows in amounts.items()}
