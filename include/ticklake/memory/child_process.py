"""One child process: its output line by line, its exit status and its peak memory."""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

MAX_LINE_BYTES = 64 * 1024

GRACE_S = 3.0
"""Airflow kills a task five seconds after its own ``SIGTERM``: its child must be gone by then."""

_CHUNK_BYTES = 64 * 1024
_POLL_EVERY_MS = 200
_COUNTER_LAG_BYTES = 4 * 1024 * 1024  # the kernel sums up pages of each thread now and then
_PIPE_BYTES = 1024 * 1024  # no pipe holds more unread, unless root made it larger


class ChildProcess:
    """A process in a session of its own; leaving the ``with`` ends what is left of it.

    Its group is asked by ``SIGTERM`` first, and killed where that has not ended it in ``GRACE_S``.
    """

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            list(argv),
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # Only now: until the child became its program, it shared what we had by then.
        our_peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self._our_peak_bytes = _kib(our_peak_kib) + _COUNTER_LAG_BYTES
        self.pid = self._process.pid
        self.peak_bytes = 0
        """The highest resident memory of the process itself, seen so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.returncode is None:
            try:
                self._ask_to_end()
            finally:  # a second signal to us ends the asking, and never the killing
                self.kill()
                self.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def chunks(self) -> Iterator[bytes]:
        """Yield its output as it comes, until it has ended or closed its output.

        A grandchild that keeps the pipe open does not delay the end.
        """
        assert self._process.stdout is not None  # noqa: S101  Popen was given a pipe
        output = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(output, select.POLLIN)
        has_ended = False
        unread_bytes = _PIPE_BYTES
        while unread_bytes > 0:
            ready = poll.poll(_POLL_EVERY_MS)
            has_ended = has_ended or self._has_ended()
            if ready and (chunk := os.read(output, _CHUNK_BYTES)):
                unread_bytes -= len(chunk) if has_ended else 0
                yield chunk
            elif ready or has_ended:
                return

    def kill(self) -> None:
        """Kill its whole process group."""
        # Not reaped yet, so its number cannot belong to another process.
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _ask_to_end(self) -> None:
        """Send ``SIGTERM`` to its group, and give it time to close what it holds."""
        ended = os.pidfd_open(self.pid)
        try:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGTERM)
            poll = select.poll()  # `select` cannot watch descriptors above 1,023
            poll.register(ended, select.POLLIN)
            poll.poll(GRACE_S * 1000)
        finally:
            os.close(ended)

    def wait(self) -> int:
        """Wait for its end; return the exit status, or minus the signal that killed it."""
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        self.kill()
        _, status, usage = os.wait4(self.pid, 0)
        # The kernel starts a child's high-water mark at its parent's, whose memory it shares
        # until it becomes the program: below ours the figure means nothing.
        if _kib(usage.ru_maxrss) > self._our_peak_bytes:
            self.peak_bytes = max(self.peak_bytes, _kib(usage.ru_maxrss))
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return self._process.returncode

    def _has_ended(self) -> bool:
        """Return whether it has ended; also samples its memory while it has not."""
        with suppress(OSError):
            status = Path(f"/proc/{self.pid}/status").read_text()
            mark = next((line for line in status.splitlines() if line.startswith("VmHWM:")), None)
            if mark is not None:
                self.peak_bytes = max(self.peak_bytes, _kib(int(mark.split()[1])))
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of *chunks*, without their ends; beyond ``MAX_LINE_BYTES`` they are cut."""
    buffer = b""
    is_cut = False
    for chunk in chunks:
        *complete, buffer = (buffer + chunk).split(b"\n")
        for line in complete:
            if not is_cut:
                yield _text(line)
            is_cut = False
        if len(buffer) > MAX_LINE_BYTES:
            if not is_cut:
                yield _text(buffer)
            buffer, is_cut = b"", True
    if buffer and not is_cut:
        yield _text(buffer)


def _text(line: bytes) -> str:
    shown = line[:MAX_LINE_BYTES].decode(errors="replace").rstrip("\r")
    return shown if len(line) <= MAX_LINE_BYTES else f"{shown} [cut]"


def _kib(size_kib: int) -> int:
    return size_kib * 1024
