"""Which units of a batch an earlier try has fetched, read from the lake: its log may be lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.ticklake.errors import CorruptManifestError

if TYPE_CHECKING:
    from include.ticklake.lake.storage import Storage
    from include.ticklake.lake.versions import ObjectInfo


def fetched_since(
    begun_ms: int, manifests: Mapping[int, str], *, storage: Storage
) -> Iterator[int]:
    """Yield the numbers of those *manifests* whose parts were all written since *begun_ms*.

    A unit without records, or whose parts were there before, may not be among them: it is fetched
    once more. The clocks are the worker's and the store's.
    """
    from include.ticklake.lake import manifest

    begun = datetime.fromtimestamp(begun_ms / 1000, UTC)
    listed: dict[str, dict[str, ObjectInfo]] = {}
    for number, key in manifests.items():
        try:
            found = manifest.read(key, storage=storage)
        except CorruptManifestError:
            continue
        keys = [part.key for part in found.json.parts] if found else []
        if keys and _are_new(keys, begun, listed, storage):
            yield number


def _are_new(
    keys: Iterable[str],
    begun: datetime,
    listed: dict[str, dict[str, ObjectInfo]],
    storage: Storage,
) -> bool:
    for key in keys:
        folder = key.rpartition("/")[0]
        if folder not in listed:
            listed.clear()  # the units of a batch are in the order of their folders
            listed[folder] = storage.infos(folder)
        info = listed[folder].get(key)
        if info is None or info.modified_at < begun:
            return False
    return True
