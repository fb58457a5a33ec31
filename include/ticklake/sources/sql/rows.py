"""Rows of a query as records: JSON text in which no value loses anything.

===================== ==================================================================
value                 JSON
===================== ==================================================================
whole number, NUMERIC a number with every digit
float                 the shortest number that is this float and no other
NaN, Infinity         text, which is not a number: the record is quarantined
timestamp with zone   text in UTC: ``2026-11-22T05:00:00.123456Z``
timestamp without     the same, in the zone ``source.timezone``, which is required; a time that
                      this zone's clock shows twice or never stays as it is, with the zone's
                      name, and is quarantined
json, jsonb           its own text; also text of a column that a ``json`` field reads
bytes                 base64 where ``source.base64_columns`` names the column, else refused
date, time, uuid, ... text
arrays, intervals     refused
===================== ==================================================================
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface
from math import isfinite
from types import NoneType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from include.ticklake.errors import FeedFileError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FieldSpec
from include.ticklake.model import time_zones
from include.ticklake.model.case_clashes import name_clashes
from include.ticklake.model.iso_times import parse_iso
from include.ticklake.model.nesting import MAX_LEVELS, is_too_deep
from include.ticklake.model.record import Record
from include.ticklake.model.time_zones import to_utc
from include.ticklake.model.times import TimeUnit
from include.ticklake.sources.sql import row_sizes
from include.ticklake.sources.sql.row_sizes import Row

Writer = Callable[[Any], object]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_MOST_JSON_PER_BYTE = 6  # \\u0000
_STRETCH = 64 * 1024
_ANY_JSON = msgspec.json.Decoder(msgspec.Raw)
_UNUSABLE_NAME = re.compile(r'["\\\x00-\x1f]|^$')

_HINTS: dict[str, str] = {
    "list": "a column cannot hold arrays; unnest it in the query, or select to_json(...)",
    "tuple": "a column cannot hold rows; select their fields, or to_json(...)",
    "dict": "select it as text, which keeps the digits of its numbers: CAST(... AS text)",
    "date": "timestamps of the database need `unit: iso` in the field",
    "timedelta": "select a number, such as EXTRACT(epoch FROM ...), or text",
    "bytes": "add it to source.base64_columns, or select text or a number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlColumn:
    """One column of a query, and how the feed reads it."""

    name: str
    is_json: bool = False
    time_unit: TimeUnit | None = None
    """The unit of its times, as the feed describes it."""
    has_format: bool = False
    """Whether its times are texts or numbers in a format of the feed's."""
    is_bool: bool = False
    is_base64: bool = False
    zone: ZoneInfo | None = None
    """The zone of its timestamps that have none."""


def columns(feed: Feed, names: Sequence[str], *, base64: Iterable[str] = ()) -> list[SqlColumn]:
    """Return the query's columns; ``FeedFileError`` where the feed reads others."""
    _check_names(feed, names)
    unknown = set(base64) - set(names)
    if unknown:
        raise FeedFileError(
            f"{feed.name}: source.base64_columns names {min(unknown)!r}, {_columns_of(names)}"
        )
    paths = {name: field.source for name, field in feed.fields.items() if field.source[:1] != "$"}
    for field_name, path in paths.items():
        if path.partition(".")[0] not in names:
            raise FeedFileError(
                f"{feed.name}: fields.{field_name} reads {path!r}, {_columns_of(names)}"
            )
    fields = {field.source: field for field in feed.fields.values()}
    objects = {path.partition(".")[0] for path in paths.values() if "." in path}
    return [
        SqlColumn(
            name=name,
            is_json=name in objects
            or (name in fields and fields[name].field_type.sql_format == "json"),
            time_unit=next(iter(fields[name].units), None) if name in fields else None,
            has_format=name in fields and fields[name].format is not None,
            is_bool=name in fields and fields[name].field_type.sql_format == "bool",
            is_base64=name in base64,
            zone=_zone(fields.get(name)),
        )
        for name in names
    ]


def _zone(field: FieldSpec | None) -> ZoneInfo | None:
    return time_zones.zone(field.timezone) if field and field.timezone else None


class RowEncoder:
    """Encodes rows of the same columns as records."""

    def __init__(self, feed: Feed, columns: Sequence[SqlColumn]) -> None:
        self._feed, self._columns = feed.name, columns
        self._writers = [_writers(column) for column in columns]
        slots = {f"c{number}": column.name for number, column in enumerate(columns)}
        # A struct's names are encoded once, and it is three times as fast as a dict.
        self._struct: Callable[..., object] = msgspec.defstruct(
            "Row", [(slot, object) for slot in slots], rename=slots, gc=False
        )

    def encode(self, rows: Sequence[Row]) -> list[Record]:
        """Return one record per row; ``FeedFileError`` names a column that cannot be encoded."""
        by_column = [
            self._encodable(number, values) for number, values in enumerate(zip(*rows, strict=True))
        ]
        # JSON text has no bare newline, so lines are records.
        lines = _ENCODER.encode_lines(list(map(self._struct, *by_column)))
        return list(map(Record, lines.splitlines()))

    def least_bytes(self, row: Row, *, enough: int) -> int:
        """What the JSON of *row* takes at least; counted no further than just above *enough*."""
        is_json = (column.is_json for column in self._columns)
        return row_sizes.least_json_bytes(row, is_json=is_json, enough=enough)

    def _encodable(self, number: int, values: Sequence[object]) -> Sequence[object]:
        """The values of one column in types that the encoder writes exactly."""
        writers, kinds = self._writers[number], set(map(type, values))
        if unsupported := kinds - writers.keys():
            raise self._unsupported(number, next(iter(unsupported)))
        needed = {
            kind: writer
            for kind in kinds
            if (writer := writers[kind]) and not _is_encodable(kind, values, kinds)
        }
        if not needed:
            return values
        try:
            return [
                needed[kind](value) if (kind := type(value)) in needed else value
                for value in values
            ]
        except _UnsupportedValueError as error:
            raise FeedFileError(
                f"{self._feed}: column {self._columns[number].name!r} {error}"
            ) from None

    def _unsupported(self, number: int, kind: type) -> FeedFileError:
        names = [base.__name__ for base in kind.__mro__]
        if issubclass(kind, bytes | bytearray | memoryview):
            names = ["bytes"]
        hint = next((_HINTS[name] for name in names if name in _HINTS), "select it as text")
        return FeedFileError(
            f"{self._feed}: column {self._columns[number].name!r} holds {names[0]}: {hint}"
        )


class _UnsupportedValueError(Exception):
    """A value has no exact JSON; the message continues after the column's name."""


def _writers(column: SqlColumn) -> dict[type, Writer | None]:
    """The writer of each type of value; None where the encoder writes it exactly."""
    writers: dict[type, Writer | None] = dict.fromkeys((NoneType, int, str, bool, time, UUID))
    writers |= dict.fromkeys(
        (IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface), str
    )
    writers |= {Decimal: _finite, float: _finite, date: None, msgspec.Raw: _one_line}
    writers[datetime] = lambda value: _instant(value, column.zone)
    if column.time_unit not in (None, "iso") or column.has_format:
        del writers[datetime], writers[date]
    if column.time_unit == "iso":
        writers[date] = lambda value: _instant(datetime(*value.timetuple()[:3]), column.zone)  # noqa: DTZ001
        writers[str] = lambda value: _time_text(value, column.zone)
    if column.is_json:
        writers[str] = _json_text
    if column.is_bool:
        writers[int] = lambda value: bool(value) if value in (0, 1) else value
    if column.is_base64:
        writers |= dict.fromkeys(
            (bytes, bytearray, memoryview), lambda value: b64encode(value).decode()
        )
    return writers


def _is_encodable(kind: type, values: Sequence[Any], kinds: set[type]) -> bool:
    """Whether the encoder writes all values of *kind* exactly."""
    if kind not in (Decimal, float, datetime):
        return False
    alike: Sequence[Any] = (
        values if kinds == {kind} else [value for value in values if type(value) is kind]
    )
    if kind is datetime:
        return {value.tzinfo for value in alike} == {UTC}
    return all(map(Decimal.is_finite if kind is Decimal else isfinite, alike))


def _finite(value: Decimal | float) -> object:
    if isinstance(value, Decimal):
        return value if value.is_finite() else str(value)
    return value if isfinite(value) else str(Decimal(value))


def _instant(value: datetime, zone: ZoneInfo | None) -> object:
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    if zone is None:
        raise _UnsupportedValueError(
            "holds timestamps without a zone: add their zone (source.timezone: UTC), "
            "or select timestamps with a zone"
        )
    return to_utc(value, zone) or f"{value.isoformat()} {zone.key}"


def _time_text(value: str, zone: ZoneInfo | None) -> object:
    """A time without an offset as one in UTC, with every digit; other text as it is."""
    time_text = parse_iso(value)
    if time_text is None or time_text.offset is not None:
        return value
    instant = _instant(time_text.clock, zone)
    if not isinstance(instant, datetime):
        return instant
    fraction = f".{time_text.fraction}" if time_text.fraction else ""
    return f"{instant:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _json_text(value: str) -> msgspec.Raw:
    try:
        text = value.encode()
        # The record is a level around it.
        if is_too_deep(b"[" + text + b"]"):
            raise _UnsupportedValueError(f"is nested too deep: more than {MAX_LEVELS - 1} levels")
        _ANY_JSON.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise _UnsupportedValueError(
            "holds text that is not JSON: declare its field as string"
        ) from None
    return _one_line(msgspec.Raw(text))


def _one_line(value: msgspec.Raw) -> msgspec.Raw:
    text = bytes(value)
    if b"\n" in text or b"\r" in text:
        return msgspec.Raw(msgspec.json.format(text, indent=-1))
    return value


def _check_names(feed: Feed, names: Sequence[str]) -> None:
    for name in names:
        if _UNUSABLE_NAME.search(name):
            raise FeedFileError(f"{feed.name}: the query has a column {name!r}; name it with AS")
    for first, second in name_clashes(names):
        raise FeedFileError(
            f"{feed.name}: the query has two columns {first!r} and {second!r}; "
            "rename one of them with AS"
        )


def _columns_of(names: Sequence[str]) -> str:
    return f"which is not a column of the query; its columns: {', '.join(names)}"
