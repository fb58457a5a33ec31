"""Retention: finding the data that a feed no longer keeps, and deleting it.

Whole UTC days expire, JSON (with its quarantine) and Parquet apart. The manifests stay: they
still account for every record, and say what was removed before the first object is deleted.
So a reader or an audit never misses an object that was deleted on purpose, and a deletion that
broke off is resumed. JSON that was never converted is kept as long as its Parquet would be.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Literal

import msgspec

from include.ticklake.errors import CorruptManifestError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, manifest
from include.ticklake.lake.layout import Area, SliceDay
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

log = logging.getLogger(__name__)

ExpiredArea = Literal["json", "parquet"]
_AREAS: dict[ExpiredArea, tuple[Area, ...]] = {
    "json": (Area.JSON, Area.QUARANTINE),
    "parquet": (Area.PARQUET, Area.PENDING),
}
Cutoffs = Mapping[ExpiredArea, datetime]
"""The start of the first day that is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """The expired objects of one slice and date."""

    area: ExpiredArea
    slice_day: SliceDay
    manifests: tuple[str, ...]
    """The keys of the manifests that are to be marked."""
    objects: Mapping[str, int]
    """Keys and their bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredTotal:
    """The sums of a feed's expired objects."""

    feed: str
    area: ExpiredArea
    before: date
    """The first day that is kept."""
    windows: int
    objects: int
    bytes: int

    def cells(self) -> tuple[str, ...]:
        """A row of the table under ``HEADINGS``."""
        counts = (f"{count:,}" for count in (self.windows, self.objects, self.bytes))
        return (self.feed, self.area, self.before.isoformat(), *counts)


HEADINGS = ("feed", "what", "before", "windows", "objects", "bytes")
NUMBER_COLUMNS = (3, 4, 5)
"""Of ``HEADINGS``, those with counts."""


def cutoffs(feed: Feed, *, now: datetime) -> dict[ExpiredArea, datetime]:
    """Return the start of the first day that *feed* keeps, for each area that expires."""
    if feed.retention is None:
        return {}
    lengths: dict[ExpiredArea, timedelta | None] = {
        "parquet": feed.retention.parquet,
        "json": feed.retention.staged,
    }
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {area: midnight - length for area, length in lengths.items() if length}


def find_expired(feed: Feed, *, now: datetime, storage: Storage) -> Iterator[Expired]:
    """Yield what has expired at *now*, one slice and date at a time; nothing is deleted."""
    before = cutoffs(feed, now=now)
    for area, cutoff in before.items():
        find = _expired_parquet if area == "parquet" else _expired_json
        for slice_day in _slice_days(feed, _AREAS[area], cutoff, storage=storage):
            objects = {
                key: size
                for folder in _AREAS[area]
                for key, size in storage.sizes(
                    layout.day_folder(folder, feed.name, slice_day)
                ).items()
            }
            expired = find(feed, slice_day, objects, before, storage)
            if expired.objects:
                yield expired


def delete(expired: Iterable[Expired], *, storage: Storage) -> Iterator[Expired]:
    """Mark the manifests of each of *expired*, delete its objects, and yield it."""
    for entry in expired:
        for key in entry.manifests:
            _mark(key, entry.area, storage=storage)
        for key in entry.objects:
            storage.delete(key)
        log.info(
            "retention.deleted what=%s slice_day=%s objects=%d bytes=%d",
            entry.area, entry.slice_day.path, len(entry.objects), sum(entry.objects.values()),
        )  # fmt: skip
        yield entry


def totals(feed: Feed, expired: Iterable[Expired], *, now: datetime) -> list[ExpiredTotal]:
    """Return the sums for each area of *feed* that expires."""
    before = cutoffs(feed, now=now)
    counts = {area: [0, 0, 0] for area in before}
    for entry in expired:
        windows = [key for key in entry.manifests if not layout.is_day_manifest(key)]
        counts[entry.area][0] += len(windows)
        counts[entry.area][1] += len(entry.objects)
        counts[entry.area][2] += sum(entry.objects.values())
    return [
        ExpiredTotal(
            feed=feed.name,
            area=area,
            before=cutoff.date(),
            windows=counts[area][0],
            objects=counts[area][1],
            bytes=counts[area][2],
        )
        for area, cutoff in before.items()
    ]


def _slice_days(
    feed: Feed, areas: Iterable[Area], cutoff: datetime, *, storage: Storage
) -> Iterator[SliceDay]:
    """The slices and dates that end by *cutoff* and have a folder in one of *areas*."""
    slice_days = {
        slice_day
        for area in areas
        for slice_day in _date_folders(layout.feed_folder(area, feed.name), Slice(), storage)
    }
    yield from sorted(day for day in slice_days if day.date < cutoff.date())


def _date_folders(folder: str, slice_: Slice, storage: Storage) -> Iterator[SliceDay]:
    for name in storage.folders(folder):
        if day := layout.parse_date_folder(name):
            yield SliceDay(slice_, day)
        elif "=" in name:
            inner = Slice((*slice_.values, *Slice.parse(name).values))
            yield from _date_folders(f"{folder}/{name}", inner, storage)


def _expired_json(
    feed: Feed,
    slice_day: SliceDay,
    objects: Mapping[str, int],
    before: Cutoffs,
    storage: Storage,
) -> Expired:
    """The windows whose JSON is in the Parquet, or will never be."""
    expired = {
        name: window
        for name, window in _manifests(feed, slice_day, storage).items()
        if _is_over(name, before["json"])
        and (window.is_current or ("parquet" in before and _is_over(name, before["parquet"])))
    }
    return Expired(
        area="json",
        slice_day=slice_day,
        manifests=tuple(
            window.key
            for window in expired.values()
            if window.json.parts and not window.json.removed
        ),
        objects={k: size for k, size in objects.items() if layout.window_name(k) in expired},
    )


def _expired_parquet(
    feed: Feed,
    slice_day: SliceDay,
    objects: Mapping[str, int],
    before: Cutoffs,
    storage: Storage,
) -> Expired:
    """The windows' files, their day's file, and pending ones."""
    expired = {
        name: window
        for name, window in _manifests(feed, slice_day, storage).items()
        if _is_over(name, before["parquet"])
    }
    try:
        days = {
            key: day
            for key in storage.list(layout.day_folder(Area.MANIFESTS, feed.name, slice_day))
            if layout.is_day_manifest(key) and (day := day_manifest.read(key, storage=storage))
        }
    except CorruptManifestError as error:  # which windows are in its file is unknown
        log.error("retention.kept %s", error)
        return Expired(area="parquet", slice_day=slice_day, manifests=(), objects={})
    # The day first: from then on only windows with a file of their own are there.
    marked = [key for key, day in days.items() if not day.removed]
    marked += [
        window.key
        for window in expired.values()
        if window.parquet and window.parquet.rows and not window.parquet.removed
    ]
    # A compaction that died may have left its file and no manifest.
    names = {*expired, *(layout.day_of(Window.parse(name)).name for name in expired)}
    return Expired(
        area="parquet",
        slice_day=slice_day,
        manifests=tuple(marked),
        objects={k: size for k, size in objects.items() if layout.window_name(k) in names},
    )


def _manifests(feed: Feed, slice_day: SliceDay, storage: Storage) -> dict[str, Manifest]:
    """The manifests of the windows, by the window's name; what a damaged one names is kept."""
    manifests = {}
    for key in storage.list(layout.day_folder(Area.MANIFESTS, feed.name, slice_day)):
        try:
            if not layout.is_day_manifest(key) and (read := manifest.read(key, storage=storage)):
                manifests[read.window] = read
        except CorruptManifestError as error:
            log.error("retention.kept %s", error)
    return manifests


def _mark(key: str, area: ExpiredArea, *, storage: Storage) -> None:
    """Say in the manifest at *key* that the objects of *area* are removed."""
    if layout.is_day_manifest(key):
        if day := day_manifest.read(key, storage=storage):
            day_manifest.write(msgspec.structs.replace(day, removed=True), storage=storage)
        return
    manifest.update(key, partial(_marked, area=area), storage=storage)


def _marked(window: Manifest, area: ExpiredArea) -> Manifest | None:
    replace = msgspec.structs.replace
    if area == "json":
        return replace(window, json=replace(window.json, removed=True))
    if window.parquet:
        return replace(window, parquet=replace(window.parquet, removed=True))
    return None


def _is_over(name: str, cutoff: datetime) -> bool:
    try:
        return Window.parse(name).end <= cutoff
    except UsageError:
        return False
