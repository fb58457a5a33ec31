"""A feed and a unit of work in, its lake out: what a DAG does, in this process and without waiting.

``ingest`` tries again as Airflow does, whatever ``Retryable`` says, and keeps the waits instead of
waiting. ``rows`` reads the lake back as plain values: Decimals, and times in nanoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet as pq

from include.ticklake.convert import convert
from include.ticklake.convert.budget import budget_for
from include.ticklake.errors import RetryableError
from include.ticklake.extract import extract
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, split_range
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.rate_limits import forget_bans

BUDGET = budget_for(128 * MIB)


@dataclass(slots=True, kw_only=True)
class Ingested:
    """What one ingestion left, and what it went through."""

    root: Path
    manifest: Manifest
    waits_s: list[float] = field(default_factory=list)
    retried: list[RetryableError] = field(default_factory=list)


def last_window(feed: Feed, now_ms: int) -> Window:
    """The last window of *feed* that is over: what a scheduled run fetches."""
    now = datetime.fromtimestamp(now_ms // 1000, UTC)
    return next(split_range(now - feed.window, now, length=feed.window))


def around(feed: Feed, window: Window) -> tuple[Feed, Window]:
    """*feed* with the shortest windows of whole hours of which one holds all of *window*."""
    length = feed.window
    while True:
        own = next(split_range(window.start, window.end, length=length))
        if own.end >= window.end:
            return feed.model_copy(update={"window": length}), own
        length += timedelta(hours=1)


def ingest(
    feed: Feed,
    piece: Slice,
    window: Window,
    *,
    base_url: str,
    root: Path,
    now_ms: int,
    tries: int = 5,
) -> Ingested:
    """Extract and convert one unit into a lake at *root*; the clock stands at *now_ms*.

    With one try, the first failure is raised; with more, each page is asked for again too.
    """
    storage = Storage.open(f"file://{root}", {})
    feed, window = around(feed, window)
    waits_s: list[float] = []
    retried: list[RetryableError] = []
    while True:
        try:
            done = extract.extract(
                feed,
                Unit(piece, window),
                storage=storage,
                base_url=base_url,
                patience=SourceRetryPolicy(max_attempts=tries, sleep=waits_s.append),
                clock=lambda: now_ms / 1000,
            )
            break
        except RetryableError as wrong:
            retried.append(wrong)
            if len(retried) == tries:
                raise
            forget_bans()
    report = convert.convert(done.manifest.key, feed=feed, storage=storage, budget=BUDGET)
    return Ingested(root=root, manifest=report.manifest, waits_s=waits_s, retried=retried)


def rows(done: Ingested) -> list[dict[str, object]]:
    """The Parquet's rows, in their order; none where there is no Parquet."""
    account = done.manifest.parquet
    if account is None or account.key is None:
        return []
    return plain(pq.read_table(done.root / account.key, partitioning=None))


def plain(table: pa.Table) -> list[dict[str, object]]:
    """*table* with its times as nanoseconds since 1970."""
    for number, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            times = table.column(number).cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
            table = table.set_column(number, column.name, times)
    return table.to_pylist()
