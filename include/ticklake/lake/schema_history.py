"""The versions that a feed's columns had in a lake, and which changes are allowed.

The feed's record keeps every version that the lake has files of, and the one that the first
conversion will write. A change is allowed where all of them still read as one table: an
additional column, a type that holds every value of the old one (``widens_from`` of the type), a
new name with the old one in ``renamed_from``, a column that is no longer required. Nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import pyarrow as pa

from include.ticklake.errors import FeedFileError, RetryableError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import feed_record, layout, table_schema
from include.ticklake.lake.feed_record import FeedRecord, StoredRecord
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.table_schema import ColumnsByName

_FILES = (Area.PARQUET, Area.PENDING, Area.ICEBERG)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaVersion:
    """The version of a feed's columns in a lake; several threads may share it."""

    history: tuple[ColumnsByName, ...]
    """All versions up to this one."""
    stored: StoredRecord
    """The feed's record when it was read."""
    _saved: list[StoredRecord] = field(default_factory=list, init=False, compare=False)
    _saving: threading.Lock = field(default_factory=threading.Lock, init=False, compare=False)

    @property
    def number(self) -> int:
        """From 1 on."""
        return len(self.history)

    def save(self, storage: Storage) -> None:
        """Store the history if this version is new: before its first file becomes visible.

        ``RetryableError`` where another process stored other columns meanwhile.
        """
        with self._saving:
            if self.history != self.stored.record.versions and not self._saved:
                self._saved.append(self.stored.update(self._add_to, storage=storage))

    def _add_to(self, record: FeedRecord) -> FeedRecord:
        if record.versions not in (self.stored.record.versions, self.history):
            raise RetryableError(
                f"feed {record.feed}: another process changed its columns in the lake meanwhile; "
                "try again, with the same feed file in all of them"
            )
        return msgspec.structs.replace(record, versions=self.history)


def find(feed: Feed, *, storage: Storage, is_regridding: bool = False) -> SchemaVersion:
    """Return the version of *feed*'s columns, a new one where they changed.

    ``FeedFileError`` where they do not fit what is in the lake, ``UsageError`` where the units do
    not (``lake/feed_record.py``).
    """
    stored = feed_record.check_before_convert(feed, storage=storage, is_regridding=is_regridding)
    versions, current = stored.record.versions, table_schema.describe_columns(feed)
    if versions[-1:] == (current,):
        return SchemaVersion(history=versions, stored=stored)
    reasons = [reason for old in versions for reason in misfits(old, feed)]
    if reasons and _has_files(feed.name, storage):
        raise FeedFileError(
            f"feed {feed.name}: its fields do not fit the files that are in the lake: "
            f"{'; '.join(dict.fromkeys(reasons))}. Undo that, or give the feed a new name, or "
            f"rebuild all files from the staged JSON: {feed_record.rebuild_all(feed.name)}"
        )
    older = _without_columns(versions) if reasons else versions
    return SchemaVersion(history=(*older, current), stored=stored)


def start_over(feed: Feed, *, storage: Storage) -> None:
    """Make *feed*'s columns the only version that counts: before every window is rebuilt."""
    stored = feed_record.check_before_convert(feed, storage=storage)
    versions, current = stored.record.versions, table_schema.describe_columns(feed)
    if versions[-1:] != (current,):
        history = (*_without_columns(versions), current)
        SchemaVersion(history=history, stored=stored).save(storage)


def _without_columns(versions: Sequence[ColumnsByName]) -> Iterator[ColumnsByName]:
    """*versions* that nothing needs to fit: their numbers are not used again.

    Files of them may be there until they are replaced.
    """
    return ({} for _ in versions)


def _has_files(feed: str, storage: Storage) -> bool:
    """Whether the lake has files with rows: the first version is recorded before there are."""
    return any(any(storage.list(layout.feed_folder(area, feed))) for area in _FILES)


def misfits(old_columns: ColumnsByName, feed: Feed) -> Iterator[str]:
    """Yield the reasons why files with *old_columns* do not read as a table of *feed*."""
    columns = {column.name: column for column in table_schema.columns(feed)}
    current_names = {old: name for name, field in feed.fields.items() for old in field.renamed_from}
    kept = set()
    for old_name, old in old_columns.items():
        name = old_name if old_name in columns else current_names.get(old_name)
        if name is None:
            yield (
                f"{old_name} is gone (keep it, or list it in `renamed_from` of the column that "
                "replaces it)"
            )
            continue
        kept.add(name)
        new = columns[name]
        if lost := set(old["was"]) - {*new.field.renamed_from, name}:
            yield f"{name} no longer says that it was {', '.join(sorted(lost))}"
        if old["event_time"] != new.field.event_time:
            yield f"{name}: another column is the event time"
        if new.is_required and not old["required"]:
            yield f"{name} is required now, and older rows may lack it"
        if not new.field_type.widens_from(old["type"], new.limits):
            hint = _hint(old["type"], new)
            yield f"{name} was {old['type']}, which {new.field_type.name} does not hold{hint}"
    for name, column in columns.items() if old_columns else ():
        if name not in kept and column.is_required:
            yield f"{name} is new and required, and older rows lack it"


def _hint(old_type: str, new: table_schema.Column) -> str:
    """The line that keeps a time's range, as nanoseconds end in 2262."""
    is_finer = new.field_type.name == "timestamp[ns]" and new.field.unit != "ns"
    is_older = old_type in ("timestamp[ms]", "timestamp[us]")
    return " (set `precision: us` in the field)" if is_finer and is_older else ""


def name_in_file(names: Sequence[str], feed: Feed, name: str) -> str | None:
    """What the column *name* is called in a file that has *names*; None where it has none."""
    return next(
        (known for known in (name, *feed.fields[name].renamed_from) if known in names), None
    )


def to_current_schema(batch: pa.RecordBatch, feed: Feed) -> pa.RecordBatch:
    """A *batch* of an older file with the columns of *feed* as they are now."""
    schema = table_schema.arrow_schema(feed)
    if batch.schema.equals(schema):
        return batch
    arrays = []
    for column in schema:
        name = name_in_file(batch.schema.names, feed, column.name)
        if name is None:
            arrays.append(pa.nulls(batch.num_rows, column.type))
        else:
            arrays.append(batch.column(name).cast(column.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
