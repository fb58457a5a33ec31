"""Blocks in, what a function makes of each out, in their order: made ahead of whoever reads them.

One thread takes the blocks from their iterator, which cuts them, and *workers* threads call the
function, also while the reader is busy with something else: zlib, Arrow and the storage let go of
Python's lock, so two cores are kept busy. What is ahead is bounded in bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Condition
from typing import Protocol, TypeVar


class Sized(Protocol):
    """What is given: it says how many bytes it holds."""

    @property
    def size_bytes(self) -> int:
        """How much it holds."""


Given = TypeVar("Given", bound=Sized)
Made = TypeVar("Made")


def map_ahead(
    function: Callable[[Given], Made], given: Iterator[Given], *, workers: int, max_bytes: int
) -> Iterator[Made]:
    """``map(function, given)``, with *max_bytes* of what is given ahead of the reader.

    One that is larger than that has nothing beside it. With one worker nothing is ahead. An
    exception comes where the result would have come.
    """
    if workers == 1:
        yield from map(function, given)
        return
    room = _ByteSemaphore(max_bytes)
    ahead: SimpleQueue[tuple[Future[Made], int] | None] = SimpleQueue()

    def take() -> None:
        try:
            for one in given:
                size_bytes = one.size_bytes
                if not room.take(size_bytes):
                    break
                ahead.put((pool.submit(function, one), size_bytes))
                del one  # before the next one is cut
        finally:
            ahead.put(None)

    # The taker ends before the pool that it fills.
    with ThreadPoolExecutor(workers) as pool, ThreadPoolExecutor(1) as taker:
        taking = taker.submit(take)
        try:
            while (following := ahead.get()) is not None:
                future, size_bytes = following
                made = future.result()
                del future, following
                room.give_back(size_bytes)
                yield made
                del made
            taking.result()
        finally:
            room.close()
            pool.shutdown(wait=False, cancel_futures=True)


class _ByteSemaphore:
    """So many bytes that two threads share; more than all of them only one at a time."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._taken_bytes = 0
        self._closed = False
        self._changed = Condition()

    def take(self, size_bytes: int) -> bool:
        """Wait until *size_bytes* are free, and take them; False where it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._fits(size_bytes))
            self._taken_bytes += size_bytes
            return not self._closed

    def give_back(self, size_bytes: int) -> None:
        """Free *size_bytes*."""
        with self._changed:
            self._taken_bytes -= size_bytes
            self._changed.notify()

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _fits(self, size_bytes: int) -> bool:
        return not self._taken_bytes or self._taken_bytes + size_bytes <= self._max_bytes
