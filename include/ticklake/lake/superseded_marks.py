"""Marks of units whose manifests name superseded sets, for the expiry of those to find.

A mark is a small object per unit, so that one listing of the feed's finds them all. It is
written before the manifest that names the first such set, and deleted after the one that names
none any more: a mark too many costs a look at the manifest.
"""

from __future__ import annotations

import json

from include.ticklake.lake import layout, manifest
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import JSON_METADATA, Storage
from include.ticklake.lake.versions import ObjectInfo
from include.ticklake.model.unit import Unit


def mark(feed: str, unit: Unit, *, storage: Storage) -> None:
    """Note that the manifest of *unit* may name superseded sets from now on."""
    body = json.dumps({"manifest": _manifest_key(feed, unit)}).encode() + b"\n"
    storage.put(_key(feed, unit), body, metadata=JSON_METADATA)


def infos(feed: str, *, storage: Storage) -> dict[str, ObjectInfo]:
    """The keys of the feed's marks, with the age and bytes of each."""
    return storage.infos(layout.feed_folder(Area.SUPERSEDED, feed))


def clear(feed: str, unit: Unit, *, storage: Storage) -> bool:
    """Delete the mark of *unit*, unless its manifest names superseded sets; whether it did.

    An extraction that supersedes a set meanwhile has its mark again.
    """
    key = _key(feed, unit)
    stored = storage.read_versioned(key)
    if stored is None or _has_sets(feed, unit, storage):
        return False
    is_deleted = storage.delete_if(key, expect=stored.version)
    if is_deleted and _has_sets(feed, unit, storage):
        mark(feed, unit, storage=storage)
        return False
    return is_deleted


def _has_sets(feed: str, unit: Unit, storage: Storage) -> bool:
    window = manifest.read(_manifest_key(feed, unit), storage=storage)
    return window is not None and bool(window.superseded)


def _manifest_key(feed: str, unit: Unit) -> str:
    return layout.manifest_key(feed, unit.slice, unit.window)


def _key(feed: str, unit: Unit) -> str:
    return layout.superseded_key(feed, unit.slice, unit.window)
