"""A feed and a moment in, what its lake need no longer keep out: told, and on demand deleted.

Whole UTC days go, JSON (with its quarantine) and Parquet apart. The manifests stay: they go
on accounting for every record, and say what was removed, before the first object is deleted.
So a reader or an audit never misses an object that is gone on purpose, and what broke off is
gone on with. JSON that was never converted is kept while its Parquet would be.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, manifest
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.window import Window

log = logging.getLogger(__name__)

ExpiredArea = Literal["json", "parquet"]
_AREAS: dict[ExpiredArea, tuple[str, ...]] = {
    "json": ("json", "quarantine"),
    "parquet": ("parquet", day_manifest.PENDING),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """What may go of one slice and date."""

    what: ExpiredArea
    place: str
    """``symbol=BTCUSDT/date=2026-11-22``."""
    manifests: tuple[str, ...]
    """The keys of the manifests that are to say so."""
    objects: Mapping[str, int]
    """Keys and their bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredTotal:
    """What goes of a feed."""

    feed: str
    what: ExpiredArea
    before: date
    """The first day that is kept."""
    windows: int
    objects: int
    bytes: int

    def line(self) -> str:
        """A row of a table."""
        return (
            f"{self.feed:24} {self.what:8} {self.before.isoformat():12} {self.windows:>10,} "
            f"{self.objects:>10,} {self.bytes:>18,}"
        )


HEAD = f"{'feed':24} {'what':8} {'before':12} {'windows':>10} {'objects':>10} {'bytes':>18}"


def kept_from(feed: Feed, *, now: datetime) -> dict[ExpiredArea, datetime]:
    """The start of the first day that is kept, for what is not kept for ever."""
    if feed.retention is None:
        return {}
    lengths: dict[ExpiredArea, timedelta | None] = {
        "parquet": feed.retention.parquet,
        "json": feed.retention.staged,
    }
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {what: midnight - length for what, length in lengths.items() if length}


def find_expired(feed: Feed, *, now: datetime, storage: Storage) -> Iterator[Expired]:
    """What is older at *now* than *feed* wants it kept; a slice and date is held at a time."""
    before = kept_from(feed, now=now)
    for what, moment in before.items():
        find = _parquet if what == "parquet" else _json
        for place in _places(feed, _AREAS[what], moment, storage=storage):
            objects = {
                key: size
                for area in _AREAS[what]
                for key, size in storage.sizes(f"{area}/{feed.name}/{place}").items()
            }
            found = find(feed, place, objects, before, storage)
            if found.objects:
                yield found


def delete(found: Iterable[Expired], *, storage: Storage) -> Iterator[Expired]:
    """Let the manifests say that it is gone, then delete it; each is passed on when it is."""
    for one in found:
        for key in one.manifests:
            _mark(key, one.what, storage=storage)
        for key in one.objects:
            storage.delete(key)
        log.info(
            "retention.deleted what=%s place=%s objects=%d bytes=%d",
            one.what, one.place, len(one.objects), sum(one.objects.values()),
        )  # fmt: skip
        yield one


def totals(feed: Feed, found: Iterable[Expired], *, now: datetime) -> list[ExpiredTotal]:
    """One for JSON and one for Parquet, where they are not kept for ever."""
    counts = {what: [0, 0, 0] for what in kept_from(feed, now=now)}
    for one in found:
        counts[one.what][0] += sum(not key.endswith(day_manifest.SUFFIX) for key in one.manifests)
        counts[one.what][1] += len(one.objects)
        counts[one.what][2] += sum(one.objects.values())
    return [
        ExpiredTotal(
            feed=feed.name,
            what=what,
            before=moment.date(),
            windows=counts[what][0],
            objects=counts[what][1],
            bytes=counts[what][2],
        )
        for what, moment in kept_from(feed, now=now).items()
    ]


def _places(
    feed: Feed, areas: Iterable[str], before: datetime, *, storage: Storage
) -> Iterator[str]:
    """The slices and dates that end by *before* and have a folder in one of *areas*."""
    last = f"date={before:%Y-%m-%d}"
    places = {place for area in areas for place in _dates(f"{area}/{feed.name}", storage)}
    yield from sorted(place for place in places if place.rpartition("/")[2] < last)


def _dates(folder: str, storage: Storage) -> Iterator[str]:
    for name in storage.folders(folder):
        if name.startswith("date="):
            yield name
        else:
            yield from (f"{name}/{inner}" for inner in _dates(f"{folder}/{name}", storage))


Before = Mapping[ExpiredArea, datetime]


def _json(
    feed: Feed, place: str, objects: Mapping[str, int], before: Before, storage: Storage
) -> Expired:
    """The windows whose JSON is in the Parquet, or will never be."""
    manifests = _manifests(feed, place, storage)
    going = {
        name: found
        for name, found in manifests.items()
        if _is_over(name, before["json"])
        and (found.is_current or ("parquet" in before and _is_over(name, before["parquet"])))
    }
    return Expired(
        what="json",
        place=place,
        manifests=tuple(
            one.key for one in going.values() if one.json.parts and not one.json.removed
        ),
        objects={key: size for key, size in objects.items() if _name(key) in going},
    )


def _parquet(
    feed: Feed, place: str, objects: Mapping[str, int], before: Before, storage: Storage
) -> Expired:
    """The windows' files and their day's, and whatever waits beside it."""
    folder = f"manifests/{feed.name}/{place}"
    going = {
        name: found
        for name, found in _manifests(feed, place, storage).items()
        if _is_over(name, before["parquet"])
    }
    compacted = [key for key in storage.list(folder) if key.endswith(day_manifest.SUFFIX)]
    found = {key: day for key in compacted if (day := day_manifest.read(key, storage=storage))}
    # The day first: from then on only what lies beside it is there.
    marked = [key for key, day in found.items() if not day.removed]
    marked += [
        one.key
        for one in going.values()
        if one.parquet and one.parquet.rows and not one.parquet.removed
    ]
    # A compaction that died may have left its file and no manifest.
    known = {*going, *(day_manifest.day_of(Window.parse(name)).name for name in going)}
    return Expired(
        what="parquet",
        place=place,
        manifests=tuple(marked),
        objects={key: size for key, size in objects.items() if _name(key) in known},
    )


def _manifests(feed: Feed, place: str, storage: Storage) -> dict[str, Manifest]:
    """By the name of the window."""
    found = {}
    for key in storage.list(f"manifests/{feed.name}/{place}"):
        if not key.endswith(day_manifest.SUFFIX) and (one := manifest.read(key, storage=storage)):
            found[one.window] = one
    return found


def _mark(key: str, what: ExpiredArea, *, storage: Storage) -> None:
    if key.endswith(day_manifest.SUFFIX):
        if day := day_manifest.read(key, storage=storage):
            day_manifest.write(replace(day, removed=True), storage=storage)
        return
    found = manifest.read(key, storage=storage)
    if found and what == "json":
        found = replace(found, json=replace(found.json, removed=True))
    elif found and found.parquet:
        found = replace(found, parquet=replace(found.parquet, removed=True))
    if found:
        manifest.write(found, storage=storage)


def _name(key: str) -> str:
    """The window in an object's name."""
    return key.rpartition("/")[2].partition(".")[0]


def _is_over(name: str, moment: datetime) -> bool:
    try:
        return Window.parse(name).end <= moment
    except UsageError:
        return False
