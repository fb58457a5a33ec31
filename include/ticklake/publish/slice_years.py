"""Keeps a letter for each window of a slice, year by year: the calendars of the summary.

An object has the calendars of several slices, so that a run writes few of them.

An object is read before the manifests, and replaced only where it is still the one that was read.
So of two that work at once the later one has seen the manifests of both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from include.ticklake.errors import RetryableError
from include.ticklake.lake import summary
from include.ticklake.lake.storage import JSON_METADATA, Storage
from include.ticklake.lake.summary import WindowState, YearShard
from include.ticklake.lake.summary_windows import window_members
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.model.unit import Unit
from include.ticklake.model.window_length import WindowLength
from include.ticklake.publish.window_facts import WindowFacts, read_facts

ATTEMPTS = 10

Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""``map``, or that of a pool of threads."""


def update_years(
    feed: str, units: Collection[Unit], *, window: WindowLength, storage: Storage, map_all: Map
) -> dict[Unit, WindowFacts]:
    """Bring the objects of *units* to what their manifests say, and return that.

    One request for each unit, two for each object: one where nothing changed.
    """
    shards: dict[str, _Shard] = {}
    for unit in units:
        key = summary.year_key(feed, unit.slice, unit.window.start.year)
        if key not in shards:
            shards[key] = _Shard(feed, key, window=window, storage=storage)
        shards[key].units.append(unit)
    list(map_all(_Shard.read, shards.values()))
    facts = dict(
        zip(
            units,
            map_all(lambda unit: read_facts(feed, unit, storage=storage), units),
            strict=True,
        )
    )
    read_again = list(map_all(lambda shard: shard.write(facts), shards.values()))
    return facts | {unit: known for newer in read_again for unit, known in newer.items()}


@dataclass(slots=True)
class _Shard:
    """The object of some slices and one year, as it was read."""

    feed: str
    key: str
    window: WindowLength = field(kw_only=True)
    storage: Storage = field(kw_only=True)
    units: list[Unit] = field(default_factory=list)
    version: str | None = None
    stored: YearShard | None = None

    def read(self) -> None:
        stored = self.storage.read_versioned(self.key)
        self.version = stored.version if stored else None
        self.stored = summary.decode_shard(stored.body, key=self.key) if stored else None
        if self.stored and self.stored.window != self.window:  # before a `regrid`
            self.stored = None

    def write(self, facts: Mapping[Unit, WindowFacts]) -> dict[Unit, WindowFacts]:
        """Write the states of *facts*; return those that had to be read again."""
        own = {unit: facts[unit] for unit in self.units}
        newer: dict[Unit, WindowFacts] = {}
        for _ in range(ATTEMPTS):
            changed = self._with_states(own)
            if changed is None:
                return newer
            body = summary.encode_shard(changed)
            try:
                self.storage.put_if(self.key, body, expect=self.version, metadata=JSON_METADATA)
            except LostRaceError:
                self.read()
                own = newer = {
                    unit: read_facts(self.feed, unit, storage=self.storage) for unit in own
                }
            else:
                return newer
        raise lost_too_often(self.key, storage=self.storage)

    def _with_states(self, facts: Mapping[Unit, WindowFacts]) -> YearShard | None:
        """The object with the states of *facts*; None where it has them already."""
        shard = self.stored or YearShard(
            feed=self.feed,
            year=self.units[0].window.start.year,
            **window_members(self.window),
            slices={},
        )
        by_path: dict[str, list[Unit]] = {}
        for unit in facts:
            by_path.setdefault(unit.slice.path, []).append(unit)
        changed: dict[str, str] = {}
        for path, units in by_path.items():
            # Of one slice at a time: expanded, a year of minutes of thousands would be gigabytes.
            counted = shard.slices.get(path, "")
            states = list(summary.expand_states(counted))
            for unit in units:
                index = shard.index_of(unit.window.start_ms)
                states += WindowState.UNKNOWN * (index + 1 - len(states))
                states[index] = facts[unit].state
            text = summary.count_states("".join(states).rstrip(WindowState.UNKNOWN))
            if text != counted:
                changed[path] = text
        if not changed:
            return None
        slices = {path: text for path, text in (shard.slices | changed).items() if text}
        return replace(shard, slices=dict(sorted(slices.items())))


def lost_too_often(key: str, *, storage: Storage) -> RetryableError:
    """What to raise where others replaced the object in each of the attempts."""
    return RetryableError(
        f"{storage.uri(key)}: others replaced it {ATTEMPTS} times in between; run `publish` for "
        "the range again"
    )
