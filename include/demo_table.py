"""What a run published and left in the lake in, the table that ``make demo`` ends with out."""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.ticklake import capped, feed_files, manifest
from include.ticklake.feeds import Feed
from include.ticklake.manifest import Manifest
from include.ticklake.storage import Storage
from include.ticklake.windows import Window, instant

MB = 1_000_000
PRICE = "price"


def table(
    published: Mapping[str, Any], *, env: Mapping[str, str], seconds: float, scratch: Path
) -> str:
    """The table; *scratch* is an empty folder for one more extraction."""
    feed = feed_files.load(published["feed"])
    storage = Storage.open(env["TICKLAKE_ROOT"], env)
    found = manifests(feed, published, storage=storage)
    rows = [
        *counts(found, seconds=seconds),
        *memory(feed, found, published, env=env, scratch=scratch),
        *queries(feed, found, storage=storage),
        *places(feed, storage=storage),
    ]
    return "\n".join(f"  {name:<18} {value}" if value else f"\n{name}" for name, value in rows)


def manifests(feed: Feed, published: Mapping[str, Any], *, storage: Storage) -> list[Manifest]:
    """The manifests of the windows that the run covered."""
    start, end = instant(published["start"]), instant(published["end"])
    return [
        each
        for each in manifest.read_all(feed.name, storage=storage)
        if start <= Window.parse(each.window).start < end
    ]


def counts(found: Sequence[Manifest], *, seconds: float) -> Iterable[tuple[str, str]]:
    """What came and what became of it."""
    staged = [each.json for each in found]
    lake = [each.parquet for each in found if each.parquet]
    rows = sum(each.rows for each in lake)
    received = sum(each.received_rows for each in staged)
    outside = sum(each.outside_rows for each in staged)
    twice = sum(each.duplicate_rows for each in staged)
    bad = sum(each.quarantined_rows for each in lake)
    parquet_bytes = sum(each.parquet_bytes for each in lake)
    parts = [part for each in staged for part in each.parts]
    yield f"{found[0].feed}, {found[0].window}, {len(found)} slices, {seconds:.0f} s in all", ""
    yield "records", f"{rows:,}"
    yield "", f"{received:,} received; {outside:,} outside, {twice:,} twice, {bad:,} quarantined"
    yield "pages", f"{sum(each.pages for each in staged):,}"
    yield "", f"{sum(each.page_bytes for each in staged) / MB:.1f} MB"
    yield "JSON", f"{sum(part.gzip_bytes for part in parts) / MB:.2f} MB in {len(parts)} parts"
    yield "", f"{sum(part.json_bytes for part in parts) / MB:.1f} MB before gzip"
    yield "Parquet", f"{parquet_bytes / MB:.2f} MB in {sum(bool(each.key) for each in lake)} files"
    yield "", f"{parquet_bytes / max(rows, 1):.2f} bytes a record"


def memory(
    feed: Feed,
    found: Sequence[Manifest],
    published: Mapping[str, Any],
    *,
    env: Mapping[str, str],
    scratch: Path,
) -> Iterable[tuple[str, str]]:
    """The peak of each stage against the cap, as the kernel counted it."""
    largest = max(found, key=lambda each: each.json.rows)
    window = Window.parse(largest.window)
    argv = [sys.executable, "-m", "include.ticklake", "extract", feed.name]
    for name, value in largest.slice.items():
        argv += ["--slice", f"{name}={value}"]
    argv += ["--start", window.start.isoformat(), "--end", window.end.isoformat()]
    argv += ["--root", scratch.as_uri()]
    if env["TICKLAKE_BASE_URL"]:
        argv += ["--base-url", env["TICKLAKE_BASE_URL"]]
    alone = capped.run(argv, cap_bytes=published["cap_bytes"], env=env, on_line=lambda _: None)
    yield "peak memory against the cap", ""
    yield "extract", f"{peak(alone.peak_bytes, alone.cap_bytes)}, {alone.how}, by itself"
    yield "convert", peak(published["peak_bytes"], published["cap_bytes"])


def peak(peak_bytes: int | None, cap_bytes: int) -> str:
    """``61.2 of 134.2 MB``; a peak that nobody could see is said to be so."""
    seen = f"{peak_bytes / MB:.1f}" if peak_bytes else "(not visible here)"
    return f"{seen} of {cap_bytes / MB:.1f} MB"


def queries(
    feed: Feed, found: Sequence[Manifest], *, storage: Storage
) -> Iterable[tuple[str, str]]:
    """The same question asked of the JSON and of the Parquet."""
    source = feed.fields[PRICE].source
    json_sum, json_s = timed(lambda: sum(json_prices(found, source, storage=storage), Decimal()))
    lake_sum, lake_s = timed(lambda: sum(parquet_prices(found, storage=storage), Decimal()))
    if json_sum != lake_sum:
        raise AssertionError(f"JSON says {json_sum}, Parquet says {lake_sum}")
    yield f"sum of all prices: {lake_sum}, exact and the same in both", ""
    yield "JSON", f"{json_s * 1000:,.1f} ms, json.load of every part"
    yield "Parquet", f"{lake_s * 1000:,.1f} ms, one column; {json_s / lake_s:,.0f} times as fast"


def json_prices(found: Sequence[Manifest], source: str, *, storage: Storage) -> Iterable[Decimal]:
    """Every price in the staged parts."""
    for part in (part for each in found for part in each.json.parts):
        with storage.open_input(part.key) as stream:
            records = json.loads(gzip.decompress(stream.read()), parse_float=Decimal)
        yield from (Decimal(record[source]) for record in records)


def parquet_prices(found: Sequence[Manifest], *, storage: Storage) -> Iterable[Decimal]:
    """The sum of the prices of each file, from the one column that holds them."""
    for key in (each.parquet.key for each in found if each.parquet and each.parquet.key):
        with storage.open_file(key) as stream:
            column = pq.read_table(stream, columns=[PRICE])[PRICE]
        yield pc.sum(column).as_py()


def timed(ask: Callable[[], Decimal]) -> tuple[Decimal, float]:
    """The answer, and the seconds of the best of three."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        answer = ask()
        seconds.append(time.perf_counter() - began)
    return answer, min(seconds)


def places(feed: Feed, *, storage: Storage) -> Iterable[tuple[str, str]]:
    """Where to look."""
    yield "look into", ""
    for area in ("json", "parquet", "manifests"):
        yield area, storage.uri(f"{area}/{feed.name}/")
