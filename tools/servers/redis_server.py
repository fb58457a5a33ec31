"""A real Redis for the tests, from Debian's package: on a free port of the loopback, in memory."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.servers.airflow_services import free_port

START_LIMIT_S = 30


def redis_program() -> str | None:
    """``redis-server``, None if it is not installed."""
    return shutil.which("redis-server")


@contextmanager
def redis(folder: Path, *, program: str, port: int = 0) -> Iterator[str]:
    """A server that works in *folder*; yields its URL, with a password."""
    port, password = port or free_port(), secrets.token_hex(12)
    process = subprocess.Popen(
        # Whatever ends the tests, also a kill, ends the server.
        ["setpriv", "--pdeathsig=KILL", program, "-"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdin is not None  # for mypy
    assert process.stdout is not None
    lines = process.stdout
    # Not in its arguments, which every process of the machine may read.
    process.stdin.write(f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\n')
    process.stdin.close()
    started, log = threading.Event(), list[str]()

    def read() -> None:
        for line in lines:
            log.append(line)
            if "Ready to accept connections" in line:
                started.set()
        started.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        if not started.wait(START_LIMIT_S) or process.poll() is not None:
            raise RuntimeError(f"redis-server did not start: {''.join(log[-20:])}")
        yield f"redis://:{password}@127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=START_LIMIT_S)
        reader.join()
        lines.close()
