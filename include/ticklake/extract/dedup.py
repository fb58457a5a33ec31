"""Duplicates of overlapping pages, recognised by their keys.

Pages overlap where a cursor is inclusive, or where a ranking shifts between two pages.
The keys of the last records are remembered, a bounded number of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from hashlib import blake2b

from include.ticklake.feed.feed import Feed
from include.ticklake.model import json_path
from include.ticklake.model.record import Record

REMEMBERED = 5_000
"""More than any exchange's page, so that two neighbours are always compared."""


class RecentKeys:
    """The keys of the last records; ``keys`` lets another process resume with them."""

    def __init__(self, feed: Feed, *, keys: Iterable[str] = ()) -> None:
        self._key_of = _key_of(feed)
        self._recent: OrderedDict[str, None] = OrderedDict.fromkeys(keys)

    def seen_before(self, record: Record) -> bool:
        """Return whether a recent record had this key, and remember it."""
        key = self._key_of(record)
        if key is None:
            return False
        if key in self._recent:
            return True
        self._recent[key] = None
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        return False

    @property
    def keys(self) -> tuple[str, ...]:
        """The remembered keys, oldest first."""
        return tuple(self._recent)


def _key_of(feed: Feed) -> Callable[[Record], str | None]:
    """A digest of a record's key fields; None for a record that lacks one."""
    finders = [json_path.finder(feed.fields[name].source.split(".")) for name in feed.key]

    def key(record: Record) -> str | None:
        digest = blake2b(digest_size=8)
        for find in finders:
            value = find(record)
            if value is None:
                return None
            digest.update(bytes(value) + b"\n")
        return digest.hexdigest()

    return key
