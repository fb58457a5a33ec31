"""Two sets of parts of one unit: what one has and the other lacks, by the records' keys.

Keys are the same where the lake's are: files write as text what an API writes as a number. Those
of one set are held as hashes, a bounded number at a time; parts that are the same in both are not
read on that side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from include.ticklake.extract.part_reader import ReadablePart
from include.ticklake.feed.feed import Feed
from include.ticklake.model.record import Record
from include.ticklake.sources.lake_values import lake_digest, values_digest
from include.ticklake.sources.record_digest import is_by_key

HELD_KEYS = 200_000
"""Hashes in memory at once: about 15 MB."""
COMPARED_VALUES = 1_000
"""Records of two sources whose other values are compared, too: a value takes as long as a key."""


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
    digest = lake_digest(feed)
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


@dataclass(slots=True)
class Overlap:
    """What two sets of one table have in common, as far as it was looked at."""

    compared: int = 0
    """Records of one key whose other values were compared."""
    differing: int = 0
    example: str | None = None
    """The key of one that has other values."""


def additions(
    feed: Feed,
    old: Sequence[ReadablePart],
    new: Sequence[ReadablePart],
    *,
    overlap: Overlap | None = None,
    held_keys: int = HELD_KEYS,
) -> Iterator[Record]:
    """Yield the records of *new* that are not in *old*, in their order.

    One without a key is as often in both together as in the set that has it more often. A feed
    without keys has one page of a source without history: its hashes are held at once.
    """
    digest, values = lake_digest(feed), values_digest(feed)
    keys = map(digest, chain.from_iterable(new))
    records = chain.from_iterable(new)
    matched: Counter[int] = Counter()
    while chunk := [hash(key) for key in islice(keys, held_keys if feed.key else None)]:
        lacking, used = Counter(chunk), matched.copy()
        compared = frozenset(chunk[: COMPARED_VALUES if overlap and not overlap.compared else 0])
        in_old: dict[int, int] = {}
        for record in chain.from_iterable(old):
            key = digest(record)
            at = hash(key)
            if is_by_key(key):
                if lacking.pop(at, None) and at in compared:
                    in_old[at] = values(record)
            elif used[at] > 0:  # the same as one of an earlier chunk
                used[at] -= 1
            elif lacking[at] > 0:
                lacking[at] -= 1
                matched[at] += 1
        for record in islice(records, len(chunk)):
            key = digest(record)
            at = hash(key)
            if overlap and at in in_old:
                overlap.compared += 1
                if values(record) != in_old.pop(at):
                    overlap.differing += 1
                    overlap.example = overlap.example or key
            if lacking.get(at, 0) > 0:
                yield record
                if not is_by_key(key):
                    lacking[at] -= 1


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
