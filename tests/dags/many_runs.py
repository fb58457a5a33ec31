"""``airflow dags test`` many times in one process: importing Airflow takes longer than a run.

``Runs`` starts this file as a child. Calls go in, a line each: a JSON object with the arguments of
``airflow`` and what the environment is to be. After all that Airflow wrote in a run comes a line
``run.ended`` with a JSON object that says how.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

from tests.conftest import REPOSITORY


class Runs:
    """A child process that makes one run after the other, in *env* and what a run adds to it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.dags.many_runs"],
            env=dict(env),
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(
        self, *arguments: str, env: Mapping[str, str], limit_s: float = 120
    ) -> tuple[str, dict[str, object]]:
        """What was written, and how it ended: ``failed`` is empty after a good one."""
        self._child.stdin.write(json.dumps({"arguments": arguments, "env": dict(env)}) + "\n")
        self._child.stdin.flush()
        written: list[str] = []
        limit = threading.Timer(limit_s, self._child.kill)  # Airflow's retries wait for minutes
        limit.start()
        try:
            for line in self._child.stdout:
                if line.startswith("run.ended "):
                    return "".join(written), json.loads(line.removeprefix("run.ended "))
                written.append(line)
        finally:
            limit.cancel()
        raise AssertionError("the child process was ended:\n" + "".join(written)[-8_000:])

    def __enter__(self) -> Runs:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stdin.close()
        self._child.stdout.close()
        self._child.wait(timeout=60)


def main() -> None:
    """Run what stdin asks for, one call after the other."""
    from airflow.cli import cli_parser

    parser = cli_parser.get_parser()
    for line in sys.stdin:
        call = json.loads(line)
        os.environ.update(call["env"])
        arguments = parser.parse_args(call["arguments"])
        began_s, failed = time.monotonic(), ""
        try:
            arguments.func(arguments)
        except (SystemExit, Exception) as wrong:
            failed = repr(wrong)
        sys.stdout.flush()
        ended = {"failed": failed, "seconds": round(time.monotonic() - began_s, 2)}
        print(f"\nrun.ended {json.dumps(ended)}", flush=True)


if __name__ == "__main__":
    main()
