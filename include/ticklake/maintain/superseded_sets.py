"""Sets of staged JSON that newer ones superseded, once nobody is to bring them back any more.

The mark of a unit says that its manifest may name some. The manifest stops naming them first; a
part that it does not name, with a number that it has passed, can never be named again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

import msgspec

from include.ticklake.errors import CorruptManifestError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest, manifest_checks, superseded_marks
from include.ticklake.lake.layout import Area, SliceDay, UnitKey
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.expired import Expired
from include.ticklake.model.times import epoch_ns
from include.ticklake.model.unit import Unit

log = logging.getLogger(__name__)


def find(feed: Feed, cutoff: datetime, *, storage: Storage) -> Iterator[Expired]:
    """Yield the units of *feed* with sets that were superseded before *cutoff*, and their parts.

    A mark of a unit without such sets goes, too, once it is as old.
    """
    for key, info in superseded_marks.infos(feed.name, storage=storage).items():
        try:
            unit = layout.parse(key)
            window = manifest.read(_manifest_key(unit), storage=storage)
        except (UsageError, CorruptManifestError) as error:
            log.error("retention.kept %s", error)
            continue
        if window is None:
            continue
        kept = _without_expired(window, cutoff)
        objects = _unnamed(unit, kept, storage)
        if not kept.superseded and info.modified_at < cutoff:
            objects[key] = info.bytes
        yield Expired(
            area="superseded",
            slice_day=SliceDay(unit.slice, unit.window.start.date()),
            manifests=(window.key,) if kept != window else (),
            objects=objects,
        )


def delete(expired: Expired, cutoff: datetime, *, storage: Storage) -> Expired:
    """Drop the sets from the manifest of *expired*, then delete their parts and the unit's mark."""
    for key in expired.manifests:
        manifest.update(key, partial(_changed, cutoff=cutoff), storage=storage)
    deleted = {}
    for unit in {layout.unit_path(key): layout.parse(key) for key in expired.objects}.values():
        window = manifest.read(_manifest_key(unit), storage=storage)
        for key, size in _unnamed(unit, window, storage).items() if window else ():
            storage.delete(key)
            deleted[key] = size
        mark = layout.superseded_key(unit.feed, unit.slice, unit.window)
        if mark in expired.objects and superseded_marks.clear(
            unit.feed, Unit(unit.slice, unit.window), storage=storage
        ):
            deleted[mark] = expired.objects[mark]
    return replace(expired, objects=deleted)


def _without_expired(window: Manifest, cutoff: datetime) -> Manifest:
    """*window* without the sets that were superseded before *cutoff*."""
    cutoff_ms = epoch_ns(cutoff) // 10**6
    kept = tuple(one for one in window.superseded if one.superseded_at_ms >= cutoff_ms)
    if kept == window.superseded:
        return window
    # The numbers of their parts stay used.
    return msgspec.structs.replace(window, superseded=kept, next_part=window.free_number)


def _changed(window: Manifest, cutoff: datetime) -> Manifest | None:
    kept = _without_expired(window, cutoff)
    return kept if kept != window else None


def _unnamed(unit: UnitKey, window: Manifest, storage: Storage) -> dict[str, int]:
    """The parts of the unit that *window* does not name, and will never name again."""
    sections = [one.json for one in window.superseded]
    if not window.json.removed:
        sections.append(window.json)
    named = {part.key for section in sections for part in section.parts}
    folder = layout.window_folder(Area.JSON, unit.feed, unit.slice, unit.window)
    return {
        key: size
        for key, size in storage.sizes(folder).items()
        if key not in named
        and _is_part_of(key, unit)
        and manifest_checks.part_number(key) < window.free_number
    }


def _is_part_of(key: str, unit: UnitKey) -> bool:
    try:
        parsed = layout.parse(key)
    except UsageError:
        return False
    return parsed.window == unit.window


def _manifest_key(unit: UnitKey) -> str:
    return layout.manifest_key(unit.feed, unit.slice, unit.window)
