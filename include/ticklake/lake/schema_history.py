"""The versions that a feed's columns had in a lake, and which changes are allowed.

``schemas/<feed>.json`` keeps every version that the lake has files of. A change is allowed
where all of them still read as one table: an additional column, a type that holds every value
of the old one (``widens_from`` of the type), a new name with the old one in ``renamed_from``, a
column that is no longer required. Nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from include.ticklake.errors import FeedFileError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, table_schema
from include.ticklake.lake.storage import Storage

FORMAT = 1

ColumnFacts = dict[str, Any]
ColumnsByName = dict[str, ColumnFacts]
"""Columns by name, as one version of a feed describes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaVersion:
    """The version of a feed's columns in a lake."""

    number: int
    """From 1 on."""
    feed: str
    unsaved_history: tuple[ColumnsByName, ...] = ()
    """All versions, where this one is new."""

    def save(self, storage: Storage) -> None:
        """Store the history if this version is new: before its first file becomes visible."""
        # Another process that does so at the same time has the same feed and writes the same bytes.
        if self.unsaved_history:
            history = {"format": FORMAT, "feed": self.feed, "versions": self.unsaved_history}
            body = json.dumps(history, indent=1).encode() + b"\n"
            storage.put(
                layout.schema_key(self.feed), body, metadata={"Content-Type": "application/json"}
            )


def find(feed: Feed, *, storage: Storage) -> SchemaVersion:
    """Return the version of *feed*'s columns, a new one where they changed.

    ``FeedFileError`` where they do not fit what is in the lake.
    """
    versions, current = _read(feed.name, storage), describe_columns(feed)
    if versions and versions[-1] == current:
        return _version(feed.name, versions, current)
    reasons = [reason for old in versions for reason in misfits(old, feed)]
    if reasons:
        raise FeedFileError(
            f"feed {feed.name}: its fields do not fit the files that are in the lake: "
            f"{'; '.join(dict.fromkeys(reasons))}. Undo that, or give the feed a new name, or "
            f"rebuild all files from the staged JSON: {_rebuild_all(feed.name)}"
        )
    return _version(feed.name, versions, current)


def start_over(feed: Feed, *, storage: Storage) -> None:
    """Make *feed*'s columns the only version that counts: before every window is rebuilt."""
    versions, current = _read(feed.name, storage), describe_columns(feed)
    if not versions or versions[-1] != current:
        # Numbers are not used again: files of older versions stay until they are replaced.
        versions = [{} for _ in versions]
    _version(feed.name, versions, current).save(storage)


def _version(feed: str, versions: list[ColumnsByName], current: ColumnsByName) -> SchemaVersion:
    if versions and versions[-1] == current:
        return SchemaVersion(number=len(versions), feed=feed)
    history = (*versions, current)
    return SchemaVersion(number=len(history), feed=feed, unsaved_history=history)


def describe_columns(feed: Feed) -> ColumnsByName:
    """The columns of *feed*, as the history keeps them."""
    return {
        column.name: {
            "type": column.field_type.name,
            "required": column.is_required,
            "event_time": column.field.event_time,
            "was": list(column.field.renamed_from),
        }
        for column in table_schema.columns(feed)
    }


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
    for field in schema:
        name = name_in_file(batch.schema.names, feed, field.name)
        if name is None:
            arrays.append(pa.nulls(batch.num_rows, field.type))
        else:
            arrays.append(batch.column(name).cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _rebuild_all(feed: str) -> str:
    command = f"`rebuild {feed} --new-schema --start TIME --end TIME`"
    return f"{command}, from its first window to its last"


def _read(feed: str, storage: Storage) -> list[ColumnsByName]:
    key = layout.schema_key(feed)
    body = storage.read(key)
    if body is None:
        return []
    try:
        history = json.loads(body)
        if history["format"] != FORMAT:
            raise ValueError(f"format {history['format']!r}")
        return list(history["versions"])
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{storage.uri(key)} is not a feed's history ({error!r}); restore it from a "
            f"backup, or delete it and rebuild all files: {_rebuild_all(feed)}"
        ) from None
