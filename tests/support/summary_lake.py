"""A lake that has summaries and nothing else: what a page shows of many feeds, in seconds."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

from include.ticklake.lake import layout, summary, summary_windows
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.summary import (
    FeedSummary,
    LastAudit,
    QuarantinedWindow,
    RunTotals,
    SliceYear,
    StepRun,
    YearShard,
)
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

HOUR_MS = 3_600_000
END = datetime(2026, 11, 22, 6, tzinfo=UTC)
"""Of the newest window."""
_STATES = "".join("c" * 30 + state for state in ".usgqvx")
_RUNS = 250


def write(
    storage: Storage, *, feeds: int = 50, slices: int = 500, days: int = 90, end: datetime = END
) -> list[FeedSummary]:
    """Write the summaries of *feeds* called ``feed_00`` and so on, hourly, and return them."""
    summaries = [
        feed_summary(f"feed_{number:02d}", slices=slices, days=days, end=end)
        for number in range(feeds)
    ]
    bodies = {summary.feed_key(feed.feed): summary.encode_feed(feed) for feed in summaries}
    for feed in summaries:
        bodies |= encode_years(
            year for path in feed.slices for year in slice_years(feed, path, days=days, end=end)
        )
    for key, body in bodies.items():
        _put(key, body, storage)
    return summaries


def encode_years(years: Iterable[SliceYear]) -> dict[str, bytes]:
    """The objects of *years*, by key; each with all of the slices that it has."""
    shards: dict[str, YearShard] = {}
    for year in years:
        key = summary.year_key(year.feed, Slice.parse(year.slice), year.year)
        shard = shards.setdefault(
            key,
            YearShard(
                feed=year.feed,
                year=year.year,
                window_ms=year.window_ms,
                window_months=year.window_months,
                slices={},
            ),
        )
        shard.slices[year.slice] = summary.count_states(year.states)
    return {key: summary.encode_shard(shard) for key, shard in shards.items()}


def _put(key: str, body: bytes, storage: Storage) -> None:
    if not storage.root_uri.startswith("file:"):
        storage.put(key, body)
        return
    path = Path(storage.local_path(key))  # the storage's own would wait for the disk each time
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def feed_summary(name: str, *, slices: int, days: int, end: datetime = END) -> FeedSummary:
    """The summary of a feed; the same for the same arguments."""
    paths = [Slice.of({"symbol": f"S{number:03d}USDT"}).path for number in range(slices)]
    end_ms = int(end.timestamp()) * 1000
    return FeedSummary(
        feed=name,
        window_ms=HOUR_MS,
        slice_names=("symbol",),
        slices=tuple(sorted(paths)),
        first_start_ms=end_ms - days * 24 * HOUR_MS,
        last_end_ms=end_ms,
        updated_at_ms=end_ms + 90_000,
        totals=RunTotals(
            start_ms=end_ms - HOUR_MS,
            end_ms=end_ms,
            windows=1,
            slices=slices,
            rows=slices * 36_000,
            quarantined_rows=3,
            json_bytes=slices * 5 * MIB,
            parquet_bytes=slices * MIB,
        ),
        runs=tuple(_runs(name, end, slices=slices)),
        quarantine_windows=tuple(_quarantine(name, paths[:3], end)),
        audit=LastAudit(
            at_ms=end_ms - 4 * HOUR_MS, dag_id="audit", run_id="scheduled__1", findings=2
        ),
    )


def slice_years(feed: FeedSummary, path: str, *, days: int, end: datetime = END) -> list[SliceYear]:
    """The years of one slice of *feed*: mostly complete windows, and some of each other kind."""
    end_ms = int(end.timestamp()) * 1000
    windows, offset = days * 24, crc32(f"{feed.feed}/{path}".encode())
    offset %= len(_STATES)
    known = (_STATES * (2 + windows // len(_STATES)))[offset : offset + windows - 2]
    states = f"c{known}c"
    years = []
    start_ms = end_ms - windows * HOUR_MS
    while states:
        year = datetime.fromtimestamp(start_ms // 1000, UTC).year
        hour = timedelta(hours=1)
        first_ms, next_ms = (
            summary_windows.first_window(n, hour) * HOUR_MS for n in (year, year + 1)
        )
        unknown, of_year = (start_ms - first_ms) // HOUR_MS, (next_ms - start_ms) // HOUR_MS
        years.append(
            SliceYear(
                feed=feed.feed,
                slice=path,
                year=year,
                window_ms=HOUR_MS,
                states="." * unknown + states[:of_year],
            )
        )
        states, start_ms = states[of_year:], next_ms
    return years


def _runs(name: str, end: datetime, *, slices: int) -> list[StepRun]:
    chosen = random.Random(name)
    runs = []
    for number in range(_RUNS, 0, -1):
        at = end - timedelta(hours=number - 1)
        for step, cap_bytes in (("extract", 0), ("convert", 128 * MIB)):
            runs.append(
                StepRun(
                    at_ms=int(at.timestamp()) * 1000 + 60_000,
                    dag_id=f"ingest_{name}",
                    run_id=f"scheduled__{at.isoformat()}",
                    step=step,
                    peak_bytes=chosen.randrange(60 * MIB, 120 * MIB),
                    cap_bytes=cap_bytes,
                    rows=slices * 36_000,
                    units=slices,
                )
            )
    return runs


def _quarantine(name: str, paths: list[str], end: datetime) -> list[QuarantinedWindow]:
    window = Window(end - timedelta(hours=1), end)
    return [
        QuarantinedWindow(
            slice=path,
            start_ms=window.start_ms,
            rows=3,
            key=layout.quarantine_key(name, Slice.parse(path), window),
            reasons={"price: is not a number": 2, "not JSON": 1},
        )
        for path in paths
    ]
