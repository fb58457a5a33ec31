"""How far a unit's extraction has come: saved whenever a part is whole, so a retry goes on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from include.ticklake.extract.part_writer import StagedPart, incomplete_prefix
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import Part
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit

_LISTS = ("missed", "recent_keys", "new_fields")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What is staged so far, and the page to go on with."""

    feed_digest: str
    cursor: str | None = None
    complete: bool = False
    """Nothing is left to fetch: only the commit is missing."""
    received_rows: int = 0
    outside_rows: int = 0
    duplicate_rows: int = 0
    pages: int = 0
    page_bytes: int = 0
    fetched_at_ms: int = 0
    missed: tuple[int, int] | None = None
    written: tuple[StagedPart, ...] = ()
    recent_keys: tuple[str, ...] = ()
    """Keys of the last records, where pages may overlap."""
    new_fields: tuple[str, ...] = ()
    """Names that no field reads."""

    def plus(self, **more: int) -> Checkpoint:
        """With counts added."""
        return replace(self, **{name: getattr(self, name) + n for name, n in more.items()})


def load_or_start(
    feed: Feed, work: Unit, *, base_url: str | None, now_ms: int, storage: Storage
) -> Checkpoint:
    """Where the last try of this unit stopped, or the beginning.

    What an older description of the feed fetched, or from another *base_url*, or a try
    that is older than ``limits.resume_within``, is not gone on with.
    """
    asked = f"{base_url or ''} {feed.model_dump_json(by_alias=True)}"
    digest = hashlib.sha256(asked.encode()).hexdigest()
    fresh = Checkpoint(feed_digest=digest, fetched_at_ms=now_ms)
    body = storage.read(_key(feed, work))
    if body is None:
        return fresh
    saved = _parse(body)
    oldest_ms = now_ms - int(feed.limits.resume_within.total_seconds() * 1000)
    if saved is None or saved.feed_digest != digest or saved.fetched_at_ms < oldest_ms:
        return fresh
    if saved.cursor is None and not saved.complete:  # a source that only begins at its beginning
        return fresh
    whole = all(
        storage.exists(one.temporary_key) or storage.exists(one.part.key) for one in saved.written
    )
    return saved if whole else fresh


def save(progress: Checkpoint, feed: Feed, work: Unit, *, storage: Storage) -> None:
    """Keep *progress* for the next try."""
    storage.put(
        _key(feed, work), json.dumps(msgspec.to_builtins(progress), sort_keys=True).encode()
    )


def _key(feed: Feed, work: Unit) -> str:
    return f"{incomplete_prefix(feed.name, work)}/progress.json"


def _parse(body: bytes) -> Checkpoint | None:
    """The saved progress; None if another version wrote it."""
    try:
        raw: dict[str, Any] = json.loads(body)
        written = tuple(
            StagedPart(temporary_key=one["temporary_key"], part=Part(**one["part"]))
            for one in raw["written"]
        )
        lists = {name: tuple(raw[name]) for name in _LISTS if raw[name]}
        return Checkpoint(**raw | lists | {"written": written})
    except (ValueError, TypeError, KeyError):
        return None
