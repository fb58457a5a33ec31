"""The processes of one ``make ui``: started together, ended together.

Each gets a session of its own, so a Ctrl-C in the terminal reaches ``make ui`` alone, which then
ends them in order. Some start further processes in sessions of theirs (a memory-limited
conversion): all of them carry ``TICKLAKE_UI_RUN``, by which they are known.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tools.local.airflow import REPOSITORY
from tools.ui.ui_error import UiError

RUN_VARIABLE = "TICKLAKE_UI_RUN"
STOP_LIMIT_S = 4.0
"""The scheduler would wait for its tasks; nothing here is worth it."""
LOG_TAIL_LINES = 12
LOG_TAIL_CHARACTERS = 300


class Children:
    """Processes with their logs in *logs*; ``stop`` ends every one, and theirs."""

    def __init__(self, *, logs: Path, run: str) -> None:
        self._logs = logs
        self._run = run
        self._lock = threading.Lock()
        self._services: dict[str, subprocess.Popen[str]] = {}
        self._all: list[subprocess.Popen[str]] = []
        self._is_stopped = False

    def start(
        self, name: str, argv: Sequence[str], *, env: Mapping[str, str], has_output: bool = False
    ) -> subprocess.Popen[str]:
        """Start a program that runs until the end; with *has_output* its stdout is the caller's."""
        process = self._open(name, argv, env=env, has_output=has_output)
        self._services[name] = process
        return process

    def run(self, name: str, argv: Sequence[str], *, env: Mapping[str, str]) -> str:
        """Run a program to its end and return its stdout. ``UiError`` where it fails."""
        process = self._open(name, argv, env=env, has_output=True)
        output, _ = process.communicate()
        if process.returncode:
            raise UiError(f"{name}: ended with {process.returncode}{self.log_tail(name)}")
        return output

    def check(self) -> None:
        """Raise ``UiError`` if a program that should run has ended."""
        for name, process in self._services.items():
            if process.poll() is not None:
                raise UiError(f"{name}: ended with {process.returncode}{self.log_tail(name)}")

    def log_tail(self, name: str) -> str:
        """The last lines of a program's log, ready to follow a message."""
        path = self._logs / f"{name}.log"
        lines = path.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return "".join(f"\n    {line[:LOG_TAIL_CHARACTERS]}" for line in lines)

    def stop(self) -> None:
        """End all processes: asked first, killed where that does not help."""
        with self._lock:  # a thread of ours may be about to start one more
            self._is_stopped = True
        for process in self._all:
            process.terminate()
        limit_s = time.monotonic() + STOP_LIMIT_S
        for process in self._all:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(limit_s - time.monotonic(), 0))
        for process in self._all:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        stop_leftovers(self._run)

    def _open(
        self, name: str, argv: Sequence[str], *, env: Mapping[str, str], has_output: bool
    ) -> subprocess.Popen[str]:
        with self._lock, (self._logs / f"{name}.log").open("a") as log:
            if self._is_stopped:
                raise UiError(f"{name}: not started, make ui is ending")
            process = subprocess.Popen(
                [sys.executable, *argv],
                cwd=REPOSITORY,
                env={**env, RUN_VARIABLE: self._run},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if has_output else log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
            self._all.append(process)
        return process


def stop_leftovers(run: str) -> int:
    """Kill what is left of the make ui called *run*; how many processes that was."""
    leftovers = list(_carrying(run))
    for process in leftovers:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(leftovers, STOP_LIMIT_S)
    return len(leftovers)


def _carrying(run: str) -> Iterator[psutil.Process]:
    """The processes whose environment says that they are of *run*, without this one."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(RUN_VARIABLE) == run:
                yield process
