"""Hours of made-up trades in, a real lake out: staged parts, converted by the converter itself."""

from __future__ import annotations

import hashlib
import zlib
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from include.ticklake.convert.budget import Budget, budget_for
from include.ticklake.convert.convert import convert
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.manifest import JsonSection, Manifest, Part
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from tools import trades

FEED = trades.AGG_TRADES.model_copy(update={"name": "trades"})
BTC = Slice.of({"symbol": "BTCUSDT"})
DAY = Window.parse("20261122T000000Z-20261123T000000Z")
BUDGETS = budget_for(128 * MIB)


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
    events_ms: tuple[int, int] | None = None,
    fetched_at_ms: int | None = None,
) -> Manifest:
    """Stage *lines*, one record each, as one part of one window; keep its old Parquet section."""
    body = b"[" + ",\n".join(lines).encode() + b"\n]\n"
    packer = zlib.compressobj(1, wbits=31)
    packed = packer.compress(body) + packer.flush()
    digest = hashlib.sha256(packed).hexdigest()
    folder = layout.window_folder(layout.Area.JSON, feed.name, slice_, window)
    part = Part(
        key=f"{folder}/{window.name}.part-00000.{digest[:8]}.json.gz",
        rows=len(lines),
        json_bytes=len(body),
        gzip_bytes=len(packed),
        sha256=digest,
        first_event_ns=events_ms[0] * 10**6 if events_ms else None,
        last_event_ns=events_ms[1] * 10**6 if events_ms else None,
    )
    old = manifest.read(layout.manifest_key(feed.name, slice_, window), storage=storage)
    parts = (part,) if lines else ()
    if lines:
        storage.put(part.key, packed, metadata={"Content-Type": "application/json"})
    staged = Manifest(
        feed=feed.name,
        slice=slice_.as_dict(),
        window=window.name,
        json=JsonSection(
            received_rows=len(lines),
            out_of_window_rows=0,
            duplicate_rows=0,
            lost_range=None,
            pages=1,
            page_bytes=len(body),
            host=feed.host,
            fetched_at_ms=fetched_at_ms,
            parts=parts,
        ),
        parquet=old.parquet if old else None,
    )
    manifest.write(staged, storage=storage)
    for before in old.json.parts if old else ():
        if before not in parts:
            storage.delete(before.key)
    return staged


def ingest(
    storage: Storage,
    table: pa.Table,
    window: Window,
    *,
    feed: Feed = FEED,
    slice_: Slice = BTC,
    budgets: Budget = BUDGETS,
) -> Manifest:
    """Stage and convert the rows of *table* that lie in *window*."""
    rows = of_hour(table, window)
    ends = (rows["T"][0].as_py(), rows["T"][-1].as_py()) if rows.num_rows else None
    lines = trades.text(rows).to_pylist() if rows.num_rows else []
    staged = stage(storage, lines, window=window, feed=feed, slice_=slice_, events_ms=ends)
    return convert(staged.key, feed=feed, storage=storage, budget=budgets).manifest


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
