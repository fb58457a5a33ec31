"""How far a unit's extraction has come, saved after each completed part so that a retry resumes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator

import msgspec

from include.ticklake.extract.dedup import OverlapState
from include.ticklake.extract.part_writer import StagedPart, incomplete_prefix
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout
from include.ticklake.lake.layout import Area
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
    received_rows: int = 0
    out_of_window_rows: int = 0
    duplicate_rows: int = 0
    filtered_rows: int = 0
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


_DECODER = msgspec.json.Decoder(Checkpoint)
_NAME = "progress.json"


_FEW_UNITS = 12
"""A request for one object costs a twelfth of one for a list."""


class SavedCheckpoints:
    """Which units of a feed have one, for a batch: it asks for each of a few, then for a list."""

    def __init__(self, feed: Feed, *, storage: Storage) -> None:
        self._feed, self._storage = feed, storage
        self._lock = threading.Lock()
        self._asked = 0
        self._keys: frozenset[str] | None = None

    def read(self, unit: Unit) -> bytes | None:
        """The text of the unit's checkpoint; None where there is none."""
        key = _key(self._feed, unit)
        with self._lock:
            self._asked += 1
            if self._asked > _FEW_UNITS and self._keys is None:
                self._keys = frozenset(self._listed())
            if self._keys is not None and key not in self._keys:
                return None
        return self._storage.read(key)

    def _listed(self) -> Iterator[str]:
        folder = layout.incomplete(layout.feed_folder(Area.JSON, self._feed.name))
        return (key for key in self._storage.list(folder) if key.endswith(f"/{_NAME}"))


def digest_of(feed: Feed, *, base_url: str | None) -> str:
    """What a checkpoint is for: the description of the feed, and where it is fetched."""
    description = f"{base_url or ''} {feed.model_dump_json(by_alias=True)}"
    return hashlib.sha256(description.encode()).hexdigest()


def load_or_start(
    feed: Feed,
    unit: Unit,
    *,
    digest: str,
    now_ms: int,
    storage: Storage,
    saved_checkpoints: SavedCheckpoints | None,
) -> tuple[Checkpoint, bool]:
    """Return the checkpoint of the last attempt at *unit*, or a new one; and whether one is saved.

    An attempt with another *digest*, or older than ``limits.resume_within``, is not resumed.
    *saved_checkpoints* is None where nothing can be saved yet.
    """
    start = Checkpoint(feed_digest=digest, fetched_at_ms=now_ms)
    body = saved_checkpoints.read(unit) if saved_checkpoints else None
    if body is None:
        return start, False
    saved = _decode(body)
    oldest_ms = now_ms - int(feed.limits.resume_within.total_seconds() * 1000)
    if saved is None or saved.feed_digest != digest or saved.fetched_at_ms < oldest_ms:
        return start, True
    if saved.cursor is None:  # a source that cannot resume
        return start, True
    has_all_parts = all(
        storage.exists(staged.temporary_key) or storage.exists(staged.part.key)
        for staged in saved.parts
    )
    return (saved if has_all_parts else start), True


def save(checkpoint: Checkpoint, feed: Feed, unit: Unit, *, storage: Storage) -> None:
    """Keep *checkpoint* for the next attempt."""
    storage.put(_key(feed, unit), msgspec.json.encode(checkpoint))


def forget(feed: Feed, unit: Unit, *, storage: Storage) -> None:
    """Delete the checkpoint: before a commit, so that no later attempt commits the same again."""
    storage.delete(_key(feed, unit))


def _key(feed: Feed, unit: Unit) -> str:
    return f"{incomplete_prefix(feed.name, unit)}/{_NAME}"


def _decode(body: bytes) -> Checkpoint | None:
    """The saved checkpoint; None where another version wrote it, or it was cut."""
    try:
        return _DECODER.decode(body)
    except msgspec.MsgspecError:
        return None
