"""One measured job in a process of its own: ``python -m tools.bench.cases MODULE JOB OPTIONS``.

Prints one JSON line: rows, seconds, peak_bytes. A process of its own, so that its peak is its own;
the clock starts when everything is imported. What is imported here are ticklake's own jobs.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import requests

from include.ticklake.convert.budget import budget_for
from include.ticklake.extract.extract import extract
from include.ticklake.extract.part_writer import PartWriter
from include.ticklake.feed import loader, plan
from include.ticklake.lake import layout
from include.ticklake.lake.storage import Storage
from include.ticklake.memory.usage import peak_bytes
from include.ticklake.model import window
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit

FEED = "bench_agg_trades"
START, END = "2026-01-02T03:00:00Z", "2026-01-02T04:00:00Z"
CAP_BYTES = 128 * MIB

CONVERTING = ("convert", "page_to_parquet")
"""Jobs that need the converter, whose 15 MB of libraries must not count in an extraction's peak."""


def main(argv: list[str]) -> None:
    """Run one job; its options are one JSON object, with the ``cores`` that it may use."""
    module, job, options = argv[0], argv[1], json.loads(argv[2])
    os.sched_setaffinity(0, range(options.pop("cores")))
    function = importlib.import_module(module).CASES[job]
    if job in CONVERTING and module == __spec__.name:
        importlib.import_module("include.ticklake.convert.convert")
    began_s = time.perf_counter()
    rows = function(**options)
    seconds = time.perf_counter() - began_s
    report = {"rows": rows, "seconds": seconds, "peak_bytes": peak_bytes()}
    sys.stdout.write(json.dumps(report) + "\n")


def work(rows: int) -> Unit:
    """The unit that is one page of *rows* records."""
    feed = loader.load(FEED)
    start, end = window.parse_instant(START), window.parse_instant(END)
    piece = Slice.of({"rows": rows})
    return next(plan.plan_units(feed, start=start, end=end, slices=[piece]))


def extract_streamed(*, rows: int, url: str, root: str) -> int:
    """What ticklake does: HTTP to staged parts, a block at a time."""
    storage = Storage.open(root, os.environ)
    done = extract(loader.load(FEED), work(rows), storage=storage, base_url=url)
    return done.manifest.json.rows


def extract_buffered(*, rows: int, url: str, root: str) -> int:
    """The same job as it is mostly done: the whole page by ``json.load``, the same writer."""
    storage, unit = Storage.open(root, os.environ), work(rows)
    start_ms, end_ms = unit.window.start_ms, unit.window.end_ms
    encode = msgspec.json.Encoder(decimal_format="number").encode
    with requests.get(
        f"{url}/_bench/aggTrades", params={"rows": rows, "startTime": start_ms}, timeout=60
    ) as response:
        records: list[Mapping[str, Any]] = json.loads(response.content)
    part = PartWriter(FEED, unit, number=0, storage=storage)
    for record in records:
        if start_ms <= record["T"] < end_ms:
            part.write(msgspec.Raw(encode(record)), record["T"] * 10**6)
    return part.close().part.rows


def convert(*, feed: str, key: str, root: str) -> int:
    """Staged parts to checked Parquet, as in a container of 128 MiB."""
    from include.ticklake.convert import convert as conversion

    done = conversion.convert(
        key,
        feed=loader.load(feed),
        storage=Storage.open(root, os.environ),
        budget=budget_for(CAP_BYTES),
    )
    return int(str(done.summary()["rows"]))


def page_to_parquet(*, rows: int, url: str, root: str) -> int:
    """HTTP to staged parts to checked Parquet."""
    extract_streamed(rows=rows, url=url, root=root)
    unit = work(rows)
    return convert(feed=FEED, key=layout.manifest_key(FEED, unit.slice, unit.window), root=root)


CASES: dict[str, Callable[..., int]] = {
    "extract_streamed": extract_streamed,
    "extract_buffered": extract_buffered,
    "convert": convert,
    "page_to_parquet": page_to_parquet,
}


if __name__ == "__main__":
    main(sys.argv[1:])
