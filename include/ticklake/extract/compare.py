"""Two sets of parts of one unit: what one has and the other lacks, by the records' keys.

The keys of one set are held as hashes, a bounded number at a time; parts that are the same in
both are not read on that side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from include.ticklake.extract.part_reader import ReadablePart
from include.ticklake.feed.feed import Feed
from include.ticklake.model.record import Record
from include.ticklake.sources.record_digest import is_by_key, record_digest

HELD_KEYS = 200_000
"""Hashes in memory at once: about 15 MB."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Records of a set that another one lacks."""

    rows: int
    example: str | None = None
    """The key of one of them, where records have keys."""


def missing(
    feed: Feed,
    old: Sequence[ReadablePart],
    new: Sequence[ReadablePart],
    *,
    held_keys: int = HELD_KEYS,
) -> Missing:
    """How many records of *old* are not in *new*.

    Those without a key are only counted: a source may correct any of their values.
    ``CorruptPartError`` where a part cannot be read.
    """
    if not feed.key:
        return Missing(max(_rows(old) - _rows(new), 0))
    digest = record_digest(feed)
    own = _without(old, new)
    keys = filter(is_by_key, map(digest, chain.from_iterable(own)))
    rows, example = 0, None
    while chunk := set(map(hash, islice(keys, held_keys))):
        lacking = chunk.difference(map(hash, map(digest, chain.from_iterable(new))))
        rows += len(lacking)
        if lacking and example is None:
            records = map(digest, chain.from_iterable(own))
            example = next(key for key in records if hash(key) in lacking)
    keyless = [
        sum(not is_by_key(key) for key in map(digest, chain.from_iterable(parts)))
        for parts in (own, _without(new, old))
    ]
    return Missing(rows + max(keyless[0] - keyless[1], 0), example)


def additions(
    feed: Feed, old: Sequence[ReadablePart], new: Sequence[ReadablePart]
) -> Iterator[Record]:
    """Yield the records of *new* that are not in *old*, in their order.

    One without a key is as often in both together as in the set that has it more often. Both sets
    are one page of a source without history: their hashes are held at once.
    """
    digest = record_digest(feed)
    lacking = Counter(map(hash, map(digest, chain.from_iterable(new))))
    for key in map(digest, chain.from_iterable(old)):
        if is_by_key(key):
            lacking.pop(hash(key), None)
        elif lacking[hash(key)] > 0:
            lacking[hash(key)] -= 1
    for record in chain.from_iterable(new):
        key = digest(record)
        if lacking.get(hash(key), 0) > 0:
            yield record
            if not is_by_key(key):
                lacking[hash(key)] -= 1


def _without(parts: Sequence[ReadablePart], others: Iterable[ReadablePart]) -> list[ReadablePart]:
    """Those of *parts* that are not the same as one of *others*."""
    same = Counter(other.part.sha256 for other in others)
    own = []
    for readable in parts:
        if same[readable.part.sha256] > 0:
            same[readable.part.sha256] -= 1
        else:
            own.append(readable)
    return own


def _rows(parts: Iterable[ReadablePart]) -> int:
    return sum(readable.part.rows for readable in parts)
