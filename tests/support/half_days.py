"""A feed of two windows a day, and what its lake goes through: for tests of tasks that meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from include.ticklake.convert.convert import convert
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.retention import Retention
from include.ticklake.lake import day_manifest, layout, manifest, read
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact, expire
from include.ticklake.model.window import Window
from tests.support import lake_factory

Task = Callable[[Storage], object]

DAY = lake_factory.DAY
NOON = DAY.start + timedelta(hours=12)
MORNING, EVENING = Window(DAY.start, NOON), Window(NOON, DAY.end)
LATER = DAY.end + timedelta(days=2, hours=5)
"""When data that is kept for a day has expired."""


def feed(field: str) -> Feed:
    """Windows of half a day; reads *field* of each record: another field is a corrected feed."""
    at = {"type": "timestamp", "unit": "ms", "event_time": True}
    return Feed.model_validate(
        {
            "name": "halves",
            "source": {
                "kind": "http",
                "base_url": "https://api.example.com",
                "path": "/x/{symbol}",
            },
            "slices": {"symbol": ["BTCUSDT"]},
            "window": "12h",
            "fields": {"amount": {"from": field, "type": "int64"}, "at": {"from": "t"} | at},
        }
    )


OLD, CORRECTED = feed("old"), feed("corrected")


def fetch(lake: Storage, window: Window, values: list[int]) -> None:
    """Stage *values*; the corrected feed reads them tenfold."""
    lines = [
        f'{{"old":{value},"corrected":{10 * value},"t":{window.start_ms + value}}}'
        for value in values
    ]
    lake_factory.stage(lake, lines, window=window, feed=OLD)


def convert_window(lake: Storage, window: Window, described: Feed = OLD) -> None:
    """Convert what is staged of *window*."""
    key = layout.manifest_key(OLD.name, lake_factory.BTC, window)
    convert(key, feed=described, storage=lake, budget=lake_factory.BUDGET)


def ingest(lake: Storage, window: Window, values: list[int], described: Feed = OLD) -> None:
    """Stage and convert *values*."""
    fetch(lake, window, values)
    convert_window(lake, window, described)


def compact_day(lake: Storage) -> None:
    """Compact the day."""
    compact.compact(OLD, lake_factory.BTC, DAY, storage=lake, budget=lake_factory.BUDGET)


def retire(lake: Storage, now: datetime = LATER, **lengths: str) -> None:
    """Delete what has expired."""
    described = OLD.model_copy(update={"retention": Retention.model_validate(lengths)})
    found = expire.find_expired(described, now=now, storage=lake)
    for _ in expire.delete(described, found, now=now, storage=lake):
        pass


def seen(lake: Storage) -> list[int]:
    """What readers of manifests see."""
    return sorted(read.table(OLD, storage=lake, columns=["amount"])["amount"].to_pylist())


def in_folder(lake: Storage) -> list[int]:
    """What readers of the folder see."""
    if not list(lake.list("parquet")):
        return []
    table = read.dataset(OLD, storage=lake).to_table(columns=["amount"])
    return sorted(table["amount"].to_pylist())


def named_and_gone(lake: Storage) -> list[str]:
    """What a manifest counts on and is not there."""
    return sorted({key for key in _named(lake) if not lake.exists(key)})


def _named(lake: Storage) -> Iterator[str]:
    days = {day.window: day for day in day_manifest.read_all(OLD.name, storage=lake)}
    for day in days.values():
        if day.key and not day.removed:
            yield day.key
    for window in manifest.read_all(OLD.name, storage=lake):
        if not window.json.removed:
            yield from (part.key for part in window.json.parts)
        parquet = window.parquet
        if parquet is None or not parquet.rows or not parquet.key or parquet.removed:
            continue
        in_day = day_manifest.CompactedWindow.of(window.window, parquet)
        if not any(day.holds(in_day) for day in days.values()):
            yield parquet.key
