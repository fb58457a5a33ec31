"""How far a unit's extraction has come, saved after each completed part so that a retry resumes."""

from __future__ import annotations

import hashlib

import msgspec

from include.ticklake.extract.dedup import OverlapState
from include.ticklake.extract.part_writer import StagedPart, incomplete_prefix
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit


class OutsideTimes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Event times, in nanoseconds, of the records that lie outside the window."""

    received_first_ns: int
    oldest_ns: int
    newest_ns: int


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is staged so far, and the page to resume with."""

    feed_digest: str
    cursor: str | None = None
    complete: bool = False
    """Nothing is left to fetch: only the commit is missing."""
    received_rows: int = 0
    out_of_window_rows: int = 0
    duplicate_rows: int = 0
    pages: int = 0
    page_bytes: int = 0
    fetched_at_ms: int = 0
    lost_range: tuple[int, int] | None = None
    parts: tuple[StagedPart, ...] = ()
    outside: OutsideTimes | None = None
    """None where no record lies outside the window."""
    open_until_ns: int = 0
    """When the last candle is over that was received before it was."""
    candle_ns: int | None = None
    """When any of the received candles opened."""
    overlap: OverlapState = OverlapState()
    """The last records, where pages may overlap."""
    new_fields: tuple[str, ...] = ()
    """Names that no field reads."""

    def plus(self, **counts: int) -> Checkpoint:
        """The checkpoint with *counts* added."""
        sums = {name: getattr(self, name) + count for name, count in counts.items()}
        return msgspec.structs.replace(self, **sums)


def load_or_start(
    feed: Feed, unit: Unit, *, base_url: str | None, now_ms: int, storage: Storage
) -> Checkpoint:
    """Return the checkpoint of the last attempt at *unit*, or a new one.

    An attempt with another description of the feed, with another *base_url*, or older than
    ``limits.resume_within`` is not resumed.
    """
    description = f"{base_url or ''} {feed.model_dump_json(by_alias=True)}"
    digest = hashlib.sha256(description.encode()).hexdigest()
    start = Checkpoint(feed_digest=digest, fetched_at_ms=now_ms)
    saved = _load(_key(feed, unit), storage=storage)
    oldest_ms = now_ms - int(feed.limits.resume_within.total_seconds() * 1000)
    if saved is None or saved.feed_digest != digest or saved.fetched_at_ms < oldest_ms:
        return start
    if saved.cursor is None and not saved.complete:  # a source that cannot resume
        return start
    has_all_parts = all(
        storage.exists(staged.temporary_key) or storage.exists(staged.part.key)
        for staged in saved.parts
    )
    return saved if has_all_parts else start


def save(checkpoint: Checkpoint, feed: Feed, unit: Unit, *, storage: Storage) -> None:
    """Keep *checkpoint* for the next attempt."""
    storage.put(_key(feed, unit), msgspec.json.encode(checkpoint))


def _key(feed: Feed, unit: Unit) -> str:
    return f"{incomplete_prefix(feed.name, unit)}/progress.json"


def _load(key: str, *, storage: Storage) -> Checkpoint | None:
    """The saved checkpoint; None if there is none, or another version wrote it."""
    try:
        return msgspec.json.decode(storage.read(key) or b"", type=Checkpoint)
    except msgspec.MsgspecError:
        return None
