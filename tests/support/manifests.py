"""Putting a manifest into a lake by hand, whatever is there."""

from __future__ import annotations

from include.ticklake.lake import manifest
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage


def put(committed: Manifest, *, storage: Storage) -> Manifest:
    """Commit *committed* in place of what is there; return it."""
    manifest.write(committed, storage=storage, expect=storage.version(committed.key))
    return committed
