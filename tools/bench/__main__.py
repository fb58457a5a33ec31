"""Measure extraction and conversion on this machine, in one run: ``make bench``.

With ``--peers`` also what others would use for the same jobs, and
``docs/reference/benchmarks.md`` and its charts are written. Rates
differ between machines: quote the ratios.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from include.replay import server
from tools.bench import cases, data, report
from tools.bench.conversions import Bench
from tools.bench.peers import BUFFERED, CONVERTING, EXTRACTING, OURS
from tools.bench.report import Results
from tools.bench.run import Measured, best_of, job, machine
from tools.servers.s3 import S3Server, rclone

DOCS = Path(__file__).parents[2] / "docs"
FEEDS = Path(__file__).parent / "feeds"
ROUNDS = 2


def main(argv: Sequence[str]) -> int:
    """Run every case; print the page, and with peers write it."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--peers", action="store_true", help="measure others too, write the docs")
    parser.add_argument("--within", type=float, default=180.0, metavar="SECONDS", help="for a job")
    call = parser.parse_args(argv)
    os.environ["TICKLAKE_FEEDS"] = str(FEEDS)
    results = measure(call.rows, with_peers=call.peers, within_s=call.within)
    page = report.render(results)
    print(page)
    if call.peers:
        (DOCS / "reference" / "benchmarks.md").write_text(page, encoding="utf-8")
        draw(results)
    return 0


def measure(rows: int, *, with_peers: bool, within_s: float) -> Results:
    """Everything, one after the other."""
    peers = CONVERTING if with_peers else ()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with server.running(server.app()) as url:
            few, extraction = extractions(rows, url, folder, with_peers, within_s)
            pages = pages_to_parquet(rows, url, folder, with_peers, within_s)
        bench = Bench(
            folder=folder,
            data=data.stage(folder / "trades", rows),
            peers=(OURS, *peers),
            within_s=within_s,
            rounds=ROUNDS,
        )
        one_core = best_of(ROUNDS, lambda: bench.convert(OURS, "parts", cases.CAP_BYTES, cores=1))
        mixed_data = data.stage(folder / "mixed", rows, is_mixed=True)
        mixed = best_of(
            ROUNDS, lambda: bench.convert(OURS, "parts", cases.CAP_BYTES, of=mixed_data)
        )
        free, capped = bench.conversions(cap_bytes=None), bench.conversions(cases.CAP_BYTES)
        return Results(
            date=f"{datetime.now(UTC):%Y-%m-%d}",
            rows=rows,
            cap_bytes=cases.CAP_BYTES,
            within_s=within_s,
            machine=machine(),
            versions={
                f"{peer.name} ({peer.package})" if peer is OURS else peer.name: peer.version
                or "not installed"
                for peer in (OURS, *(EXTRACTING[:1] if with_peers else ()), *peers)
            },
            extraction=extraction,
            few=few,
            page_to_parquet=pages,
            free=free,
            capped=capped,
            one_core=one_core,
            mixed=mixed,
            price=bench.price(),
            memory=bench.memory(rows, cap_bytes=cases.CAP_BYTES),
        )


def extractions(
    rows: int, url: str, folder: Path, with_peers: bool, within_s: float
) -> tuple[Measured, list[Measured]]:
    """One HTTP page to storage: a thousand records by us, and *rows* by everybody."""
    root = (folder / "extracted").as_uri()
    measure = partial(job, cores=1, within_s=within_s)
    target = {"url": url, "root": root}
    few = measure(OURS, "extract_streamed", {"rows": 1_000, **target})
    measured = [
        best_of(ROUNDS, lambda: measure(OURS, "extract_streamed", {"rows": rows, **target})),
        best_of(ROUNDS, lambda: measure(BUFFERED, "extract_buffered", {"rows": rows, **target})),
    ]
    if with_peers:
        page = {"rows": rows, "url": url, "start_ms": cases.work(rows).window.start_ms}
        operator, dlt = EXTRACTING
        with S3Server(folder / "s3", program=rclone() or "rclone") as s3:
            bucket = s3.bucket()
            stored = page | {"bucket": bucket.name, "aws": bucket.airflow_connection}
            measured.append(best_of(ROUNDS, lambda: measure(operator, "extract", stored)))
        lines = page | {"target": str(folder / "dlt-lines")}
        measured.append(best_of(ROUNDS, lambda: measure(dlt, "extract", lines)))
    return few, measured


def pages_to_parquet(
    rows: int, url: str, folder: Path, with_peers: bool, within_s: float
) -> list[Measured]:
    """One HTTP page to Parquet."""
    measure = partial(job, cores=2, within_s=within_s)
    target = {"rows": rows, "url": url, "root": (folder / "pages").as_uri()}
    measured = [best_of(ROUNDS, lambda: measure(OURS, "page_to_parquet", target))]
    if with_peers:
        page = {"rows": rows, "url": url, "start_ms": cases.work(rows).window.start_ms}
        stored = page | {"target": str(folder / "dlt-pages")}
        dlt = EXTRACTING[1]
        measured.append(measure(dlt, "page_to_parquet", stored))
    return measured


def draw(results: Results) -> None:
    """The charts of the docs."""
    from tools.bench import charts

    images = DOCS / "images"
    charts.memory(results.memory, images / "memory.png", cap_bytes=results.cap_bytes)
    charts.conversion(results.free, results.capped, images / "conversion.png")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
