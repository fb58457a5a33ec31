"""Calls that nobody has to wait for: what a driver does in C, no exception can interrupt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class CallTimeoutError(Exception):
    """A call has not returned in time; its thread may still be in it."""


class CallThread:
    """A thread that makes one call after the other, while its owner waits as long as it likes.

    A call that never returns keeps the thread; not even the end of the process waits for it.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._last: Future[Any] | None = None
        threading.Thread(target=_make_calls, args=(self._calls,), daemon=True).start()

    def call(self, function: Callable[[], T], *, timeout_s: float) -> T:
        """What *function* returns or raises; ``CallTimeoutError`` after *timeout_s*."""
        future: Future[T] = Future()
        self._last = future
        self._calls.put((future, function))
        if not self.is_idle(within_s=timeout_s):
            raise CallTimeoutError
        self._last = None  # what it returned is the caller's alone
        return future.result()

    def is_idle(self, *, within_s: float = 0) -> bool:
        """Whether its last call has ended; *within_s* is how long to wait for that."""
        if self._last is None:
            return True
        return bool(wait([self._last], min(max(within_s, 0), threading.TIMEOUT_MAX)).done)

    def close(self) -> None:
        """Let the thread end, after its call if it is in one."""
        self._calls.put(None)


def _make_calls(calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]) -> None:
    while call := calls.get():
        future, function = call
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)
        # Until the next call nothing of this one may be held here: it may be a page.
        del call, future, function
