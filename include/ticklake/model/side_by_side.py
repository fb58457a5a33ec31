"""``map`` whose calls run side by side while its reader gets them in their order.

A unit of a batch mostly waits for the network, so several of them wait at once. Their results and
their log lines come in the order of the items, as if they had run one after the other.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Generic, TypeVar

from include.ticklake.model.ordered_log import HeldLog, OrderedLog
from include.ticklake.model.stop_signal import StopSignal

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 256
"""Items that may run, or be done, while the first of them is not: their results are held."""
END_WITHIN_S = 2.0
"""How long calls that run may take to end once they are not wanted any more."""
_THREAD_NAME = "unit of a batch"


class PendingCall(Generic[Item, Result]):
    """The call for one *item*; it may be done, run, or wait for a thread."""

    def __init__(self, item: Item, work: Callable[[Item], Result]) -> None:
        self.item = item
        self.log = HeldLog()
        self._work = work
        self._done = threading.Event()
        self._results: list[Result] = []
        self.error: BaseException | None = None
        """What it raised."""

    def run(self) -> None:
        """Make the call; what it raises is raised by ``result``."""
        try:
            self._results.append(self._work(self.item))
        except BaseException as error:
            self.error = error
        finally:
            self._done.set()

    def result(self) -> Result:
        """What the call returned or raised, as soon as it has."""
        self._done.wait()
        if self.error is not None:
            raise self.error
        return self._results[0]

    @property
    def has_result(self) -> bool:
        """Whether it is done, and raised nothing."""
        return bool(self._results)


class _CallHere(PendingCall[Item, Result]):
    """A call that is made by who asks for its result."""

    def result(self) -> Result:
        self.run()
        return super().result()


class SideBySide(Generic[Item, Result]):
    """The tasks of *items* in their order; close it by leaving its ``with``.

    *work* is called for *threads* of them at once; with one thread, or one item, by the reader
    itself when it asks for the result. An exception of *items* is raised in its place. After an
    error that *is_fatal* no call begins: the reader ends the loop where it meets the error. *stop*
    is set as the block is left: calls that look at it end.
    """

    def __init__(
        self,
        work: Callable[[Item], Result],
        items: Iterable[Item],
        *,
        threads: int,
        stop: StopSignal,
        is_fatal: Callable[[BaseException], bool],
    ) -> None:
        self._work, self._items = work, iter(items)
        self._threads, self._stop, self._is_fatal = threads, stop, is_fatal
        self._begins_more = True
        self._pending: deque[PendingCall[Item, Result]] = deque()
        self._queue: SimpleQueue[PendingCall[Item, Result] | None] = SimpleQueue()
        self._running: list[threading.Thread] = []
        self._items_error: BaseException | None = None
        self._is_exhausted = False
        self._log = OrderedLog()

    def __enter__(self) -> SideBySide[Item, Result]:
        if self._threads > 1:
            self._log.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_threads()
        self._log.close()

    def __iter__(self) -> Iterator[PendingCall[Item, Result]]:
        """Yield each task, when the ones before it are dealt with."""
        if self._threads == 1:
            for item in self._items:
                yield _CallHere(item, self._work)
            return
        self._fill()
        if self._is_exhausted and len(self._pending) == 1:
            task = self._pending.popleft()
            yield _CallHere(task.item, self._work)
        while self._pending:
            task = self._pending[0]
            self._log.show(task.log)
            yield task
            self._pending.popleft()
            self._fill()
        if self._items_error is not None:
            raise self._items_error

    def finished(self) -> Iterator[PendingCall[Item, Result]]:
        """Stop, and yield the tasks that nobody has got yet and that returned something.

        Those that run have a moment to end.
        """
        self._end_threads()
        while self._pending:
            task = self._pending.popleft()
            if task.has_result:
                self._log.show(task.log)
                yield task

    def _end_threads(self) -> None:
        self._stop.set()
        for _thread in self._running:
            self._queue.put(None)
        give_up_s = time.monotonic() + END_WITHIN_S
        for thread in self._running:
            thread.join(max(0.0, give_up_s - time.monotonic()))

    def _fill(self) -> None:
        """Hand on items as long as there are some, and not too many are ahead of the reader."""
        while not self._is_exhausted and len(self._pending) < _AHEAD:
            try:
                item = next(self._items)
            except StopIteration:
                self._is_exhausted = True
            except Exception as error:  # a ^C ends the reader, now
                self._is_exhausted, self._items_error = True, error
            else:
                self._add(PendingCall(item, self._work))

    def _add(self, task: PendingCall[Item, Result]) -> None:
        self._pending.append(task)
        if len(self._pending) == 1 and not self._running:
            return  # it may be the only one
        if not self._running:
            self._queue.put(self._pending[0])
        self._queue.put(task)
        while len(self._running) < min(self._threads, len(self._pending)):
            self._start_thread()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work_off, name=_THREAD_NAME, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # a limit of memory counts its stack
            if not self._running:
                raise
            self._threads = len(self._running)
        else:
            self._running.append(thread)

    def _work_off(self) -> None:
        while (task := self._queue.get()) is not None:
            if self._stop.is_set or not self._begins_more:
                return
            with self._log.held(task.log):
                task.run()
            if task.error is not None and self._is_fatal(task.error):
                self._begins_more = False
            del task  # what it returned is its reader's alone


def has_threads() -> bool:
    """Whether a thread still works on what nobody waits for.

    The end of a program stops them inside of calls that cannot be stopped: end it at once then.
    """
    return any(thread.name == _THREAD_NAME for thread in threading.enumerate())
