"""Log lines of threads in the order of their tasks, as if these had run one after the other.

What the first task logs is written at once, and what the others log is held until it is their
turn. Its time is that of when it was logged.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

OURS = "include.ticklake"
"""The logger above all of the core's."""


class HeldLog:
    """The lines of one task that wait for their turn."""

    def __init__(self) -> None:
        self.is_shown = False
        self.records: list[logging.LogRecord] = []


class OrderedLog(logging.Handler):
    """Stands between the core's loggers and the handlers that write, from ``open`` to ``close``.

    Only one at a time does: a second one holds nothing back.
    """

    def __init__(self) -> None:
        super().__init__()
        self._logger = logging.getLogger(OURS)
        self._own = threading.local()
        self._is_open = False

    def open(self) -> None:
        """Begin to hold lines."""
        if self._logger.propagate:
            self._is_open = True
            self._logger.propagate = False
            self._logger.addHandler(self)

    def close(self) -> None:
        """Write what threads log from now on at once."""
        if self._is_open:
            self._is_open = False
            self._logger.removeHandler(self)
            self._logger.propagate = True
        super().close()

    @contextmanager
    def held(self, log: HeldLog) -> Iterator[None]:
        """While inside, what this thread logs is part of *log*."""
        self._own.log = log
        try:
            yield
        finally:
            del self._own.log

    def show(self, log: HeldLog) -> None:
        """It is the turn of *log*: write what it holds, and from now on what comes."""
        with self.lock or threading.RLock():
            log.is_shown = True
            records, log.records = log.records, []
            for record in records:
                self._pass_on(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record*, or hold it."""
        log: HeldLog | None = getattr(self._own, "log", None)
        if log is None or log.is_shown:
            self._pass_on(record)
        else:
            log.records.append(record)

    def _pass_on(self, record: logging.LogRecord) -> None:
        if self._logger.parent is not None:
            self._logger.parent.callHandlers(record)
