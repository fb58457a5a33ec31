"""Airflow's Celery workers, each a machine of its own as far as one machine can show it.

A worker has a memory limit that all of its processes share, a cgroup, and it can be lost as a
machine is: all of its processes at once, by SIGKILL.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from include.ticklake.memory.cgroups import Cgroup, open_group, remove_stale_groups
from tools.servers.airflow_services import end_family

_LOOK_EVERY_S = 0.5
_TITLES = {
    "airflow worker": "task",
    "airflow supervisor": "supervisor of a task",
    "ForkPoolWorker": "supervisor of a task",
}
"""What a process is, by a part of the title that it gives itself."""


@dataclass(slots=True)
class ProcessKind:
    """The processes of a worker that do the same: how many there were, the most that one took."""

    pids: set[int] = field(default_factory=set)
    peak_bytes: int = 0


@dataclass(slots=True, kw_only=True)
class CeleryWorker:
    """A running worker, and what each kind of its processes took."""

    name: str
    process: psutil.Process
    group: Cgroup
    kinds: dict[str, ProcessKind] = field(default_factory=dict)

    def family(self) -> list[psutil.Process]:
        """Its processes, the worker itself first."""
        with suppress(psutil.NoSuchProcess):
            return [self.process, *self.process.children(recursive=True)]
        return []

    def look(self) -> set[str]:
        """What its processes do; note their peaks, which the kernel keeps."""
        now = set()
        for process in self.family():
            with suppress(psutil.Error, OSError, ValueError, IndexError):
                name = self._kind(process)
                status = Path(f"/proc/{process.pid}/status").read_text()
                peak_bytes = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024
                kind = self.kinds.setdefault(name, ProcessKind())
                kind.pids.add(process.pid)
                kind.peak_bytes = max(kind.peak_bytes, peak_bytes)
                now.add(name)
        return now

    def lose(self) -> set[int]:
        """Kill all of it at once; the ids of the processes that there were."""
        self.process.suspend()  # it starts no other task meanwhile
        family = self.family()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=30)
        return {process.pid for process in family}

    def _kind(self, process: psutil.Process) -> str:
        argv = process.cmdline()
        if "include.ticklake" in argv:
            return str(argv[argv.index("include.ticklake") + 1])
        if process.pid == self.process.pid:
            return "worker"
        return next((name for title, name in _TITLES.items() if title in argv[0]), "other")


@contextmanager
def celery_worker(
    name: str, *, slots: int, limit_bytes: int, env: Mapping[str, str], folder: Path
) -> Iterator[CeleryWorker]:
    """A worker that runs *slots* tasks at once; all of its processes share *limit_bytes*.

    Its log is in *folder*. ``RuntimeError`` where this process may create no memory cgroup.
    """
    group = open_group(limit_bytes)
    if group is None:
        raise RuntimeError("this process may create no memory cgroup")
    with closing(group), (folder / f"{name}.log").open("wb") as log:
        process = psutil.Popen(
            [
                *group.launcher, "setpriv", "--pdeathsig=TERM",
                sys.executable, "-m", "airflow", "celery", "worker", "--skip-serve-logs",
                "--without-gossip", "--without-mingle",
                "--celery-hostname", name, "--concurrency", str(slots),
            ],
            env=dict(env), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        worker, over = CeleryWorker(name=name, process=process, group=group), threading.Event()

        def watch() -> None:
            while not over.wait(_LOOK_EVERY_S):
                worker.look()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield worker
        finally:
            over.set()
            watcher.join()
            end_family(process)
            remove_stale_groups(group.folder)  # its converters', when it was lost
