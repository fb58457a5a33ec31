"""The lake as the API server reads it: summaries and manifests by key, never a listing.

What was read is kept for a few seconds, so that a page of 50 feeds costs 50 requests once. The
opened lake is kept for a minute: its keys come from an Airflow connection, which may change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from include.operators.access.lake import open_lake
from include.ticklake.errors import UsageError
from include.ticklake.lake import slice_lists
from include.ticklake.lake import summary as summaries_of
from include.ticklake.lake.summary_windows import is_window

if TYPE_CHECKING:
    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake.storage import Storage
    from include.ticklake.lake.summary import FeedSummary, SliceYear
    from include.ticklake.model.slice import Slice

OPEN_S = 60.0
KEPT_S = 5.0
_READERS = 16
_MOST_KEPT = 4_096
_LAST_MS = 253_370_764_800_000
"""The year 9999: no window is later."""

T = TypeVar("T")


class RecentValues(Generic[T]):
    """What was computed lately, by key; at most ``_MOST_KEPT`` values."""

    def __init__(self, kept_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.kept_s = kept_s
        self._clock = clock
        self._values: dict[object, tuple[float, T]] = {}
        self._lock = Lock()

    def get(self, key: object, compute: Callable[[], T]) -> T:
        """The value of *key*, computed where there is none or it is old."""
        now = self._clock()
        with self._lock:
            kept = self._values.get(key)
        if kept is not None and now - kept[0] < self.kept_s:
            return kept[1]
        computed = compute()
        with self._lock:
            if len(self._values) >= _MOST_KEPT:
                self._values.clear()
            self._values[key] = (now, computed)
        return computed


_opened: RecentValues[Storage] = RecentValues(OPEN_S)
_feeds: RecentValues[FeedSummary | None] = RecentValues(KEPT_S)
_slices: RecentValues[list[Slice]] = RecentValues(KEPT_S)
_years: RecentValues[SliceYear | None] = RecentValues(KEPT_S)


def storage() -> Storage:
    """The lake at ``TICKLAKE_ROOT``."""
    return _opened.get("lake", lambda: open_lake().storage)


def summary(feed_name: str) -> FeedSummary | None:
    """The summary of a feed; None where it has none that can be read."""

    def read() -> FeedSummary | None:
        stored = summaries_of.read_feed(feed_name, storage=storage())
        return stored if stored and _is_plausible(stored) else None

    return _feeds.get(feed_name, read)


def summaries(feed_names: Iterable[str]) -> dict[str, FeedSummary | None]:
    """The summaries of several feeds, by their names; they are read at once."""
    names = list(feed_names)
    storage()  # opened once, not by each of the readers
    return dict(zip(names, _readers().map(summary, names), strict=True))


def slice_year(feed_name: str, slice_: Slice, year: int) -> SliceYear | None:
    """What became of each window of *slice_* in a UTC year; None where nothing is known."""
    read = partial(summaries_of.read_year, feed_name, slice_, year, storage=storage())
    return _years.get((feed_name, slice_, year), read)


def known_slices(feed: Feed) -> list[Slice]:
    """The slices of *feed*; where another feed lists them, those that its list has or had."""
    if not feed.slice_lists:
        return feed.all_slices

    def read() -> list[Slice]:
        try:
            known = slice_lists.with_known(feed, storage=storage(), may_lack=True)
        except UsageError:  # a damaged list: commands say so
            return []
        return [] if known.slice_lists else known.all_slices

    return _slices.get(feed.name, read)


def keep_nothing() -> None:
    """Read everything again each time: what a page costs is measured so."""
    for values in (_feeds, _slices, _years):
        values.kept_s = 0


def _is_plausible(stored: FeedSummary) -> bool:
    """Whether pages can reckon with its numbers: who may write to the lake may write anything."""
    instants = (stored.first_start_ms or 0, stored.last_end_ms or 0, stored.updated_at_ms)
    has_windows = is_window(stored.window_ms, stored.window_months)
    return has_windows and all(0 <= at < _LAST_MS for at in instants)


@cache
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_READERS, thread_name_prefix="ticklake-page")
