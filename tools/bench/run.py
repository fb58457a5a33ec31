"""A peer and a job in, how long it took and what it held out: in a process of its own.

Free of a cap or inside one; one that dies there, or takes too long, is a result too.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from include.ticklake.memory import capped_process
from include.ticklake.memory.cgroups import ALLOCATOR_ENV
from tools.bench.peers import Peer

_ENOUGH_S = 20.0  # no further round for what takes longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One job of one peer."""

    name: str
    rows: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0
    """The greatest resident memory of its process, libraries included; in a cap, its count."""
    failed: str = ""
    """How it ended, where it did not end well."""
    parquet_bytes: int = 0

    @property
    def rate(self) -> float:
        """Records a second; 0 where it failed."""
        return self.rows / self.seconds if self.seconds else 0.0


def best_of(rounds: int, measure: Callable[[], Measured]) -> Measured:
    """The fastest of some *rounds*; one round of what fails or takes long."""
    taken: list[Measured] = []
    while len(taken) < rounds:
        taken.append(measure())
        sys.stderr.write(f"{taken[-1]}\n")
        if taken[-1].failed or sum(job.seconds for job in taken) > _ENOUGH_S:
            break
    return max(taken, key=lambda job: job.rate)


def job(
    peer: Peer,
    name: str,
    options: dict[str, object],
    *,
    cores: int,
    cap_bytes: int | None = None,
    within_s: float,
) -> Measured:
    """Do one job once; whatever becomes of it."""
    if peer.version is None:
        return Measured(name=peer.name, failed="not installed")
    argv = [sys.executable, "-m", "tools.bench.cases", peer.module, name]
    argv = ["timeout", f"{within_s:g}", *argv, json.dumps({"cores": cores, **options})]
    allocator_env = ALLOCATOR_ENV if peer.module == "tools.bench.cases" else {}
    if cap_bytes is None:
        process = subprocess.run(
            argv, capture_output=True, text=True, check=False, env={**os.environ, **allocator_env}
        )
        output = process.stdout.splitlines()
        return _measured(peer, process.returncode, output, process.stderr, within_s)
    lines: list[str] = []
    env = {**os.environ, "TICKLAKE_BENCH_CAPPED": "1"}
    ended = capped_process.run_capped(argv, cap_bytes=cap_bytes, env=env, on_line=lines.append)
    if ended.out_of_memory:
        return Measured(name=peer.name, failed="killed by the limit")
    measured = _measured(peer, ended.exit_code, lines, "\n".join(lines), within_s)
    return replace(measured, peak_bytes=ended.peak_bytes or measured.peak_bytes)


def _measured(
    peer: Peer, exit_code: int, lines: Sequence[str], output: str, within_s: float
) -> Measured:
    if exit_code == 124:
        return Measured(name=peer.name, failed=f"took longer than {within_s:g} s")
    if exit_code:
        last = [line for line in output.splitlines() if line and not line.startswith((" ", "*"))]
        error = next((x for x in reversed(last) if "Error" in x or "Exception" in x), "")
        return Measured(name=peer.name, failed=_short(error) or f"ended with {exit_code}")
    report = json.loads(next(line for line in reversed(lines) if line.startswith('{"rows"')))
    return Measured(name=peer.name, **report)


def _short(error: str) -> str:
    """The kind of an error and its first words, as one cell of a table."""
    return error.rpartition("Traceback")[2].strip().replace("|", "/").replace("`", "")[:70]


def machine() -> dict[str, str]:
    """What ran it."""
    cpu = next(
        (x.partition(":")[2].strip() for x in _lines("/proc/cpuinfo") if "model name" in x), "?"
    )
    total = next((x.split()[1] for x in _lines("/proc/meminfo") if "MemTotal" in x), "0")
    return {
        "processor": f"{cpu}, {os.cpu_count()} cores",
        "memory": f"{int(total) / 2**20:.0f} GiB, pages of {resource.getpagesize() // 1024} KiB",
        "system": f"{os.uname().sysname} {os.uname().release}",
        "Python": sys.version.split()[0],
    }


def _lines(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - of the kernel
        return file.read().splitlines()
