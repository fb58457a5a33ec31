"""The newest records of a slice as a table of texts: exactly as ``latest.json`` has them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.ticklake.lake import layout
from include.ticklake.model import json_path, times
from include.ticklake.model.sizes import KIB
from include.ticklake.model.window import format_instant
from include.ticklake.types.timestamp import TimestampType

if TYPE_CHECKING:
    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake.storage import Storage
    from include.ticklake.model.slice import Slice

MAX_BYTES = 512 * KIB
"""Of the object: publish writes 64 KiB of records, and 32 names of parts."""
MAX_ROWS = 50
MAX_COLUMNS = 40
_MAX_CHARACTERS = 120
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class RecordColumn:
    """A column, and whether its values are numbers: written as such, or as texts of digits."""

    name: str
    is_number: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestRecords:
    """Columns as the source names them, and rows, the newest first."""

    columns: list[RecordColumn]
    rows: list[list[str]]
    times: list[str]
    """When each row happened, in UTC; empty where that is not in the record."""
    more_columns: int
    records: list[Any]
    """The records themselves, the newest first; numbers are ``ExactNumber``."""


class ExactNumber(str):
    """A number of the JSON, with the digits that it has there."""

    __slots__ = ()


class UnreadableRecordsError(Exception):
    """What is stored as the newest records cannot be read."""


def newest_records(feed: Feed, slice_: Slice, *, storage: Storage) -> NewestRecords | None:
    """The newest records of *slice_*; None where it has none.

    ``UnreadableRecordsError`` where the object is not what publish writes.
    """
    try:
        with storage.open_input(layout.latest_key(feed.name, slice_)) as stream:
            body = bytes(stream.read(MAX_BYTES + 1))
    except FileNotFoundError:
        return None
    if len(body) > MAX_BYTES:
        raise UnreadableRecordsError(f"latest.json has more than {MAX_BYTES // KIB} KiB")
    return _table(feed, _records(body))


def _records(body: bytes) -> list[Any]:
    try:
        content = json.loads(
            body, parse_int=ExactNumber, parse_float=ExactNumber, parse_constant=ExactNumber
        )
    except (ValueError, RecursionError) as error:
        raise UnreadableRecordsError(f"latest.json is not JSON: {error}") from None
    records = content.get("records") if isinstance(content, dict) else None
    if not isinstance(records, list):
        raise UnreadableRecordsError("latest.json has no records")
    return records[::-1]


def _table(feed: Feed, records: list[Any]) -> NewestRecords:
    shown = [_members(feed, record) for record in records[:MAX_ROWS]]
    names = list(dict.fromkeys(name for members in shown for name in members))
    columns = names[:MAX_COLUMNS]
    rows = [[_cell(members, name) for name in columns] for members in shown]
    return NewestRecords(
        columns=[
            RecordColumn(
                _plain(name), all(_NUMBER.fullmatch(row[number]) for row in rows if row[number])
            )
            for number, name in enumerate(columns)
        ],
        rows=rows,
        times=[_time(feed, members) for members in shown],
        more_columns=len(names) - len(columns),
        records=records,
    )


def _time(feed: Feed, members: dict[str, Any]) -> str:
    _, field = feed.event_time
    field_type = field.field_type
    value: Any = members
    for name in field.source.split("."):
        value = json_path.step(value, name)
    if not isinstance(value, str) or not isinstance(field_type, TimestampType):
        return ""
    instant = times.parse_any(value, field_type.units, years=feed.years)
    return format_instant(instant.ns).replace("T", " ").rstrip("Z") if instant else ""


def _members(feed: Feed, record: object) -> dict[str, Any]:
    """The values of a record by their names in the source."""
    if isinstance(record, dict):
        return record
    if isinstance(record, list):
        names = feed.source.array_columns or []
        return {
            names[number].rstrip("?") if number < len(names) else f"[{number}]": value
            for number, value in enumerate(record)
        }
    return {"record": record}


def _cell(members: dict[str, Any], name: str) -> str:
    if name not in members:
        return ""
    value = members[name]
    if isinstance(value, str):
        return _plain(value)
    try:
        return _plain(_json(value))
    except RecursionError:
        return "…"


def _json(value: object) -> str:
    """*value* as JSON, with numbers as they were written."""
    if isinstance(value, dict):
        members = (f"{json.dumps(name)}: {_json(member)}" for name, member in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_json, value))}]"
    return value if isinstance(value, ExactNumber) else json.dumps(value, ensure_ascii=False)


def _plain(text: str) -> str:
    """*text* without lone surrogates, which no answer can hold, and not endless."""
    valid = text.encode(errors="backslashreplace").decode()
    return valid if len(valid) <= _MAX_CHARACTERS else f"{valid[:_MAX_CHARACTERS]}…"
