"""The progress bar of a terminal: drawn by a process of its own, which this one feeds by pipes.

A command under a memory limit has no room for what draws a bar. So its process is forked before
the limit is entered, and the limit counts nothing of it. It also passes on what the command writes
to the terminal, so that neither cuts through the other. It ends with the command, however that
ends: the pipes are closed then.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import select
import signal
import sys
from contextlib import suppress

from include.ticklake.cli import terminal
from include.ticklake.cli.progress import send
from include.ticklake.memory.own_limit import is_limited
from include.ticklake.redaction.masking import mask

_END_WITHIN_MS = 10_000
_NOTE_CHARACTERS = 100


def start(title: str, *, cap_bytes: int | None) -> None:
    """Show a bar from now on, where there is a terminal and room for it."""
    if terminal.bar_pipes() is not None or not _is_possible(cap_bytes):
        return
    progress, err = os.pipe(), os.pipe()
    out = os.pipe() if os.isatty(1) else None
    sys.stdout.flush()
    sys.stderr.flush()
    viewer = os.fork()
    if viewer == 0:
        _view(title, [pipe for pipe in (progress, err, out) if pipe])
    for pipe in filter(None, (progress, err, out)):
        os.close(pipe[0])
    os.set_blocking(progress[1], False)  # a bar that is slow loses updates, and delays nobody
    os.set_inheritable(progress[1], True)
    pipes = terminal.BarPipes(
        owner=os.getpid(),
        viewer=viewer,
        progress=progress[1],
        err=_redirect(2, err[1]),
        out=_redirect(1, out[1]) if out else -1,
    )
    os.environ[terminal.BAR] = " ".join(map(str, pipes))


def finish() -> None:
    """Take the bar away once everything that was written is shown."""
    pipes = terminal.bar_pipes()
    if pipes is None:
        return
    del os.environ[terminal.BAR]
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    with suppress(OSError):  # the viewer was killed
        os.set_blocking(pipes.progress, True)
        os.write(pipes.progress, b'{"end": true}\n')
    os.close(pipes.progress)
    os.dup2(pipes.err, 2)
    if pipes.out >= 0:
        os.dup2(pipes.out, 1)
    with suppress(OSError):
        ended = os.pidfd_open(pipes.viewer)
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.poll(_END_WITHIN_MS)
        os.close(ended)
        os.waitpid(pipes.viewer, os.WNOHANG)


def move_log_into_bar() -> None:
    """While a bar is shown, have it show what a log line would say; warnings stay lines."""
    if terminal.bar_pipes() is None:
        return
    root = logging.getLogger()
    for handler in root.handlers:
        handler.setLevel(logging.WARNING)
    root.addHandler(NoteHandler(logging.INFO))


class NoteHandler(logging.Handler):
    """Sends lines of the log to the bar."""

    def emit(self, record: logging.LogRecord) -> None:
        """Send it, unless it is a warning: those are lines of their own."""
        if record.levelno < logging.WARNING:
            send(note=mask(record.getMessage())[:_NOTE_CHARACTERS])


def _is_possible(cap_bytes: int | None) -> bool:
    if not os.isatty(2) or os.environ.get("TERM") == "dumb":
        return False
    if cap_bytes and is_limited(cap_bytes):  # the bar would count: a container of a step
        return False
    return importlib.util.find_spec("rich") is not None


def _redirect(stream: int, pipe: int) -> int:
    """Let *stream* write to *pipe*; what it wrote to before, kept over a start of the program."""
    before = os.dup(stream)
    os.set_inheritable(before, True)
    os.dup2(pipe, stream)
    os.close(pipe)
    return before


def _view(title: str, pipes: list[tuple[int, int]]) -> None:
    """Draw the bar; in the forked process, which ends here."""
    try:
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)  # a terminal sends them to this process, too
        for _, write_end in pipes:
            os.close(write_end)
        from include.ticklake.cli import bar_view

        progress, *texts = (read_end for read_end, _ in pipes)
        bar_view.show(title, progress, texts)
    finally:
        os._exit(0)
