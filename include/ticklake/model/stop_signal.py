"""Ends the threads of a batch: where one unit's error concerns all, the others need not go on."""

from __future__ import annotations

import threading


class StopWork(BaseException):
    """Raised in a thread whose work is not wanted any more; what it holds is closed on the way."""


class StopSignal:
    """Is set once; who works looks at it where it is safe to end."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """From now on ``check`` and ``sleep`` raise."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether it was set."""
        return self._event.is_set()

    def check(self) -> None:
        """``StopWork`` where it is set."""
        if self.is_set:
            raise StopWork

    def sleep(self, seconds: float) -> None:
        """Wait for *seconds*; ``StopWork`` as soon as it is set."""
        if self._event.wait(seconds):
            raise StopWork
