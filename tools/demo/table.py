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
    found = manifests(feed, published, storage=storage)
    rows = [
        *counts(found, seconds=seconds),
        *memory(found, cap_bytes=published["cap_bytes"], env=env, scratch=scratch),
        *queries(feed, found, storage=storage),
        *places(feed, storage=storage),
    ]
    return "\n".join(f"  {name:<18} {value}" if value else f"\n{name}" for name, value in rows)


def manifests(feed: Feed, published: Mapping[str, Any], *, storage: Storage) -> list[Manifest]:
    """The manifests of the windows that the run covered."""
    start, end = parse_instant(published["start"]), parse_instant(published["end"])
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
    found: Sequence[Manifest], *, cap_bytes: int, env: Mapping[str, str], scratch: Path
) -> Iterable[tuple[str, str]]:
    """The peak of each stage over the largest slice, both counted by whoever holds the cap.

    The stages run once more, each by itself: inside the DAG extraction shares its process with
    Airflow. The same bytes must come out as the DAG left in the lake.
    """
    largest = max(found, key=lambda each: each.json.rows)
    again = Storage.open(scratch.as_uri(), env)
    steps = {
        "extract": extraction(largest, root_uri=again.root_uri, base_url=env["TICKLAKE_BASE_URL"]),
        "convert": ["convert", again.uri(largest.key), "--root", again.root_uri],
    }
    yield f"peak memory, {Slice.of(largest.slice)} once more, each stage by itself", ""
    for name, arguments in steps.items():
        yield name, peak(run_capped(arguments, cap_bytes=cap_bytes, env=env))
    if manifest.read(largest.key, storage=again) != largest:
        raise TicklakeError("the second run did not leave the same bytes as the first")
    yield "", "and the same bytes as in the lake came out"


def extraction(work: Manifest, *, root_uri: str, base_url: str) -> list[str]:
    """The call that extracts the unit of *work* again."""
    window = Window.parse(work.window)
    call = ["extract", work.feed, "--root", root_uri]
    call += ["--start", window.start.isoformat(), "--end", window.end.isoformat()]
    for name, value in work.slice.items():
        call += ["--slice", f"{name}={value}"]
    return [*call, "--base-url", base_url] if base_url else call


def run_capped(arguments: Sequence[str], *, cap_bytes: int, env: Mapping[str, str]) -> ChildEnd:
    """Run one command of ticklake's under the cap; it must end well."""
    said: list[str] = []
    argv = [sys.executable, "-m", "include.ticklake", *arguments]
    done = capped_process.run_capped(argv, cap_bytes=cap_bytes, env=env, on_line=said.append)
    if done.exit_code:
        raise TicklakeError(f"{arguments[0]} ended with {done.exit_code}: {said[-1:]}")
    return done


def peak(done: ChildEnd) -> str:
    """What was counted against the cap; resident memory, where that is all there is to see."""
    cap = f"{done.cap_bytes / MB:.1f} MB ({done.how})"
    if done.peak_bytes is None:
        return f"not visible here; capped at {cap}"
    if done.how.startswith("cgroup"):
        return f"{done.peak_bytes / MB:.1f} of {cap}"
    # This limit counts data only: resident memory, libraries included, is another quantity.
    return f"{done.peak_bytes / MB:.1f} MB resident; its data capped at {cap}"


def queries(
    feed: Feed, found: Sequence[Manifest], *, storage: Storage
) -> Iterable[tuple[str, str]]:
    """The same question asked of the JSON and of the Parquet."""
    source = feed.fields[PRICE].source
    json_sum, json_s = timed(lambda: sum(json_prices(found, source, storage=storage), Decimal()))
    lake_sum, lake_s = timed(lambda: sum(parquet_prices(found, storage=storage), Decimal()))
    if json_sum != lake_sum:
        raise TicklakeError(f"JSON says {json_sum}, Parquet says {lake_sum}")
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
