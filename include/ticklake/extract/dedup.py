"""Duplicates of overlapping pages, recognised by their keys.

Pages overlap where a cursor is inclusive, or where a ranking shifts between two pages.
The keys of the last records are remembered, a bounded number of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Protocol

from include.ticklake.feed.feed import Feed
from include.ticklake.model import json_path
from include.ticklake.model.record import Record

REMEMBERED = 5_000
"""More than any exchange's page, so that two neighbours are always compared."""


class Duplicates(Protocol):
    """What recognises a record that an overlapping page has brought already."""

    def seen_before(self, record: Record, at_ns: int | None) -> bool:
        """Return whether *record*, of the time *at_ns*, came before; remember it."""
        ...

    def end_page(self) -> None:
        """The page is read to its end."""
        ...

    @property
    def keys(self) -> tuple[str, ...]:
        """What another process resumes with."""
        ...


class RecentKeys:
    """The keys of the last records; ``keys`` lets another process resume with them."""

    def __init__(self, feed: Feed, *, keys: Iterable[str] = ()) -> None:
        self._key_of = key_digest(feed)
        self._recent: OrderedDict[str, None] = OrderedDict.fromkeys(keys)

    def seen_before(self, record: Record, at_ns: int | None = None) -> bool:  # noqa: ARG002 - keys need no time
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

    def end_page(self) -> None:
        """The page is read to its end, which changes nothing: keys outlive it."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The remembered keys, oldest first."""
        return tuple(self._recent)


def key_digest(feed: Feed) -> Callable[[Record], str | None]:
    """A digest of a record's key fields; None for a record that lacks one.

    A value that stands for no value is none: two records without a key are not the same.
    """
    fields = [feed.fields[name] for name in feed.key]
    readers = [(json_path.finder(field.source.split(".")), field.nulls) for field in fields]

    def key(record: Record) -> str | None:
        digest = blake2b(digest_size=8)
        for find, nulls in readers:
            value = bytes(find(record) or b"")
            if nulls.matches_json(value):
                return None
            digest.update(value + b"\n")
        return digest.hexdigest()

    return key
