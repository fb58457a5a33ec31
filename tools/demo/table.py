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

from include.ticklake.errors import TicklakeError
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import manifest
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.memory import capped_process
from include.ticklake.memory.capped_process import ChildEnd
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window, parse_instant

MB = 1_000_000
PRICE = "price"


def table(
    published: Mapping[str, Any], *, env: Mapping[str, str], seconds: float, scratch: Path
) -> str:
    """The table; *scratch* is an empty folder for one more extraction."""
    feed = loader.load(published["feed"])
    storage = Storage.open(env["TICKLAKE_ROOT"], env)
    units = manifests(feed, published, storage=storage)
    rows = [
        *counts(units, seconds=seconds),
        *memory(units, cap_bytes=published["cap_bytes"], env=env, scratch=scratch),
        *queries(feed, units, storage=storage),
        *places(feed, storage=storage),
    ]
    return "\n".join(f"  {name:<18} {value}" if value else f"\n{name}" for name, value in rows)


def manifests(feed: Feed, published: Mapping[str, Any], *, storage: Storage) -> list[Manifest]:
    """The manifests of the windows that the run covered."""
    start, end = parse_instant(published["start"]), parse_instant(published["end"])
    return [
        committed
        for committed in manifest.read_all(feed.name, storage=storage)
        if start <= Window.parse(committed.window).start < end
    ]


def counts(units: Sequence[Manifest], *, seconds: float) -> Iterable[tuple[str, str]]:
    """What came and what became of it."""
    staged = [unit.json for unit in units]
    lake = [unit.parquet for unit in units if unit.parquet]
    rows = sum(section.rows for section in lake)
    received = sum(section.received_rows for section in staged)
    outside = sum(section.out_of_window_rows for section in staged)
    duplicates = sum(section.duplicate_rows for section in staged)
    filtered = sum(section.filtered_rows for section in staged)
    bad = sum(section.quarantined_rows for section in lake)
    parquet_bytes = sum(section.parquet_bytes for section in lake)
    parts = [part for section in staged for part in section.parts]
    yield f"{units[0].feed}, {units[0].window}, {len(units)} slices, {seconds:.0f} s in all", ""
    yield "records", f"{rows:,}"
    yield (
        "",
        f"{received:,} received; {outside:,} outside, {duplicates:,} duplicate, "
        f"{bad:,} quarantined" + (f", {filtered:,} filtered" if filtered else ""),
    )
    yield "pages", f"{sum(section.pages for section in staged):,}"
    yield "", f"{sum(section.page_bytes for section in staged) / MB:.1f} MB"
    yield "JSON", f"{sum(part.gzip_bytes for part in parts) / MB:.2f} MB in {len(parts)} parts"
    yield "", f"{sum(part.json_bytes for part in parts) / MB:.1f} MB before gzip"
    yield (
        "Parquet",
        f"{parquet_bytes / MB:.2f} MB in {sum(bool(section.key) for section in lake)} files",
    )
    yield "", f"{parquet_bytes / max(rows, 1):.2f} bytes a record"


def memory(
    units: Sequence[Manifest], *, cap_bytes: int, env: Mapping[str, str], scratch: Path
) -> Iterable[tuple[str, str]]:
    """The peak of each stage over the largest slice, as counted by the memory limit.

    The stages run again, each separately: in the DAG extraction shares its process with Airflow.
    They must write the same bytes as the DAG.
    """
    largest = max(units, key=lambda unit: unit.json.rows)
    again = Storage.open(scratch.as_uri(), env)
    steps = {
        "extract": extraction(largest, root_uri=again.root_uri, base_url=env["TICKLAKE_BASE_URL"]),
        "convert": ["convert", again.uri(largest.key), "--root", again.root_uri],
    }
    yield f"peak memory, {Slice.of(largest.slice)} again, each stage separately", ""
    for name, arguments in steps.items():
        yield name, peak(run_capped(arguments, cap_bytes=cap_bytes, env=env))
    if manifest.read(largest.key, storage=again) != largest:
        raise TicklakeError("the second run did not leave the same bytes as the first")
    yield "", "with the same bytes as in the lake"


def extraction(unit: Manifest, *, root_uri: str, base_url: str) -> list[str]:
    """The call that extracts *unit* again."""
    window = Window.parse(unit.window)
    call = ["extract", unit.feed, "--root", root_uri]
    call += ["--start", window.start.isoformat(), "--end", window.end.isoformat()]
    for name, value in unit.slice.items():
        call += ["--slice", f"{name}={value}"]
    return [*call, "--base-url", base_url] if base_url else call


def run_capped(arguments: Sequence[str], *, cap_bytes: int, env: Mapping[str, str]) -> ChildEnd:
    """Run one command of ticklake's under the limit; it must succeed."""
    lines: list[str] = []
    argv = [sys.executable, "-m", "include.ticklake", *arguments]
    ended = capped_process.run_capped(argv, cap_bytes=cap_bytes, env=env, on_line=lines.append)
    if ended.exit_code:
        raise TicklakeError(f"{arguments[0]} ended with {ended.exit_code}: {lines[-1:]}")
    return ended


def peak(ended: ChildEnd) -> str:
    """The peak that the limit counted, or resident memory if it counts nothing else."""
    cap = f"{ended.cap_bytes / MB:.1f} MB ({ended.mechanism})"
    if ended.peak_bytes is None:
        return f"not visible here; limited to {cap}"
    if ended.mechanism.startswith("cgroup"):
        return f"{ended.peak_bytes / MB:.1f} of {cap}"
    # This limit counts data only: resident memory, libraries included, is another quantity.
    return f"{ended.peak_bytes / MB:.1f} MB resident; its data limited to {cap}"


def queries(
    feed: Feed, units: Sequence[Manifest], *, storage: Storage
) -> Iterable[tuple[str, str]]:
    """The same query on the JSON and on the Parquet."""
    source = feed.fields[PRICE].source
    json_sum, json_s = timed(lambda: sum(json_prices(units, source, storage=storage), Decimal()))
    lake_sum, lake_s = timed(lambda: sum(parquet_prices(units, storage=storage), Decimal()))
    if json_sum != lake_sum:
        raise TicklakeError(f"JSON says {json_sum}, Parquet says {lake_sum}")
    yield f"sum of all prices: {lake_sum}, exact and the same in both", ""
    yield "JSON", f"{json_s * 1000:,.1f} ms, json.load of every part"
    yield "Parquet", f"{lake_s * 1000:,.1f} ms, one column; {json_s / lake_s:,.0f} times as fast"


def json_prices(units: Sequence[Manifest], source: str, *, storage: Storage) -> Iterable[Decimal]:
    """Every price in the staged parts."""
    for part in (part for unit in units for part in unit.json.parts):
        with storage.open_input(part.key) as stream:
            records = json.loads(gzip.decompress(stream.read()), parse_float=Decimal)
        yield from (Decimal(record[source]) for record in records)


def parquet_prices(units: Sequence[Manifest], *, storage: Storage) -> Iterable[Decimal]:
    """The sum of the prices of each file, from the one column that holds them."""
    for key in (unit.parquet.key for unit in units if unit.parquet and unit.parquet.key):
        with storage.open_file(key) as stream:
            column = pq.read_table(stream, columns=[PRICE])[PRICE]
        yield pc.sum(column).as_py()


def timed(query: Callable[[], Decimal]) -> tuple[Decimal, float]:
    """The result, and the seconds of the best of three."""
    seconds = []
    for _ in range(3):
        start_s = time.perf_counter()
        result = query()
        seconds.append(time.perf_counter() - start_s)
    return result, min(seconds)


def places(feed: Feed, *, storage: Storage) -> Iterable[tuple[str, str]]:
    """Where to look."""
    yield "look into", ""
    for area in ("json", "parquet", "manifests"):
        yield area, storage.uri(f"{area}/{feed.name}/")
