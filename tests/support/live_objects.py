"""What a lake holds for its readers: whatever a killed run left beside that is nobody's."""

from __future__ import annotations

import re

from include.ticklake.lake import layout, manifest
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import Storage

_CHANCE = re.compile(rb'"superseded_at_ms": \d+|,\s+"conditions": \{[^}]*\}')


def live_objects(storage: Storage) -> dict[str, bytes]:
    """Every object by key, without unfinished ones and parts that no manifest names.

    Left out is what differs between two runs: when a set of parts was superseded, and whether a
    run found out what the store can do.
    """
    bodies = {key: storage.read(key) or b"" for key in storage.list("")}
    windows = [
        manifest.read(key, storage=storage)
        for key in bodies
        if key.startswith(f"{Area.MANIFESTS}/") and not layout.is_day_manifest(key)
    ]
    named = {
        part.key
        for window in windows
        if window
        for section in window.json_sections
        for part in section.parts
    }
    return {
        key: _CHANCE.sub(b"", body)
        for key, body in bodies.items()
        if not key.startswith(f"{Area.INCOMPLETE}/")
        and (key in named or not key.startswith(f"{Area.JSON}/"))
    }
