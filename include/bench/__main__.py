"""Measure extraction, conversion and a query on this machine, in one run, and print tables.

Each case runs in a process of its own; cases that are compared take turns, and the
median of their rounds counts. Rates differ between machines: quote the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from include.bench import cases, queries
from include.ticklake import manifest
from include.ticklake.cap import capped
from include.ticklake.replay import server
from include.ticklake.settings import MIB
from include.ticklake.storage import Storage

ROUNDS = 3
CAP_BYTES = 128 * MIB
FEEDS = Path(__file__).parent / "feeds"
Measured = dict[str, Any]


def main(argv: Sequence[str]) -> int:
    """Run every case; print what came out."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N")
    rows: int = parser.parse_args(argv).rows
    os.environ["TICKLAKE_FEEDS"] = str(FEEDS)
    with tempfile.TemporaryDirectory() as folder, server.running(server.app()) as url:
        root = Path(folder).as_uri()
        show("Extraction: HTTP on loopback to gzip parts, one core", extraction(rows, url, root))
        show(
            f"Conversion: parts to Parquet under {CAP_BYTES // MIB} MiB, one core",
            [conversion(size, url, root) for size in (rows // 100, rows)],
        )
        show_queries("The sum of all prices, best of several", queried(rows, root))
    return 0


def extraction(rows: int, url: str, root: str) -> list[Measured]:
    """The streamed and the buffered job, turn by turn; and the streamed one for 1,000 rows."""
    few = [run("extract_streamed", rows=1_000, url=url, root=root)]
    both: dict[str, list[Measured]] = {"extract_streamed": [], "extract_buffered": []}
    for _ in range(ROUNDS):
        for name, taken in both.items():
            taken.append(run(name, rows=rows, url=url, root=root))
    return [median(few), *map(median, both.values())]


def conversion(rows: int, url: str, root: str) -> Measured:
    """Conversion of *rows* staged records by the command line, in a child under the cap."""
    run("extract_streamed", rows=rows, url=url, root=root)
    unit = cases.work(rows)
    uri = f"{root}/{manifest.key(cases.FEED, unit.slice, unit.window)}"
    argv = [sys.executable, "-m", "include.ticklake", "convert", uri, "--root", root]
    rounds = []
    for _ in range(ROUNDS):
        lines: list[str] = []
        done = capped.run(
            ["taskset", "--cpu-list", "0", *argv],
            cap_bytes=CAP_BYTES,
            env=dict(os.environ),
            on_line=lines.append,
        )
        report = json.loads(next(line for line in lines if line.startswith("{")))
        rounds.append(report | {"case": f"convert ({done.how})", "peak_bytes": done.peak_bytes})
    return median(rounds)


def queried(rows: int, root: str) -> Iterator[Measured]:
    """Each engine's seconds for the same question to the JSON and to the Parquet of *rows*."""
    unit, storage = cases.work(rows), Storage.open(root, os.environ)
    found = manifest.read(manifest.key(cases.FEED, unit.slice, unit.window), storage=storage)
    if found is None or found.parquet is None or found.parquet.key is None:
        raise SystemExit(f"nothing was converted under {root}")
    options = {
        "parts": [storage.path(part.key) for part in found.json.parts],
        "parquet": storage.path(found.parquet.key),
    }
    for engine in queries.ENGINES:
        yield child("include.bench.queries", engine, options)


def run(name: str, **options: object) -> Measured:
    """One case in a process of its own, on core 0; the server has the others."""
    return child("include.bench.cases", name, {"core": 0, **options})


def child(module: str, name: str, options: Measured) -> Measured:
    """What *module* measured of *name*, in a process of its own."""
    argv = [sys.executable, "-m", module, name, json.dumps(options)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    measured: Measured = json.loads(done.stdout.splitlines()[-1])
    return measured


def median(rounds: Sequence[Measured]) -> Measured:
    """The round with the median time, and the greatest peak of all."""
    seconds = statistics.median_low([one["seconds"] for one in rounds])
    chosen = next(one for one in rounds if one["seconds"] == seconds)
    return chosen | {"peak_bytes": max(one["peak_bytes"] for one in rounds)}


def show(title: str, rows: Iterable[Measured]) -> None:
    """A table of cases."""
    print(f"\n{title}\n{'':34}{'records':>12}{'seconds':>10}{'records/s':>12}{'peak MB':>10}")
    for one in rows:
        rate, peak_mb = one["rows"] / one["seconds"], one["peak_bytes"] / 1e6
        print(
            f"  {one['case']:32}{one['rows']:>12,}{one['seconds']:>10.2f}"
            f"{rate:>12,.0f}{peak_mb:>10.1f}"
        )


def show_queries(title: str, measured: Iterable[Measured]) -> None:
    """A table of engines."""
    print(f"\n{title}\n{'':34}{'JSON s':>12}{'Parquet s':>12}{'ratio':>10}")
    for one in measured:
        ratio = one["json_s"] / one["parquet_s"]
        print(f"  {one['engine']:32}{one['json_s']:>12.3f}{one['parquet_s']:>12.4f}{ratio:>10,.0f}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
