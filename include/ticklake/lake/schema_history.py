"""A feed's columns now in, their version in this lake out, or why they may not change so.

``schemas/<feed>.json`` keeps every version that the lake has files of. A change is good
where all of them still read as one table: a column more, a type that holds all that the
old one held, a new name that says its old one (``was``). Nothing else.

================ ==========================================================================
from             to
================ ==========================================================================
int64            decimal(p,s) with 19 digits or more before the point
decimal(p,s)     decimal(P,S) with as many digits, or more, before and behind the point
timestamp[ms]    timestamp[us]; of the event time timestamp[ns] too
required         not required
================ ==========================================================================
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

_INT64_DIGITS = 19
_LAST_NS_YEAR = 2261  # 64 bits of nanoseconds end in 2262
_FINER = ("timestamp[ms]", "timestamp[us]", "timestamp[ns]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaVersion:
    """Where a feed's columns stand in a lake's history."""

    number: int
    """Of their version, from 1 on."""
    feed: str
    unwritten: tuple[ColumnsByName, ...] = ()
    """The whole history, where this version is new to it."""

    def keep(self, storage: Storage) -> None:
        """Write the history down: before the first file of a new version is seen."""
        # Who does it at the same moment has the same feed and writes the same bytes.
        if self.unwritten:
            kept = {"format": FORMAT, "feed": self.feed, "versions": self.unwritten}
            body = json.dumps(kept, indent=1).encode() + b"\n"
            storage.put(
                layout.schema_key(self.feed), body, metadata={"Content-Type": "application/json"}
            )


def find(feed: Feed, *, storage: Storage) -> SchemaVersion:
    """The place of *feed*'s columns, a new one where they changed.

    ``FeedFileError`` where they do not fit what is in the lake.
    """
    versions, now = _read(feed.name, storage), describe_columns(feed)
    if versions and versions[-1] == now:
        return _place(feed.name, versions, now)
    wrong = [told for then in versions for told in misfits(then, now, feed=feed)]
    if wrong:
        raise FeedFileError(
            f"feed {feed.name}: its fields do not fit the files that are in the lake: "
            f"{'; '.join(dict.fromkeys(wrong))}. Undo that, or give the feed a new name, or make "
            f"all files anew from the staged JSON: rebuild {feed.name} --new-schema"
        )
    return _place(feed.name, versions, now)


def renew(feed: Feed, *, storage: Storage) -> None:
    """Begin anew with *feed*'s columns as they are: for who converts every window again now."""
    versions, now = _read(feed.name, storage), describe_columns(feed)
    if not versions or versions[-1] != now:
        # Numbers stay apart: files of older versions are there until they are replaced.
        versions = [{} for _ in versions]
    _place(feed.name, versions, now).keep(storage)


def _place(feed: str, versions: list[ColumnsByName], now: ColumnsByName) -> SchemaVersion:
    if versions and versions[-1] == now:
        return SchemaVersion(number=len(versions), feed=feed)
    whole = (*versions, now)
    return SchemaVersion(number=len(whole), feed=feed, unwritten=whole)


def describe_columns(feed: Feed) -> ColumnsByName:
    """The columns of *feed*, as they are kept."""
    found = {}
    for column in table_schema.columns(feed):
        kind = column.field.type.replace(" ", "")
        if kind == "timestamp":
            kind = f"timestamp[{column.type.unit}]"
        found[column.name] = {
            "type": kind,
            "required": column.is_required,
            "event_time": column.field.event_time,
            "was": list(column.field.renamed_from),
        }
    return found


def misfits(then: ColumnsByName, now: ColumnsByName, *, feed: Feed) -> Iterator[str]:
    """Why files with the columns *then* do not read as a table with the columns *now*."""
    kept = set()
    for name, old in then.items():
        found = name if name in now else next((n for n in now if name in now[n]["was"]), None)
        if found is None:
            yield (
                f"{name} is gone (keep it, or list it in `renamed_from` of the column that "
                "replaces it)"
            )
            continue
        kept.add(found)
        new = now[found]
        if lost := set(old["was"]) - {*new["was"], found}:
            yield f"{found} no longer says that it was {', '.join(sorted(lost))}"
        if old["event_time"] != new["event_time"]:
            yield f"{found}: another column is the event time"
        if new["required"] and not old["required"]:
            yield f"{found} is required now, and older rows may lack it"
        if not _holds(new["type"], old["type"], new, feed):
            yield f"{found} was {old['type']}, which {new['type']} does not hold"
    for name in now if then else ():
        if name not in kept and now[name]["required"]:
            yield f"{name} is new and required, and older rows lack it"


def _holds(new: str, old: str, column: ColumnFacts, feed: Feed) -> bool:
    """Whether every value of the type *old* is one of *new*."""
    if new == old:
        return True
    if new in _FINER and old in _FINER:
        if _FINER.index(new) < _FINER.index(old):
            return False
        return new != "timestamp[ns]" or (column["event_time"] and feed.years[1] <= _LAST_NS_YEAR)
    wanted = (_INT64_DIGITS, 0) if old == "int64" else _digits(old)
    there = _digits(new)
    if wanted is None or there is None:
        return False
    return there[0] - there[1] >= wanted[0] - wanted[1] and there[1] >= wanted[1]


def _digits(kind: str) -> tuple[int, int] | None:
    """(precision, scale) of ``decimal(18,8)``."""
    if not kind.startswith("decimal("):
        return None
    precision, _, scale = kind.removeprefix("decimal(").removesuffix(")").partition(",")
    return int(precision), int(scale)


def name_then(names: Sequence[str], feed: Feed, name: str) -> str | None:
    """What the column *name* is called in a file that has *names*; None where it has none."""
    return next((one for one in (name, *feed.fields[name].renamed_from) if one in names), None)


def as_now(batch: pa.RecordBatch, feed: Feed) -> pa.RecordBatch:
    """A *batch* of an older file with the columns of *feed* as they are."""
    lake = table_schema.arrow_schema(feed)
    if batch.schema.equals(lake):
        return batch
    arrays = []
    for field in lake:
        name = name_then(batch.schema.names, feed, field.name)
        if name is None:
            arrays.append(pa.nulls(batch.num_rows, field.type))
        else:
            arrays.append(batch.column(name).cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=lake)


def _read(feed: str, storage: Storage) -> list[ColumnsByName]:
    key = layout.schema_key(feed)
    body = storage.read(key)
    if body is None:
        return []
    try:
        kept = json.loads(body)
        if kept["format"] != FORMAT:
            raise ValueError(f"format {kept['format']!r}")
        return list(kept["versions"])
    except (ValueError, TypeError, KeyError) as wrong:
        raise UsageError(
            f"{storage.uri(key)} is not a feed's history ({wrong!r}): put it back from where "
            f"you keep copies, or begin anew: rebuild {feed} --new-schema"
        ) from None
