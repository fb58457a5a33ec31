"""Duplicates at the edges of pages, where the next page starts with the last instant again.

Other records may share that instant, so it is requested twice, and what came before is
dropped: by key, or by the whole record where the feed has no key. A page may hold the same
record twice; then the next one must hold it twice, too, before anything new of it counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import blake2b

from include.ticklake.extract.dedup import key_digest
from include.ticklake.feed.feed import Feed
from include.ticklake.model.record import Record

_Edge = tuple[int, Counter[str]]


class SharedEdges:
    """The records at both ends of the last page; memory is bounded by those of one instant."""

    def __init__(self, feed: Feed, *, instant_ns: int, keys: Iterable[str] = ()) -> None:
        self._digest = _record_digest(feed)
        self._instant_ns = instant_ns
        self._previous: dict[int, Counter[str]] = {}
        for key in keys:
            instant, _, digest = key.partition(":")
            self._previous.setdefault(int(instant), Counter())[digest] += 1
        self._oldest: _Edge | None = None
        self._newest: _Edge | None = None
        self._keys = tuple(keys)

    def seen_before(self, record: Record, at_ns: int | None) -> bool:
        """Return whether the page before held this record at its edge, and remember it."""
        if at_ns is None:
            return False
        instant, digest = at_ns // self._instant_ns, self._digest(record)
        if self._oldest is None or instant < self._oldest[0]:
            self._oldest = instant, Counter()
        if self._newest is None or instant > self._newest[0]:
            self._newest = instant, Counter()
        for edge, records in (self._oldest, self._newest):
            if instant == edge:
                records[digest] += 1
        before = self._previous.get(instant)
        if before is None or not before[digest]:
            return False
        before[digest] -= 1
        return True

    def end_page(self) -> None:
        """The page is read to its end: the next one may repeat its edges."""
        if self._oldest is None or self._newest is None:
            return
        self._previous = dict([self._oldest, self._newest])
        self._keys = tuple(
            f"{instant}:{digest}"
            for instant, records in self._previous.items()
            for digest in sorted(records.elements())
        )
        self._oldest = self._newest = None

    @property
    def keys(self) -> tuple[str, ...]:
        """What another process resumes with after the last page that was read to its end."""
        return self._keys


def _record_digest(feed: Feed) -> Callable[[Record], str]:
    by_key = key_digest(feed)

    def digest(record: Record) -> str:
        key = by_key(record) if feed.key else None
        return key or blake2b(bytes(record), digest_size=8).hexdigest()

    return digest
