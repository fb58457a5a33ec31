"""``airflow`` many times, without importing it each time: that takes longer than a run.

``Runs`` starts this file as a child, which imports Airflow and then forks into as many lanes as
calls may run at once. A lane makes one call after the other, in a database of its own where there
are several. Calls go in, in one line: a JSON array of objects with the arguments of ``airflow``,
what is added to the environment, and the file that gets all that is written. For each that ends a
line comes out, with its number and exit code.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from tests.conftest import REPOSITORY

_USED_BY_EVERY_RUN = (
    "airflow.api_fastapi.execution_api.routes",
    "airflow.cli.commands.dag_command",
    "airflow.dag_processing.dagbag",
    "airflow.sdk.execution_time.task_runner",
    "include.operators.runners.process",
    "include.operators.extract",
    "include.ticklake.extract.extract",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DagCall:
    """The arguments of ``airflow``, and what is added to the environment."""

    arguments: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """What a call wrote, and its exit code."""

    log: str
    exit_code: int


class Runs:
    """A child process that has imported Airflow and makes runs in *env*."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.airflow.many_runs"],
            env=dict(env),
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, env: Mapping[str, str], limit_s: float = 120) -> RunEnd:
        """One call."""
        (ended,) = self.run_all([DagCall(arguments=arguments, env=env)], limit_s=limit_s)
        return ended

    def run_all(
        self, calls: Sequence[DagCall], *, at_once: int = 1, limit_s: float
    ) -> list[RunEnd]:
        """How each of *calls* ended, in their order; *at_once* run beside each other."""
        with tempfile.TemporaryDirectory() as folder:
            logs = [Path(folder) / f"{number}.log" for number in range(len(calls))]
            asked = [
                {"arguments": call.arguments, "env": dict(call.env), "log": str(log)}
                for call, log in zip(calls, logs, strict=True)
            ]
            self._child.stdin.write(json.dumps({"calls": asked, "at_once": at_once}) + "\n")
            self._child.stdin.flush()
            limit = threading.Timer(limit_s, self._kill)  # Airflow's retries wait for minutes
            limit.start()
            try:
                lines = [self._child.stdout.readline() for _ in calls]
            finally:
                limit.cancel()
            written = [log.read_text() if log.exists() else "" for log in logs]
        if not all(lines):
            raise AssertionError(f"not over after {limit_s} s:\n" + "".join(written)[-8_000:])
        exit_codes = dict(json.loads(line) for line in lines)
        return [RunEnd(log=log, exit_code=exit_codes[number]) for number, log in enumerate(written)]

    def _kill(self) -> None:
        os.killpg(self._child.pid, 9)

    def __enter__(self) -> Runs:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stdin.close()
        self._child.stdout.close()
        self._child.wait(timeout=60)


def main() -> None:
    """Make the runs that stdin asks for."""
    told = os.dup(1)
    os.dup2(2, 1)  # whatever Airflow has to say by itself is not for the caller to read
    for name in _USED_BY_EVERY_RUN:
        import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        numbers, fill = os.pipe()
        os.write(fill, bytes(range(len(asked["calls"]))))  # one byte is one call, for one lane
        os.close(fill)
        for lane in range(asked["at_once"]):
            if os.fork() == 0:
                _lane(asked["calls"], numbers, told, own=lane if asked["at_once"] > 1 else None)
        os.close(numbers)
        for _ in range(asked["at_once"]):
            os.wait()


def _lane(
    calls: Sequence[Mapping[str, object]], numbers: int, told: int, *, own: int | None
) -> NoReturn:
    """Run calls as long as there are some; *own* is the number of the lane's own database."""
    if own is not None:
        _take_own_database(own)
    while number := os.read(numbers, 1):
        call = calls[number[0]]
        log = os.open(call["log"], os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.environ.update(call["env"])
        exit_code = _run(call["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(told, f"{json.dumps([number[0], exit_code])}\n".encode())
    os._exit(0)


def _take_own_database(lane: int) -> None:
    from airflow import settings

    common = Path(os.environ["AIRFLOW_HOME"], "airflow.db")
    own = shutil.copy(common, common.with_name(f"lane-{lane}.db"))
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{own}"
    settings.dispose_orm()
    settings.configure_vars()
    settings.configure_orm()


def _run(arguments: Sequence[str]) -> int:
    from airflow.cli import cli_parser

    given = cli_parser.get_parser().parse_args(arguments)
    try:
        given.func(given)
    except (SystemExit, Exception):
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
