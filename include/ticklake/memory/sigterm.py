"""Ends this process soon after ``SIGTERM``, with what it holds closed.

Without a handler the kernel keeps the signal from process 1, which a step is in its container:
Docker and Kubernetes would wait for their grace period and kill it. The handler raises in the
main thread, so that uploads are aborted and temporary files removed. A thread ends the process
where the main thread is in a call that does not return.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType
from typing import NoReturn

EXIT = 128 + signal.SIGTERM

CLEANUP_S = 2.0
"""How long closing may take. Less than what a runner waits before it kills, ``GRACE_S``."""

_STACK_BYTES = 256 * 1024  # RLIMIT_DATA counts it in full
_LAST_WORDS = b"ticklake: ended by SIGTERM; what was committed stays\n"


def exit_at_once() -> None:
    """From now on end at the signal, while nothing is open yet."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(EXIT))


def exit_cleanly(*, cleanup_s: float = CLEANUP_S) -> None:
    """From now on raise ``SystemExit(143)`` at the signal, and end after *cleanup_s* anyway."""
    received, send = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(send, False)  # the interpreter insists
    signal.set_wakeup_fd(send, warn_on_full_buffer=False)
    others_bytes = threading.stack_size(_STACK_BYTES)
    try:
        threading.Thread(target=_end, args=(received, cleanup_s), daemon=True).start()
    finally:
        threading.stack_size(others_bytes)
    signal.signal(signal.SIGTERM, _raise)


def _raise(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the closing
    os.write(2, _LAST_WORDS)
    raise SystemExit(EXIT)


def _end(received: int, cleanup_s: float) -> None:
    """Read the numbers of signals, which come at once, whatever the main thread does."""
    while os.read(received, 1) != bytes([signal.SIGTERM]):
        pass
    time.sleep(cleanup_s)
    os._exit(EXIT)
