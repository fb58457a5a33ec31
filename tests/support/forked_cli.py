"""Commands as processes of their own, forked from one that has imported everything already.

A fork takes milliseconds where a start takes a second, so that hundreds of pairs can meet. A
command can be stopped (SIGSTOP) or killed (SIGKILL) by itself before its n-th call of the store,
which nothing outside could time as well.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from tests.conftest import REPOSITORY

PRELOADED = ["tests.support.forked_cli_imports"]
LIMIT_S = 60


@dataclass(frozen=True, kw_only=True)
class Interruption:
    """What happens to a command before call number *at_call* of the store."""

    signal: int
    at_call: int


class ForkedCommand:
    """``python -m include.ticklake ARGV``, running."""

    def __init__(self, process: ForkServerProcess, told: Connection, out: Path) -> None:
        self._process, self._told, self._out = process, told, out

    def wait_until_stopped(self) -> bool:
        """True once it stopped itself, False where it ended without."""
        try:
            return bool(self._told.recv())
        except EOFError:
            return False

    def wake(self) -> None:
        """SIGCONT."""
        if self._process.pid and self._process.is_alive():
            os.kill(self._process.pid, signal.SIGCONT)

    def wait(self) -> int:
        """Its exit code; negative where a signal ended it."""
        self._process.join(LIMIT_S)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
            raise TimeoutError(f"it hangs:\n{self.text()}")
        self._told.close()
        return self._process.exitcode

    def text(self) -> str:
        """What it wrote to stdout and stderr."""
        return self._out.read_text(errors="replace") if self._out.exists() else ""


class CommandForks:
    """Starts commands with one environment."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self._env, self._folder = dict(env), folder
        self._number = 0

    def start(self, *argv: str, interruption: Interruption | None = None) -> ForkedCommand:
        """The command, running."""
        self._number += 1
        out = self._folder / f"{self._number}.out"
        told, telling = _context().Pipe(duplex=False)
        process = _context().Process(
            target=_run, args=(argv, self._env, str(out), telling, interruption), daemon=True
        )
        process.start()
        telling.close()
        return ForkedCommand(process, told, out)

    def run(self, *argv: str) -> tuple[int, str]:
        """Its exit code, and what it wrote."""
        command = self.start(*argv)
        return command.wait(), command.text()


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def _run(
    argv: tuple[str, ...],
    env: dict[str, str],
    out: str,
    telling: Connection,
    interruption: Interruption | None,
) -> None:
    """In the forked process: the command, and nothing after it."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(REPOSITORY)
    output = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    if interruption:
        _interrupt(interruption, telling)
    from include.ticklake.cli.main import main

    try:
        code = main(list(argv))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _interrupt(interruption: Interruption, telling: Connection) -> None:
    from include.ticklake.lake.storage import Storage
    from tests.support.stepping_store import CHANGES, READS, SteppingStore

    calls = count()  # of several threads: each number comes once

    def step() -> None:
        if next(calls) == interruption.at_call:
            if interruption.signal == signal.SIGSTOP:
                telling.send(True)
            os.kill(os.getpid(), interruption.signal)

    opened = Storage.open

    def open_stepping(root_uri: str, env: Mapping[str, str]) -> Storage:
        storage = opened(root_uri, env)
        return Storage(storage.root_uri, SteppingStore(storage.store, step, CHANGES | READS))

    Storage.open = open_stepping  # type: ignore[method-assign]
