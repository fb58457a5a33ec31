"""What the windows of one batch share while they are converted: the feed's record, and the memory.

Windows of few records run side by side, each in the room that it needs; a larger one has all of
the limit, and runs alone. So the limit holds for a batch as it does for one window.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from include.ticklake.convert.budget import Budget
from include.ticklake.convert.prefetch import ByteSemaphore
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import schema_history
from include.ticklake.lake.batch_record import KeptValue
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.schema_history import SchemaVersion
from include.ticklake.lake.storage import Storage
from include.ticklake.model.stop_signal import StopSignal


class ConversionRoom:
    """The memory of one limit, for several threads; who waits for some gets it in turn."""

    def __init__(self, budget: Budget, *, units_at_once: int) -> None:
        self.budget = budget
        self.threads, self._max_bytes = budget.side_by_side(units_at_once)
        self._free = ByteSemaphore(self._max_bytes)
        self._turn = threading.Lock()

    @contextmanager
    def reserved(self, staged: Manifest, feed: Feed) -> Iterator[Budget]:
        """Wait for the room that *staged* needs; what its conversion may hold inside of it."""
        if self.threads == 1:
            yield self.budget
            return
        json_bytes = sum(part.json_bytes for part in staged.json.parts)
        needed_bytes = self.budget.needed_bytes(json_bytes, columns=len(feed.fields))
        with self._turn:  # else small ones would keep a large one waiting
            self._free.acquire(needed_bytes)
        try:
            is_alone = needed_bytes > self._max_bytes
            yield self.budget if is_alone else replace(self.budget, workers=1, ahead_bytes=0)
        finally:
            self._free.release(needed_bytes)


class ConvertBatch:
    """For the windows of one feed, also in several threads."""

    def __init__(
        self,
        feed: Feed,
        *,
        storage: Storage,
        room: ConversionRoom,
        is_regridding: bool = False,
        stop: StopSignal | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.room = room
        self._feed = feed
        self.stop = stop or StopSignal()
        self._version = KeptValue(
            read=lambda: schema_history.find(feed, storage=storage, is_regridding=is_regridding),
            clock=clock,
        )

    def check_columns(self) -> None:
        """``UsageError`` where the feed has more columns than fit."""
        self.room.budget.check_columns(len(self._feed.fields), feed=self._feed.name)

    def schema_version(self, *, again: bool) -> SchemaVersion:
        """The version of the feed's columns, as it is by now where it is read *again*."""
        return self._version.get(again=again)
