"""Keeps a letter for each window of a slice, year by year: the calendars of the summary.

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
from include.ticklake.lake.summary import SliceYear, WindowState
from include.ticklake.lake.summary_windows import window_members
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.model.slice import Slice
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

    One request for each unit, two for each slice and year: one where nothing changed.
    """
    years: dict[tuple[Slice, int], _Year] = {}
    for unit in units:
        place = unit.slice, unit.window.start.year
        if place not in years:
            years[place] = _Year(feed, *place, window=window, storage=storage)
        years[place].units.append(unit)
    list(map_all(_Year.read, years.values()))
    facts = dict(
        zip(
            units,
            map_all(lambda unit: read_facts(feed, unit, storage=storage), units),
            strict=True,
        )
    )
    read_again = list(map_all(lambda year: year.write(facts), years.values()))
    return facts | {unit: known for newer in read_again for unit, known in newer.items()}


@dataclass(slots=True)
class _Year:
    """The object of one slice and year, as it was read."""

    feed: str
    slice: Slice
    year: int
    window: WindowLength = field(kw_only=True)
    storage: Storage = field(kw_only=True)
    units: list[Unit] = field(default_factory=list)
    version: str | None = None
    stored: SliceYear | None = None

    @property
    def key(self) -> str:
        return summary.year_key(self.feed, self.slice, self.year)

    def read(self) -> None:
        stored = self.storage.read_versioned(self.key)
        self.version = stored.version if stored else None
        self.stored = summary.decode_year(stored.body, key=self.key) if stored else None
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
            body = summary.encode_year(changed)
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

    def _with_states(self, facts: Mapping[Unit, WindowFacts]) -> SliceYear | None:
        """The object with the states of *facts*; None where it has them already."""
        year = self.stored or SliceYear(
            feed=self.feed,
            slice=self.slice.path,
            year=self.year,
            **window_members(self.window),
            states="",
        )
        states = list(year.states)
        for unit, known in facts.items():
            index = year.index_of(unit.window.start_ms)
            states += WindowState.UNKNOWN * (index + 1 - len(states))
            states[index] = known.state
        text = "".join(states).rstrip(WindowState.UNKNOWN)
        return None if text == year.states else replace(year, states=text)


def lost_too_often(key: str, *, storage: Storage) -> RetryableError:
    """What to raise where others replaced the object in each of the attempts."""
    return RetryableError(
        f"{storage.uri(key)}: others replaced it {ATTEMPTS} times in between; run `publish` for "
        "the range again"
    )
