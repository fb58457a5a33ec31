"""The names in records that a feed reads, or ignores: all others are reported as new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FETCHED_AT
from include.ticklake.model.column_names import position_of

NameTree = dict[str, "NameTree"]
"""Names that fields read, and what they read inside; nothing inside: the whole value."""


def read_names(feed: Feed) -> NameTree:
    """The names that the fields of *feed* read, and those of its columns."""
    read: NameTree = {}
    for field in feed.fields.values():
        if field.source != FETCHED_AT:
            tree = read
            for name in field.source.split("."):
                tree = tree.setdefault(name, {})
    for name in _columns(feed):
        read.setdefault(name.rstrip("?"), {})
    return read


def is_ignored(feed: Feed, name: str) -> bool:
    """Whether *feed* says that nobody need hear of *name*."""
    return any(fnmatchcase(name, pattern) for pattern in feed.ignore)


def still_unknown(feed: Feed, names: Iterable[str]) -> tuple[str, ...]:
    """Those of *names*, with dots between those of objects, that *feed* neither reads nor ignores.

    They were found when the records were fetched; the feed may have been changed since: a value of
    an array that was reported by its position has a name once the feed's columns reach it.
    """
    read = read_names(feed)
    columns = len(_columns(feed))
    return tuple(
        name
        for name in names
        if not is_ignored(feed, name)
        and not _is_read(read, name.split("."))
        and not 0 < (position_of(name) or 0) <= columns
    )


def _columns(feed: Feed) -> Sequence[str]:
    return feed.source.array_columns or ()


def _is_read(tree: NameTree, names: list[str]) -> bool:
    for name in names:
        if name not in tree:
            return False
        tree = tree[name]
        if not tree:  # the whole value is read
            return True
    return False
