"""``python -m include.ticklake`` on a real pseudo-terminal, as people start it."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass

from tests.conftest import REPOSITORY

COLUMNS = 140


@dataclass(slots=True)
class TerminalCommand:
    """A running command, and what its terminal received so far."""

    process: subprocess.Popen[bytes]
    terminal: int
    output: str = ""

    def read_until(self, text: str) -> None:
        """Read until *text* was received; ``EOFError`` where the terminal is closed before."""
        while text not in self.output:
            if not self._read():
                raise EOFError(self.output)

    def read_to_end(self) -> int:
        """Read until no process has the terminal any more; the exit code of the command."""
        while self._read():
            pass
        os.close(self.terminal)
        return self.process.wait(60)

    def _read(self) -> bool:
        try:
            data = os.read(self.terminal, 65536)
        except OSError:  # EIO: nobody has the other end
            return False
        self.output += data.decode(errors="replace")
        return bool(data)


def start(*argv: str, env: Mapping[str, str]) -> TerminalCommand:
    """Start it, with its three streams on one terminal."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "include.ticklake", *argv],
        env={**env, "TERM": "xterm"}, cwd=REPOSITORY, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    return TerminalCommand(process, ours)
