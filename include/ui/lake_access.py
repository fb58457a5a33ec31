"""The lake as the API server reads it: summaries and manifests by key, never a listing.

What was read is kept for a few seconds, so that a page of 50 feeds costs 50 requests once. The
opened lake is kept for a minute: its keys come from an Airflow connection, which may change.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from include.operators.access.lake import open_lake

if TYPE_CHECKING:
    from include.ticklake.lake.storage import Storage

OPEN_S = 60.0
_MOST_KEPT = 4_096

T = TypeVar("T")


class RecentValues(Generic[T]):
    """What was computed lately, by key; at most ``_MOST_KEPT`` values."""

    def __init__(self, kept_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept_s = kept_s
        self._clock = clock
        self._values: dict[object, tuple[float, T]] = {}
        self._lock = Lock()

    def get(self, key: object, compute: Callable[[], T]) -> T:
        """The value of *key*, computed where there is none or it is old."""
        now = self._clock()
        with self._lock:
            at, value = self._values.get(key, (None, None))
        if at is not None and now - at < self._kept_s:
            return value  # type: ignore[return-value]  # it was stored with its time
        computed = compute()
        with self._lock:
            if len(self._values) >= _MOST_KEPT:
                self._values.clear()
            self._values[key] = (now, computed)
        return computed

    def forget(self) -> None:
        """Compute every value again."""
        with self._lock:
            self._values.clear()


_opened: RecentValues[Storage] = RecentValues(OPEN_S)


def storage() -> Storage:
    """The lake at ``TICKLAKE_ROOT``."""
    return _opened.get("storage", lambda: open_lake().storage)


def forget() -> None:
    """Read everything again."""
    _opened.forget()
