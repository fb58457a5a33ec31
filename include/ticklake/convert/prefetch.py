"""``map`` that works ahead of its reader, with a bound in bytes.

One thread takes the items from their iterator, which cuts blocks, and *workers* threads call the
function, also while the reader is busy with something else: zlib, Arrow and the storage release
Python's lock, so two cores are kept busy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Condition
from typing import Protocol, TypeVar


class Sized(Protocol):
    """An item whose size is known."""

    @property
    def size_bytes(self) -> int:
        """How much memory it holds."""


Item = TypeVar("Item", bound=Sized)
Result = TypeVar("Result")


def map_ahead(
    function: Callable[[Item], Result],
    items: Iterator[Item],
    *,
    workers: int,
    max_bytes: int,
    result_bytes: Callable[[Result], int | None] = lambda _: None,
) -> Iterator[Result]:
    """Yield ``map(function, items)``, with at most *max_bytes* of them ahead of the reader.

    An item counts until the function is done; then its result does, with its *result_bytes* where
    these are known and fewer. An item larger than *max_bytes* runs alone: the next one is not made
    before the reader is done with its result. With one worker nothing is prefetched. Exceptions are
    raised in order.
    """
    if workers == 1:
        yield from map(function, items)
        return
    semaphore = ByteSemaphore(max_bytes)
    pending: SimpleQueue[Future[tuple[Result, int]] | None] = SimpleQueue()

    def work(item: Item) -> tuple[Result, int]:
        """The result, and what was acquired for it."""
        result, size_bytes = function(item), item.size_bytes
        held_bytes = None if size_bytes > max_bytes else result_bytes(result)
        if held_bytes is None or held_bytes >= size_bytes:
            return result, size_bytes
        semaphore.release(size_bytes - held_bytes)
        return result, held_bytes

    def submit_items() -> None:
        try:
            for item in items:
                size_bytes = item.size_bytes
                if not semaphore.acquire(size_bytes):
                    break
                pending.put(pool.submit(work, item))
                del item  # before the next one is cut
                if size_bytes > max_bytes and not semaphore.wait_until_free():
                    break
        finally:
            pending.put(None)

    # The submitting thread ends before the pool that it fills.
    with ThreadPoolExecutor(workers) as pool, ThreadPoolExecutor(1) as submitter:
        submitting = submitter.submit(submit_items)
        try:
            while (future := pending.get()) is not None:
                result, size_bytes = future.result()
                del future
                if size_bytes > max_bytes:
                    yield result
                    del result
                    semaphore.release(size_bytes)
                    continue
                semaphore.release(size_bytes)
                yield result
                del result
            submitting.result()
        finally:
            semaphore.close()
            pool.shutdown(wait=False, cancel_futures=True)


class ByteSemaphore:
    """A semaphore over bytes; an acquirer that needs more than all of them runs alone."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._acquired_bytes = 0
        self._is_closed = False
        self._condition = Condition()

    def acquire(self, size_bytes: int) -> bool:
        """Wait until *size_bytes* are free and acquire them; return False once it is closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._is_closed or self._fits(size_bytes))
            self._acquired_bytes += size_bytes
            return not self._is_closed

    def wait_until_free(self) -> bool:
        """Wait until nothing is acquired; return False once it is closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._is_closed or not self._acquired_bytes)
            return not self._is_closed

    def release(self, size_bytes: int) -> None:
        """Free *size_bytes*."""
        with self._condition:
            self._acquired_bytes -= size_bytes
            self._condition.notify()

    def close(self) -> None:
        """End every wait."""
        with self._condition:
            self._is_closed = True
            self._condition.notify()

    def _fits(self, size_bytes: int) -> bool:
        return not self._acquired_bytes or self._acquired_bytes + size_bytes <= self._max_bytes
