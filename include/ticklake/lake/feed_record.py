"""What a lake keeps of a feed as a whole: its grid, its columns so far, what the store can do.

``schemas/<feed>.json`` is read first by every command that works on the feed. It is replaced
by compare-and-swap, so that two processes which add to it at once both succeed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from include.ticklake.errors import CorruptRecordError, RetryableError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import grid, layout, table_schema
from include.ticklake.lake.grid import Grid, Regridding
from include.ticklake.lake.layout import UnitKey
from include.ticklake.lake.local_disk import LocalDisk
from include.ticklake.lake.storage import JSON_METADATA, Storage
from include.ticklake.lake.table_schema import ColumnsByName
from include.ticklake.lake.versions import LostRaceError

log = logging.getLogger(__name__)

FORMAT = 1
_TRIES = 10
"""Each lost race means that another process added something, which few do at once."""


class FeedRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The content of ``schemas/<feed>.json``; what a later version adds is passed over."""

    format: int
    feed: str
    versions: tuple[ColumnsByName, ...]
    """All that the columns ever were, the newest last."""
    grid: Grid | None = None
    """None in a lake of a version that did not record it."""
    conditions: dict[str, bool] = {}
    """Whether the store honours conditional writes, by the store's identity."""
    regridding: Regridding | None = None


_DECODER = msgspec.json.Decoder(FeedRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A record, and the version of the object that has it."""

    record: FeedRecord
    version: str | None
    """None where it is not stored."""

    @property
    def is_new(self) -> bool:
        """Whether it is not stored: then the feed has no unit and no checkpoint in the lake.

        Unless they are of a version of ticklake that kept no record.
        """
        return self.version is None

    def update(
        self, change: Callable[[FeedRecord], FeedRecord], *, storage: Storage
    ) -> StoredRecord:
        """Store what *change* makes of the record, as it is by then; *change* may raise."""
        key, stored = layout.schema_key(self.record.feed), self
        for _ in range(_TRIES):
            changed = change(stored.record)
            if changed == stored.record and stored.version is not None:
                return stored
            try:
                version = storage.put_if(
                    key, _text(changed), expect=stored.version, metadata=JSON_METADATA
                )
            except LostRaceError:
                stored = read(self.record.feed, storage=storage)
            else:
                return StoredRecord(record=changed, version=version)
        raise RetryableError(
            f"{storage.uri(key)}: other processes changed it during each of {_TRIES} attempts; "
            "try again"
        )


def read(feed: str, *, storage: Storage) -> StoredRecord:
    """The record of *feed*, an empty one where there is none; ``CorruptRecordError``."""
    key = layout.schema_key(feed)
    stored = storage.read_versioned(key)
    if stored is None:
        empty = FeedRecord(format=FORMAT, feed=feed, versions=())
        return StoredRecord(record=empty, version=None)
    try:
        record = msgspec.convert(json.loads(stored.body), _DECODER.type)
        if record.format != FORMAT or record.feed != feed:
            raise ValueError(f"format {record.format!r} of feed {record.feed!r}")
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise CorruptRecordError(
            f"{storage.uri(key)} is not a feed's history ({error!r}); restore it from a "
            f"backup, or delete it and rebuild all files: {rebuild_all(feed)}"
        ) from None
    return StoredRecord(record=record, version=stored.version)


def visible(feed: str, *, storage: Storage) -> Callable[[UnitKey], bool]:
    """Which manifests count for readers: while a feed is cut again, each record is in two."""
    try:
        record = read(feed, storage=storage).record
    except UsageError:  # which stops who writes, and nobody who reads
        return lambda _: True
    regridding = record.regridding
    return lambda key: regridding is None or not regridding.hides(key, record.grid)


def is_regridding(feed: str, *, storage: Storage) -> bool:
    """Whether *feed* is being cut again; not where its record is damaged."""
    try:
        return read(feed, storage=storage).record.regridding is not None
    except UsageError:
        return False


def check(feed: Feed, *, storage: Storage) -> FeedRecord:
    """The record of *feed* for a command that only reads, or that extracts or converts later.

    ``UsageError`` where the feed's file cuts it in other units than the lake has, or a ``regrid``
    is not done. Nothing is written.
    """
    record = read(feed.name, storage=storage).record
    _recall_conditions(record, storage)
    if record.grid is None:
        found = grid.infer(feed.name, storage=storage)
        record = msgspec.structs.replace(record, grid=found or Grid.of(feed))
    refuse_other_grid(feed, record)
    return record


def check_before_extract(feed: Feed, *, storage: Storage) -> StoredRecord:
    """``check`` for a command that adds units: call ``create`` before the first of them.

    From then on the store knows whether it honours conditions.
    """
    stored = read(feed.name, storage=storage)
    if stored.version is None:
        # In a bucket the next command looks, when it finds out about conditions: two requests.
        is_local = storage.store.identity == LocalDisk.identity
        found = grid.infer(feed.name, storage=storage) if is_local else None
        stored = _new(feed, found)
    else:
        stored = _with_conditions(stored, storage, saves=True)
        if stored.record.grid is None:
            stored = stored.update(
                lambda record: _with_grid(record, feed, storage=storage), storage=storage
            )
    refuse_other_grid(feed, stored.record)
    return stored


def create(stored: StoredRecord, feed: Feed, *, storage: Storage) -> StoredRecord:
    """Store a record that is new; another process may have done so meanwhile."""
    if not stored.is_new:
        return stored
    key, store = layout.schema_key(feed.name), storage.store
    if store.has_conditions is None:
        # Until the next look: of a feed without a record, no unit is there to be replaced.
        store.has_conditions = True
    try:
        version = storage.put_if(key, _text(stored.record), expect=None, metadata=JSON_METADATA)
    except LostRaceError:
        return check_before_extract(feed, storage=storage)
    return StoredRecord(record=stored.record, version=version)


def check_before_convert(
    feed: Feed, *, storage: Storage, is_regridding: bool = False
) -> StoredRecord:
    """``check`` for a command that replaces the Parquet of units that are there.

    From then on the store knows whether it honours conditions. What is found out is in the
    record that is returned, and is stored by its next ``update``: that is a request less.
    """
    stored = read(feed.name, storage=storage)
    if stored.is_new:
        found = grid.infer(feed.name, storage=storage)
        refuse_other_grid(feed, (new := _new(feed, found)).record)
        stored = create(new, feed, storage=storage)
    stored = _with_conditions(stored, storage, saves=False)
    stored = replace(stored, record=_with_grid(stored.record, feed, storage=storage))
    if not is_regridding:
        refuse_other_grid(feed, stored.record)
    return stored


def check_before_regrid(feed: Feed, *, storage: Storage) -> StoredRecord | None:
    """The record of *feed*, whatever its grid; None where the lake has nothing of the feed."""
    stored = read(feed.name, storage=storage)
    if stored.is_new:
        found = grid.infer(feed.name, storage=storage)
        if found is None:
            return None
        stored = create(_new(feed, found), feed, storage=storage)
    return _with_conditions(stored, storage, saves=True).update(
        lambda record: _with_grid(record, feed, storage=storage), storage=storage
    )


def refuse_other_grid(feed: Feed, record: FeedRecord) -> None:
    """Raise ``UsageError`` where the units of *feed* are not those of the lake, or are changing."""
    if record.regridding:
        raise UsageError(
            f"feed {feed.name}: its windows are being cut again; where that was interrupted, let "
            f"it finish: `regrid {feed.name}`"
        )
    lake, file = record.grid, Grid.of(feed)
    if lake is None or lake == file:
        return
    raise UsageError(
        f"feed {feed.name}: its file {lake.describe_change(file)}. Undo that, or cut what is "
        f"staged again, without the source: `{lake.command_to(file, feed=feed.name)}`"
    )


def rebuild_all(feed: str) -> str:
    """The command that writes every file of *feed* again."""
    command = f"`rebuild {feed} --new-schema --start TIME --end TIME`"
    return f"{command}, from its first window to its last"


def _new(feed: Feed, found: Grid | None) -> StoredRecord:
    """A record of what is *found*, with the columns that the first conversion will write."""
    record = FeedRecord(
        format=FORMAT,
        feed=feed.name,
        grid=found or Grid.of(feed),
        versions=(table_schema.describe_columns(feed),),
    )
    return StoredRecord(record=record, version=None)


def _with_conditions(stored: StoredRecord, storage: Storage, *, saves: bool) -> StoredRecord:
    """Let the store know whether it honours conditions, and find out where nobody has."""
    store, record = storage.store, stored.record
    if store.identity == LocalDisk.identity or _recall_conditions(record, storage):
        return stored
    honoured = storage.learn_conditions(layout.schema_key(record.feed), _text(record))
    if not honoured:
        log.warning(
            "storage.no_conditions %s ignores conditional writes: of two runs that work on the "
            "same window at once, one may undo what the other did; let one run at a time",
            storage.root_uri,
        )
    if not saves:
        return replace(stored, record=_with_condition(record, store.identity, honoured=honoured))
    # A record that was created without a look, in a lake of a version that kept none.
    found = grid.infer(record.feed, storage=storage)

    def with_findings(current: FeedRecord) -> FeedRecord:
        current = _with_condition(current, store.identity, honoured=honoured)
        if found is None or current.regridding:
            return current
        return msgspec.structs.replace(current, grid=found)

    return stored.update(with_findings, storage=storage)


def _recall_conditions(record: FeedRecord, storage: Storage) -> bool:
    """Let the store know what *record* says of its conditions; whether it says so."""
    known = record.conditions.get(storage.store.identity)
    if known is not None:
        storage.store.has_conditions = known
    return known is not None


def _with_condition(record: FeedRecord, identity: str, *, honoured: bool) -> FeedRecord:
    return msgspec.structs.replace(record, conditions=record.conditions | {identity: honoured})


def _with_grid(record: FeedRecord, feed: Feed, *, storage: Storage) -> FeedRecord:
    if record.grid is not None:
        return record
    found = grid.infer(feed.name, storage=storage)
    return msgspec.structs.replace(record, grid=found or Grid.of(feed))


def _text(record: FeedRecord) -> bytes:
    return json.dumps(msgspec.to_builtins(record), indent=1).encode() + b"\n"
