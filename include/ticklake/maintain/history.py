"""The versions of a unit: the set of parts that is current, and those that it superseded.

A superseded set can be made current again until it expires. What was current is superseded then:
nothing is deleted here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from msgspec.structs import replace

from include.ticklake.errors import CorruptPartError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest, superseded_marks
from include.ticklake.lake.hashing import sha256_of_object
from include.ticklake.lake.manifest import JsonSection, Manifest, SupersededSet
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import format_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitVersion:
    """One set of parts of a unit."""

    version: int
    state: str
    """``current``, or when it was superseded."""
    rows: int
    parts: int
    parts_missing: int
    """How many of its parts are gone: 0 where it can be restored."""
    gzip_bytes: int

    def as_dict(self) -> dict[str, object]:
        """Plain JSON."""
        return asdict(self)


def history(feed: Feed, unit: Unit, *, storage: Storage) -> Iterator[UnitVersion]:
    """Yield the versions of *unit*, the current one first, then the newest.

    ``UsageError`` where it was never fetched.
    """
    found = _manifest(feed, unit, storage=storage)
    yield _version(found.json, "current", storage=storage)
    for superseded in reversed(found.superseded):
        at = format_instant(superseded.superseded_at_ms * 10**6)
        yield _version(superseded.json, f"superseded at {at}", storage=storage)


def restore(feed: Feed, unit: Unit, number: int, *, storage: Storage, now_ms: int) -> Manifest:
    """Make version *number* of *unit* the current one; return the manifest, to be converted.

    ``UsageError`` where there is no such version, or retention removed what is current;
    ``CorruptPartError`` where a part of it is gone or damaged. Nothing is changed then.
    """
    found = _manifest(feed, unit, storage=storage)
    _check_parts(_superseded(found, feed, unit, number), storage=storage)
    superseded_marks.mark(feed.name, unit, storage=storage)

    def decide(current: Manifest) -> Manifest:
        restored = _superseded(current, feed, unit, number)
        others = tuple(one for one in current.superseded if one.json.number != number)
        if current.json.parts:
            others = (*others, SupersededSet(json=current.json, superseded_at_ms=now_ms))
        free = current.free_number
        return replace(current, json=restored, superseded=others, next_part=free)

    committed = manifest.update(found.key, decide, storage=storage)
    return committed or _manifest(feed, unit, storage=storage)


def _manifest(feed: Feed, unit: Unit, *, storage: Storage) -> Manifest:
    key = layout.manifest_key(feed.name, unit.slice, unit.window)
    found = manifest.read(key, storage=storage)
    if found is None:
        raise UsageError(
            f"{feed.name} {unit}: it was never fetched; run `extract {feed.name} {unit.arguments}`"
        )
    return found


def _version(section: JsonSection, state: str, *, storage: Storage) -> UnitVersion:
    gone = [part for part in section.parts if not storage.exists(part.key)]
    return UnitVersion(
        version=section.number,
        state=f"{state}, its JSON has expired" if section.removed else state,
        rows=section.rows,
        parts=len(section.parts),
        parts_missing=len(gone),
        gzip_bytes=sum(part.gzip_bytes for part in section.parts),
    )


def _superseded(found: Manifest, feed: Feed, unit: Unit, number: int) -> JsonSection:
    if found.json.removed:
        raise UsageError(
            f"{feed.name} {unit}: retention removed the JSON of the current version, which could "
            "not be restored again; leave it as it is"
        )
    sections = {one.json.number: one.json for one in found.superseded}
    section = sections.get(number)
    if section is None or section.removed:
        others = ", ".join(map(str, sorted(sections))) or "there is none"
        raise UsageError(
            f"{feed.name} {unit}: version {number} is not one that can be restored; choose one "
            f"of those that were superseded: {others}"
        )
    return section


def _check_parts(section: JsonSection, *, storage: Storage) -> None:
    for part in section.parts:
        try:
            is_whole = sha256_of_object(part.key, storage) == part.sha256
        except FileNotFoundError:
            is_whole = False
        if not is_whole:
            raise CorruptPartError(
                f"{storage.uri(part.key)}: the part is gone or damaged; nothing was changed, "
                "choose another version"
            )
