"""The memory of a lake: what its commits accounted for, and what its readers must see of it.

It looks at each manifest when it is written. It knows nothing of how commands work, only this: a
commit may replace another only with all of its records (those of a feed without keys: with as
many; of a source without history: with each of them), unless the command was told to delete; and
readers see one of the commits, never an older one than before, each record once.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from include.ticklake.lake import manifest
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.storage import Storage
from tests.crash.forgetful_source import Row, Rows, read_by


class LostError(AssertionError):
    """Something that was stored is gone, or doubled, or was never there."""


@dataclass(slots=True)
class UnitHistory:
    """The commits of one unit."""

    staged: list[Rows] = field(default_factory=list)
    """What each commit of a staged set accounted for, in their order."""
    by_digest: dict[str, int] = field(default_factory=dict)
    """The last place of each set in *staged*."""
    converted: list[tuple[int, int]] = field(default_factory=list)
    """The place in *staged* that was converted, and the feed's factor."""
    is_staged_removed: bool = False
    is_parquet_removed: bool = False
    is_replaced_now: bool = False
    """Whether the manifest says that a conversion is replacing the Parquet."""
    parquet: ParquetSection | None = None
    folder_floor: int = -1
    """The place in *staged* that folder readers saw last."""

    @property
    def newest(self) -> Rows:
        """The last staged set."""
        return self.staged[-1] if self.staged else ()

    @property
    def is_converted(self) -> bool:
        """Whether the last staged set, if there is one, was converted."""
        place = self.converted[-1][0] if self.converted else -1
        return place == len(self.staged) - 1

    def visible(
        self, *, is_open: bool, is_retired: bool, floor: int | None
    ) -> list[tuple[int, Rows]]:
        """What readers may see, with its place in *staged*.

        That is the last set that was converted; also a newer one where a conversion *is_open*,
        none where retention may have deleted it, and all from *floor* on for who looks at what
        was compacted last.
        """
        place, factor = self.converted[-1] if self.converted else (-1, 1)
        if self.is_parquet_removed or place < 0:
            seen: list[tuple[int, Rows]] = [(-1, ())]
        else:
            seen = [(place, read_by(self.staged[place], factor))]
        if is_retired:
            seen.append((place, ()))
        if not is_open and floor is None:
            return seen
        first = place if floor is None else min(floor, place)
        seen += [(-1, ())] if first < 0 else []
        seen += [
            (number, read_by(self.staged[number], factor))
            for number in range(max(first, 0), len(self.staged))
            for factor in (1, 10)
        ]
        return seen


def keeps(kind: str, old: Rows, new: Rows) -> bool:
    """Whether *new* may take the place of *old* without being told to."""
    if kind == "recent_keyless":
        return not Counter(old) - Counter(new)
    if kind == "keyless":
        return len(old) <= len(new)
    if kind == "snapshot":
        return set(old) <= set(new)
    return {row.number for row in old} <= {row.number for row in new}


class Ledger:
    """The histories of all units, by the key of their manifest."""

    def __init__(self, kind: str, storage: Storage) -> None:
        self._kind, self._storage = kind, storage
        self.units: dict[str, UnitHistory] = {}

    def of(self, key: str) -> UnitHistory:
        """The history of the unit whose manifest is at *key*."""
        return self.units.setdefault(key, UnitHistory())

    def follow(self, key: str) -> None:
        """Take the unit as it is now, with the sets that were superseded."""
        if found := manifest.read(key, storage=self._storage):
            history = self.of(key)
            for section in [*(one.json for one in found.superseded), found.json]:
                if not section.removed:
                    found = msgspec.structs.replace(found, json=section)
                    self._staged(history, found, may_lose=True)
            self.committed(key, factor=1, may_lose=True)

    def committed(self, key: str, *, factor: int, may_lose: bool) -> None:
        """The manifest at *key* was written, by a command that reads with *factor*."""
        found = manifest.read(key, storage=self._storage)
        if found is None:
            if not may_lose:
                raise LostError(f"{key}: the manifest is gone")
            del self.units[key]
            return
        history = self.of(key)
        self._staged(history, found, may_lose=may_lose)
        self._converted(history, found, factor, may_lose=may_lose)

    def _staged(self, history: UnitHistory, found: Manifest, *, may_lose: bool) -> None:
        if found.json.removed:
            if not may_lose and not history.is_staged_removed:
                raise LostError(f"{found.key}: its JSON is removed, and nobody was told to")
            history.is_staged_removed = True
            return
        rows = self._rows(found)
        was_removed, history.is_staged_removed = history.is_staged_removed, False
        place = history.by_digest.get(found.json.digest)
        if place is not None and place == len(history.staged) - 1 and rows == history.newest:
            return
        if not (may_lose or was_removed or keeps(self._kind, history.newest, rows)):
            raise LostError(f"{found.key}: {rows} took the place of {history.newest}")
        history.by_digest[found.json.digest] = len(history.staged)
        history.staged.append(rows)

    def _converted(
        self, history: UnitHistory, found: Manifest, factor: int, *, may_lose: bool
    ) -> None:
        parquet = found.parquet
        if parquet is None:
            if history.converted and not may_lose:
                raise LostError(f"{found.key}: its Parquet is no longer named")
            return
        if parquet.removed:
            if not (may_lose or history.is_parquet_removed):
                raise LostError(f"{found.key}: its Parquet is removed, and nobody was told to")
            history.is_parquet_removed = True
            return
        was_removed, history.is_parquet_removed = history.is_parquet_removed, False
        place = history.by_digest.get(parquet.parts_digest)
        before = history.parquet
        history.is_replaced_now = bool(place is None and before and parquet.sha256 == before.sha256)
        if history.is_replaced_now:
            return
        if place is None:
            raise LostError(f"{found.key}: its Parquet is of a set that was never committed")
        place_before = history.converted[-1][0] if history.converted else -1
        if place < place_before and not (may_lose or was_removed):
            raise LostError(f"{found.key}: its Parquet went back to an older set")
        if before and _is_same(parquet, before):  # another command's commit
            factor = history.converted[-1][1]
        history.converted.append((place, factor))
        history.parquet = parquet

    def _rows(self, found: Manifest) -> Rows:
        rows: list[Row] = []
        for part in found.json.parts:
            body = self._storage.read(part.key)
            if body is None:
                raise LostError(f"{found.key} names {part.key}, which is not there")
            fetched_at_ms = part.fetched_at_ms or found.json.fetched_at_ms
            rows += [
                Row(fetched_at_ms or record["t"], record["n"], record["tenfold"] // 10)
                for record in json.loads(gzip.decompress(body))
            ]
        return tuple(sorted(rows))


def _is_same(one: ParquetSection, other: ParquetSection) -> bool:
    """Whether both describe the same rows of the same parts, wherever the file is."""
    return msgspec.structs.replace(one, key=other.key, removed=other.removed) == other
