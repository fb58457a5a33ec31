"""A feed's record, read once for all units of a batch.

It is read again where a batch takes long: a feed that is cut again meanwhile is refused then, as
it is to a command that begins.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from include.ticklake.feed.feed import Feed
from include.ticklake.lake import feed_record
from include.ticklake.lake.storage import Storage

READ_AGAIN_S = 60.0

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class KeptValue(Generic[T]):
    """What *read* returns, for several threads; it is called again where that is old."""

    read: Callable[[], T]
    clock: Callable[[], float] = time.monotonic
    lock: threading.RLock = field(default_factory=threading.RLock, init=False)
    _values: list[T] = field(default_factory=list, init=False)
    _read_s: float = field(default=0.0, init=False)

    def get(self, *, again: bool = False) -> T:
        """The value; what *read* raises is raised, and it is called again for the next."""
        with self.lock:
            if again or not self._values or self.clock() >= self._read_s + READ_AGAIN_S:
                self.replace(self.read())
            return self._values[0]

    def replace(self, value: T) -> None:
        """Keep *value* from now on."""
        self._values[:] = [value]
        self._read_s = self.clock()


class RecordToExtract:
    """The record for a batch that adds units."""

    def __init__(
        self, feed: Feed, *, storage: Storage, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._feed, self._storage = feed, storage
        self._was_new: bool | None = None
        self._kept = KeptValue(
            read=lambda: feed_record.check_before_extract(feed, storage=storage), clock=clock
        )

    def check(self) -> None:
        """``UsageError`` where the feed's units are not those of the lake."""
        record = self._kept.get()
        if self._was_new is None:
            self._was_new = record.is_new

    @property
    def was_new(self) -> bool:
        """Whether there was none when the batch began, and so nothing else of the feed."""
        return bool(self._was_new)

    def create(self) -> None:
        """Store it before the first unit is, where it is not stored yet."""
        with self._kept.lock:
            record = self._kept.get()
            if record.is_new:
                self._kept.replace(feed_record.create(record, self._feed, storage=self._storage))
