"""The JSON and Parquet of one slice and date that expired: found, marked and deleted.

What a manifest that is not marked names stays, and so do the parts of an extraction that is about
to commit. Everything else of an expired window is deleted, also what a killed run left there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime

import msgspec

from include.ticklake.errors import CorruptManifestError, RetryableError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, manifest, manifest_checks
from include.ticklake.lake.day_manifest import CompactedDay
from include.ticklake.lake.layout import Area, SliceDay
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.maintain.expired import Cutoffs, Expired, ExpiredArea
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

log = logging.getLogger(__name__)

_AREAS: dict[ExpiredArea, tuple[Area, ...]] = {
    "json": (Area.JSON, Area.QUARANTINE),
    "parquet": (Area.PARQUET, Area.PENDING),
}


def slice_days(
    feed: Feed, area: ExpiredArea, before: Cutoffs, *, storage: Storage
) -> Iterator[ExpiredDay]:
    """Yield the slices and dates that ended before the first day that *feed* keeps in *area*."""
    folders = {
        slice_day
        for folder in _AREAS[area]
        for slice_day in _date_folders(layout.feed_folder(folder, feed.name), Slice(), storage)
    }
    for slice_day in sorted(folders):
        if slice_day.date < before[area].date():
            yield ExpiredDay(
                feed=feed, area=area, slice_day=slice_day, before=before, storage=storage
            )


def _date_folders(folder: str, slice_: Slice, storage: Storage) -> Iterator[SliceDay]:
    for name in storage.folders(folder):
        if day := layout.parse_date_folder(name):
            yield SliceDay(slice_, day)
        elif "=" in name:
            inner = Slice((*slice_.values, *Slice.parse(name).values))
            yield from _date_folders(f"{folder}/{name}", inner, storage)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manifests:
    """The manifests of a slice and date that could be read."""

    windows: dict[str, Manifest]
    """By key."""
    days: dict[str, CompactedDay]
    is_day_damaged: bool = False
    """Then which windows are in the day's file is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredDay:
    """One slice and date of a feed, in one area."""

    feed: Feed
    area: ExpiredArea
    slice_day: SliceDay
    before: Cutoffs
    storage: Storage

    def find(self) -> Expired:
        """What ``delete`` would mark and delete."""
        objects, manifests = self._objects(), self._read()
        return self._expired(
            self._to_mark(manifests), self._removable(objects, manifests, is_dry_run=True)
        )

    def delete(self) -> Expired:
        """Mark the manifests, then delete what none that is not marked names.

        What is deleted is what was there before the manifests were changed, and only where it is
        still that: a task that was about to name it loses its compare-and-swap, and what is
        published from then on stays. So a kill right after a deletion does no harm.
        """
        objects = self._objects()
        manifests = self._read()
        marked = list(self._to_mark(manifests))
        candidates = self._removable(objects, manifests, is_dry_run=True)
        # The number of a part is never used twice; all other keys may be published again.
        versions = {
            key: self.storage.version(key)
            for key in candidates
            if not key.startswith(f"{Area.JSON}/")
        }
        self._mark(manifests, {*marked}, {layout.window_name(key) for key in versions})
        deleted = {
            key: size
            for key, size in self._removable(candidates, manifests).items()
            if self._delete(key, versions)
        }
        return self._expired(marked, deleted)

    def _mark(self, manifests: _Manifests, marked: Set[str], fenced: Set[str]) -> None:
        """Change the manifests of the keys *marked*, and of windows with the names *fenced*."""
        if self.area == "parquet" and not manifests.is_day_damaged:
            for key in manifests.days:
                manifests.days[key] = _mark_day(key, self.storage)
        for key, window in list(manifests.windows.items()):
            if key not in marked and window.window not in fenced:
                continue
            if changed := manifest.update(key, self._marked_or_fenced, storage=self.storage):
                manifests.windows[key] = changed
            else:  # it has not expired any more
                del manifests.windows[key]

    def _delete(self, key: str, versions: Mapping[str, str | None]) -> bool:
        """Whether the object was there; one that was published since then stays."""
        if key not in versions:
            self.storage.delete(key)
            return True
        version = versions[key]
        return version is not None and self.storage.delete_if(key, expect=version)

    def _expired(self, manifests: Iterable[str], objects: Mapping[str, int]) -> Expired:
        return Expired(
            area=self.area,
            slice_day=self.slice_day,
            manifests=tuple(manifests),
            objects=objects,
        )

    def _objects(self) -> dict[str, int]:
        return {
            key: size
            for folder in _AREAS[self.area]
            for key, size in self.storage.sizes(
                layout.day_folder(folder, self.feed.name, self.slice_day)
            ).items()
        }

    def _read(self) -> _Manifests:
        """The manifests; what a damaged one names is kept."""
        windows: dict[str, Manifest] = {}
        days: dict[str, CompactedDay] = {}
        is_day_damaged = False
        for key in self.storage.list(
            layout.day_folder(Area.MANIFESTS, self.feed.name, self.slice_day)
        ):
            try:
                if not layout.is_day_manifest(key):
                    if window := manifest.read(key, storage=self.storage):
                        windows[key] = window
                elif day := day_manifest.read(key, storage=self.storage):
                    days[key] = day
            except CorruptManifestError as error:
                log.error("retention.kept %s", error)
                is_day_damaged |= layout.is_day_manifest(key)
        return _Manifests(windows=windows, days=days, is_day_damaged=is_day_damaged)

    def _to_mark(self, manifests: _Manifests) -> Iterator[str]:
        """The keys of the manifests that do not say yet that the objects are removed.

        The day first: from then on only windows with a file of their own are there.
        """
        if self.area == "parquet":
            if manifests.is_day_damaged:
                return
            yield from (key for key, day in manifests.days.items() if not day.removed)
        for key, window in manifests.windows.items():
            if self._marked(window) is not None:
                yield key

    def _marked(self, window: Manifest) -> Manifest | None:
        """*window* where it says that its objects are removed; None where it need not."""
        replace, parquet = msgspec.structs.replace, window.parquet
        if not self._is_expired(window):
            return None
        if self.area == "json":
            if not window.json.parts or window.json.removed:
                return None
            return replace(window, json=replace(window.json, removed=True))
        if parquet is None or not parquet.rows or parquet.removed:
            return None
        return replace(window, parquet=replace(parquet, removed=True))

    def _marked_or_fenced(self, window: Manifest) -> Manifest | None:
        """*window* as another version, so that a conversion under way commits nothing it published.

        Where it has no mark to get, a number that no part ever had is left out.
        """
        marked = self._marked(window)
        if marked or not self._is_expired(window):
            return marked
        if window.is_current or not window.json.parts:
            return window  # a conversion changes it before it publishes, or publishes nothing
        return msgspec.structs.replace(window, next_part=window.free_number + 1)

    def _is_expired(self, window: Manifest) -> bool:
        """Also whether the JSON is in the Parquet, or will never be."""
        if not _is_over(window.window, self.before[self.area]):
            return False
        if self.area == "parquet" or window.is_current:
            return True
        return "parquet" in self.before and _is_over(window.window, self.before["parquet"])

    def _removable(
        self, objects: Mapping[str, int], manifests: _Manifests, *, is_dry_run: bool = False
    ) -> dict[str, int]:
        """Those of *objects* that are to go; in a dry run as if all manifests were marked."""
        windows = [one for one in manifests.windows.values() if self._is_expired(one)]
        by_name = {window.window: window for window in windows}
        if self.area == "json":
            return {
                key: size
                for key, size in objects.items()
                if (window := by_name.get(layout.window_name(key)))
                and _is_removable_json(key, window, is_dry_run=is_dry_run)
            }
        if manifests.is_day_damaged:
            return {}
        # A compaction that died may have left its file and no manifest.
        names = {*by_name, *(layout.day_of(Window.parse(name)).name for name in by_name)}
        kept: set[str | None] = set()
        if not is_dry_run:
            kept = {day.key for day in manifests.days.values() if not day.removed}
            sections = [window.parquet for window in windows]
            kept |= {one.key for one in sections if one and one.rows and not one.removed}
        return {
            key: size
            for key, size in objects.items()
            if layout.window_name(key) in names and key not in kept
        }


def _is_removable_json(key: str, window: Manifest, *, is_dry_run: bool) -> bool:
    """Whether the part or the quarantine at *key* is one that *window* does not count on."""
    try:
        area = layout.parse(key).area
    except UsageError:
        return False
    is_removed = window.json.removed or is_dry_run
    if area is not Area.JSON:
        named = window.parquet.quarantine_key if window.parquet else None
        return is_removed or key != named
    superseded = {part.key for one in window.superseded for part in one.json.parts}
    current = set() if is_removed else {part.key for part in window.json.parts}
    # A part with a greater number may be that of an extraction that is about to commit.
    return manifest_checks.part_number(key) < window.free_number and key not in superseded | current


def _mark_day(key: str, storage: Storage) -> CompactedDay:
    """Say in the manifest of a day that its file is removed, whatever it says by now."""
    for _ in range(manifest.ATTEMPTS):
        found = day_manifest.read_versioned(key, storage=storage)
        if found is None:
            break
        day, version = found
        # A compaction that is about to publish what it announced loses its race.
        removed = msgspec.structs.replace(day, removed=True, replacing=(), replacing_sha256s=())
        try:
            if day != removed:
                day_manifest.write(removed, storage=storage, expect=version)
        except LostRaceError:
            continue
        return removed
    raise RetryableError(
        f"{storage.uri(key)}: others changed it at the same time; run `retention` again"
    )


def _is_over(name: str, cutoff: datetime) -> bool:
    try:
        return Window.parse(name).end <= cutoff
    except UsageError:
        return False
