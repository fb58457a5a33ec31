"""Conversions of the same records by everybody: their rates, their files, their memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from include.ticklake.lake.manifest import read
from include.ticklake.lake.storage import Storage
from tools import trades
from tools.bench import data, queries
from tools.bench.data import Data
from tools.bench.peers import OURS, Peer
from tools.bench.report import QueryTimes
from tools.bench.run import Measured, best_of, job
from tools.servers.s3 import S3Server, rclone

CORES = 2
CHARTED = ("ticklake", "DuckDB", "Polars", "pandas")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The records, and who converts them."""

    folder: Path
    data: Data
    peers: Sequence[Peer]
    within_s: float
    rounds: int

    def conversions(self, cap_bytes: int | None) -> dict[str, list[Measured]]:
        """Every peer from staged parts and from lines, free or inside *cap_bytes*."""
        return {
            source: [
                best_of(self.rounds, partial(self.convert, peer, source, cap_bytes))
                for peer in self.peers
                if peer is not OURS or source == "parts"
            ]
            for source in ("parts", "lines")
        }

    def convert(
        self,
        peer: Peer,
        source: str,
        cap_bytes: int | None,
        of: Data | None = None,
        *,
        cores: int = CORES,
    ) -> Measured:
        """One conversion by *peer*, and the size of what it left."""
        of = of or self.data
        left = self.folder / "parquet" / f"{peer.name}-{source}"
        shutil.rmtree(left, ignore_errors=True)
        left.mkdir(parents=True)
        target = left if peer.name == "dlt" else left / "trades.parquet"
        files = of.parts if source == "parts" else [str(of.lines)]
        theirs = {
            "source": files,
            "array": source == "parts",
            "target": str(target),
            "capped": cap_bytes is not None,
        }
        options = of.ours if peer is OURS else theirs
        done = job(
            peer, "convert", options, cores=cores, cap_bytes=cap_bytes, within_s=self.within_s
        )
        if not done.failed and done.rows != of.committed.json.rows:
            done = replace(done, failed=f"stored {done.rows:,} of {of.committed.json.rows:,} rows")
        if done.failed:
            return done
        if peer is OURS:
            converted = read(of.committed.key, storage=of.storage)
            stored = converted.parquet.parquet_bytes if converted and converted.parquet else 0
        else:
            stored = data.sizes(left.parent)[left.name]
        return replace(done, parquet_bytes=stored)

    def price(self) -> list[QueryTimes]:
        """The sum of all prices, by every engine that is installed here anyway."""
        committed = read(self.data.committed.key, storage=self.data.storage)
        if committed is None or committed.parquet is None or committed.parquet.key is None:
            raise SystemExit("ticklake did not convert: there is no Parquet to ask")
        options = {
            "parts": self.data.parts,
            "parquet": self.data.storage.local_path(committed.parquet.key),
        }
        times = []
        for engine in queries.ENGINES:
            argv = [sys.executable, "-m", "tools.bench.queries", engine, json.dumps(options)]
            output = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
            times.append(QueryTimes(**json.loads(output.splitlines()[-1])))
        return times

    def memory(self, rows: int, *, cap_bytes: int) -> dict[str, dict[int, int]]:
        """Peaks by number of records, up to ten times *rows*.

        Ours from S3 to S3 inside the cap, as its cgroup counts them; peers without one, lines.
        """
        folder = self.folder / "memory"
        counts = {7_000: (7_000, 1), 100_000: (100_000, 1), rows: (rows, 1), 10 * rows: (rows, 10)}
        peaks: dict[str, dict[int, int]] = {}
        with S3Server(folder / "s3", program=rclone() or "rclone") as server:
            bucket = server.bucket()
            os.environ |= bucket.environment
            storage = Storage.open(bucket.root, bucket.environment)
            for count, (staged_rows, times) in counts.items():
                local = data.stage(folder / str(staged_rows), staged_rows, us_per_row=0)
                committed = trades.stage(storage, rows=staged_rows, us_per_row=0)
                lines = data.copied(local.lines, folder / "copied.ndjson", times)
                on_s3 = Data(
                    storage=storage,
                    committed=data.repeated(committed, times, storage=storage),
                    lines=lines,
                )
                for peer in self._charted:
                    if peer.name == "pandas" and times > 1:
                        continue  # it would take as many gigabytes as there are millions
                    source, cap = ("parts", cap_bytes) if peer is OURS else ("lines", None)
                    done = self.convert(peer, source, cap, on_s3)
                    if not done.failed:
                        peaks.setdefault(peer.name, {})[count] = done.peak_bytes
        return peaks

    @property
    def _charted(self) -> list[Peer]:
        return [peer for peer in self.peers if peer.name in CHARTED and peer.version]
