"""Old units out of the lake, after their records are in units of another grid.

Parquet can be made again and is deleted. A manifest stays, without parts of its own: it names
those it had as superseded until they expire, so that they can be found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from msgspec.structs import replace

from include.ticklake.errors import CorruptManifestError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, grid, layout, manifest, superseded_marks
from include.ticklake.lake.grid import Grid
from include.ticklake.lake.layout import UnitKey
from include.ticklake.lake.manifest import JsonSection, Manifest, SupersededSet
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.maintain.regrid_plan import OldUnits
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window


def retire(
    feed: Feed,
    old: Iterable[OldUnits],
    versions: Mapping[str, str],
    *,
    storage: Storage,
    now_ms: int,
) -> None:
    """Retire the units whose manifests are still those of *versions*."""
    for units in old:
        for unit in units.units:
            key = layout.manifest_key(feed.name, unit.slice, unit.window)
            if key in versions:
                _retire(feed, unit, versions[key], storage=storage, now_ms=now_ms)
        if units.slice != units.target:
            storage.delete(layout.latest_key(feed.name, units.slice))
    _remove_days(feed, storage)


def _retire(feed: Feed, unit: Unit, version: str, *, storage: Storage, now_ms: int) -> None:
    key = layout.manifest_key(feed.name, unit.slice, unit.window)
    # Before the look at the manifest: what comes later is of a unit that is back.
    files = _Files(storage)
    files.note(layout.parquet_key(feed.name, unit.slice, unit.window))
    files.note(layout.quarantine_key(feed.name, unit.slice, unit.window))
    found = manifest.read_versioned(key, storage=storage)
    if found is None or found[1] != version:
        return  # fetched again meanwhile: its records are cut again first
    current = found[0]
    files.delete()
    if current.parquet and current.parquet.key and current.parquet.is_pending:
        storage.delete(current.parquet.key)
    storage.delete(layout.unfinished_key(current.feed, unit.slice, unit.window))
    if current.json.parts:
        superseded_marks.mark(feed.name, unit, storage=storage)
    with suppress(LostRaceError):
        manifest.write(_emptied(current, now_ms), storage=storage, expect=version)


class _Files:
    """Files as they were when they were noted: who wakes up late deletes no later ones."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._versions: dict[str, str] = {}

    def note(self, key: str) -> None:
        """Look at the file at *key*."""
        if (version := self._storage.version(key)) is not None:
            self._versions[key] = version

    def delete(self) -> None:
        """Delete all that are still the same."""
        for key, version in self._versions.items():
            self._storage.delete_if(key, expect=version)


def _emptied(current: Manifest, now_ms: int) -> Manifest:
    numbers = [section.number for section in current.json_sections]
    superseded = SupersededSet(json=current.json, superseded_at_ms=now_ms)
    return replace(
        current,
        json=JsonSection(
            received_rows=0,
            out_of_window_rows=0,
            duplicate_rows=0,
            pages=0,
            page_bytes=0,
            host=current.json.host,
            fetched_at_ms=None,
            parts=(),
            number=max(numbers) + 1,
        ),
        parquet=None,
        superseded=(*current.superseded, *([superseded] if current.json.parts else [])),
        next_part=current.free_number,
    )


def _remove_days(feed: Feed, storage: Storage) -> None:
    """Remove the compacted days of old units; a day's file may be that of a new window."""
    own = Grid.of(feed)
    for key in list(grid.manifests(feed.name, storage=storage)):
        if not key.is_day:
            continue
        files = _Files(storage)
        if not own.holds(key.slice, key.window):
            files.note(layout.parquet_key(feed.name, key.slice, key.window))
        files.note(str(key))  # last: without it nobody would find the file again
        if _is_of_old_units(key, own, storage):
            files.delete()


def _is_of_old_units(key: UnitKey, own: Grid, storage: Storage) -> bool:
    try:
        day = day_manifest.read(str(key), storage=storage)
    except CorruptManifestError:
        return not own.holds_key(key)
    if day is None:
        return False
    return not all(own.holds(key.slice, Window.parse(entry.window)) for entry in day.windows)
