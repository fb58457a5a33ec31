"""Duplicates at the edges of pages, where the next page starts with the last instant again.

Other records may share that instant, so it is requested twice, and what came before is
dropped: by key, or by the whole record where it has none. A page may hold the same
record twice; then the next one must hold it twice, too, before anything new of it counts.
"""

from __future__ import annotations

from collections.abc import Iterable

_Counts = dict[str, int]
"""How often each record came; plain, as a counter takes longer to make than a record to read."""


class SharedEdges:
    """The records at both ends of the last page; memory is bounded by those of one instant."""

    def __init__(self, *, instant_ns: int, keys: Iterable[str] = ()) -> None:
        self._instant_ns = instant_ns
        self._previous: dict[int, _Counts] = {}
        for key in keys:
            instant, _, digest = key.partition(":")
            _count(self._previous.setdefault(int(instant), {}), digest)
        self._keys = tuple(keys)
        self._start_page()

    def _start_page(self) -> None:
        self._oldest_at: int | None = None
        self._newest_at: int | None = None
        self._oldest: _Counts = {}
        self._newest: _Counts = {}

    def seen_before(self, digest: str, at_ns: int | None) -> bool:
        """Return whether the page before held this record at its edge, and remember it."""
        if at_ns is None:
            return False
        instant = at_ns // self._instant_ns
        if self._newest_at is None or instant > self._newest_at:
            self._newest_at, self._newest = instant, {digest: 1}
        elif instant == self._newest_at:
            _count(self._newest, digest)
        if self._oldest_at is None or instant < self._oldest_at:
            self._oldest_at, self._oldest = instant, {digest: 1}
        elif instant == self._oldest_at:
            _count(self._oldest, digest)
        before = self._previous.get(instant)
        if before is None or not before.get(digest):
            return False
        before[digest] -= 1
        return True

    def end_page(self) -> None:
        """The page is read to its end: the next one may repeat its edges."""
        if self._oldest_at is None or self._newest_at is None:
            return
        self._previous = {self._oldest_at: self._oldest, self._newest_at: self._newest}
        self._keys = tuple(
            f"{instant}:{digest}"
            for instant, records in self._previous.items()
            for digest, rows in sorted(records.items())
            for _ in range(rows)
        )
        self._start_page()

    @property
    def keys(self) -> tuple[str, ...]:
        """What another process resumes with after the last page that was read to its end."""
        return self._keys


def _count(counts: _Counts, digest: str) -> None:
    counts[digest] = counts.get(digest, 0) + 1
