"""Hours of made-up trades in, a real lake out: staged parts, converted by the converter itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from include.ticklake.convert.budget import Budget, budget_for
from include.ticklake.convert.convert import convert
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support import staged_factory
from tools import trades

FEED = trades.AGG_TRADES.model_copy(update={"name": "trades"})
BTC = Slice.of({"symbol": "BTCUSDT"})
DAY = Window.parse("20261122T000000Z-20261123T000000Z")
BUDGET = budget_for(128 * MIB)


def hour(number: int, day: Window = DAY) -> Window:
    """The window of one hour of *day*."""
    start = day.start + timedelta(hours=number)
    return Window(start, start + timedelta(hours=1))


def day_of_trades(rows: int, *, seed: int = 7) -> pa.Table:
    """A day of trades in time order, spread over it; columns as the source names them."""
    walk = trades.Walk(us_per_row=85_000_000_000 / rows, seed=seed)
    table, _ = trades.trades(rows, walk=walk)
    moved = pc.add(table["T"], DAY.start_ms - trades.HOUR.start_ms)
    inside = table.set_column(table.schema.get_field_index("T"), "T", moved)
    return inside.filter(pc.less(inside["T"], DAY.end_ms))


def of_hour(table: pa.Table, window: Window) -> pa.Table:
    """The rows of *table* that lie in *window*."""
    at = table["T"]
    inside = pc.and_(pc.greater_equal(at, window.start_ms), pc.less(at, window.end_ms))
    return table.filter(inside)


def stage(
    storage: Storage,
    lines: list[str],
    *,
    window: Window,
    feed: Feed = FEED,
    slice_: Slice = BTC,
    fetched_at_ms: int | None = None,
) -> Manifest:
    """Stage *lines*, one record each, as one part of one window; keep its old Parquet section."""
    return staged_factory.stage(
        feed,
        [lines] if lines else [],
        storage=storage,
        unit=Unit(slice_, window),
        fetched_at_ms=fetched_at_ms,
    )


def ingest(
    storage: Storage,
    table: pa.Table,
    window: Window,
    *,
    feed: Feed = FEED,
    slice_: Slice = BTC,
    budget: Budget = BUDGET,
) -> Manifest:
    """Stage and convert the rows of *table* that lie in *window*."""
    rows = of_hour(table, window)
    lines = trades.text(rows).to_pylist() if rows.num_rows else []
    staged = stage(storage, lines, window=window, feed=feed, slice_=slice_)
    return convert(staged.key, feed=feed, storage=storage, budget=budget).manifest


def ingest_day(storage: Storage, table: pa.Table, *, slice_: Slice = BTC) -> list[Manifest]:
    """Stage and convert every hour of the day."""
    return [ingest(storage, table, hour(number), slice_=slice_) for number in range(24)]


def with_ids(table: pa.Table, first: int) -> pa.Table:
    """*table* with ids that begin at *first*."""
    moved = pc.add(table["a"], first - table["a"][0].as_py())
    return table.set_column(table.schema.get_field_index("a"), "a", moved)


def at(text: str) -> datetime:
    """An instant of the day: ``12:34`` or ``12:34:56``."""
    return datetime.combine(DAY.start.date(), datetime.fromisoformat(f"2026-11-22T{text}").time(),
                            tzinfo=UTC)  # fmt: skip
