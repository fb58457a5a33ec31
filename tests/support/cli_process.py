"""``python -m include.ticklake`` as a process of its own, as people and runners start it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tests.conftest import REPOSITORY

_RATES = "TICKLAKE_RATE_LIMIT_URL"
"""Each test has a folder of its own, so that no other one's refusals count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How a command ended, what it said, and how much memory it took at its peak."""

    exit_code: int
    out: str
    err: str
    peak_bytes: int


def environment(**more: str) -> dict[str, str]:
    """That of these tests without what decides for ticklake, and *more*."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TICKLAKE_", "AIRFLOW", "AWS_")) or name == _RATES
    }
    return ours | {"PYTHONPATH": str(REPOSITORY)} | more


def start(*argv: str, env: Mapping[str, str]) -> subprocess.Popen[str]:
    """The command, running; whoever starts it waits for it or kills it."""
    return subprocess.Popen(
        [sys.executable, "-m", "include.ticklake", *argv],
        env=dict(env),
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*argv: str, env: Mapping[str, str], timeout_s: float = 120) -> CommandResult:
    """The command, from its start to its end; the kernel says how much memory it took."""
    # A child's peak begins at that of its parent: a small one lies between it and these tests.
    told, telling = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", _MEASURED, str(telling),
         sys.executable, "-m", "include.ticklake", *argv],
        env=dict(env), cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, pass_fds=[telling],
    )  # fmt: skip
    os.close(telling)
    with os.fdopen(told) as telling_file:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        peak_bytes = int(telling_file.read()) * 1024
    return CommandResult(exit_code=process.returncode, out=out, err=err, peak_bytes=peak_bytes)


_MEASURED = """
import os, sys
ours = int(sys.argv[1])
os.set_inheritable(ours, False)
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
os.write(ours, b"%d" % usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
