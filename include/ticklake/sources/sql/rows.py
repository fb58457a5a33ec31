"""Rows of a query in, records out: every value as JSON text that loses nothing.

===================== ==================================================================
value                 JSON
===================== ==================================================================
whole number, NUMERIC a number with every digit
float                 the shortest number that is this float and no other
NaN, Infinity         text, which no number's column takes: the record is quarantined
timestamp with zone   text in UTC: ``2026-11-22T05:00:00.123456Z``
timestamp without     the same, read on the clock of ``source.timezone``; refused without
                      one; a time that this clock shows twice or never stays as it is,
                      with the zone's name, and is quarantined
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
from include.ticklake.model.nesting import MAX_LEVELS, is_too_deep
from include.ticklake.model.record import Record
from include.ticklake.model.times import TimeUnit

Row = Sequence[object]
Writer = Callable[[Any], object]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_ANY_JSON = msgspec.json.Decoder(msgspec.Raw)
_WALL_CLOCK = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.(\d+))?)?)?")
_NO_NAME = re.compile(r'["\\\x00-\x1f]|^$')

_HINTS: dict[str, str] = {
    "list": "arrays have no place in a column; let the query unnest it, or give to_json(...)",
    "tuple": "rows have no place in a column; let the query give their parts, or to_json(...)",
    "dict": "let the query give it as text, whose numbers keep their digits: CAST(... AS text)",
    "date": "a field of times that are timestamps in the database needs unit: iso",
    "timedelta": "let the query give a number, such as EXTRACT(epoch FROM ...), or text",
    "bytes": "name it in source.base64_columns, or let the query give text or a number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlColumn:
    """One column of a query, and what the feed wants of it."""

    name: str
    is_json: bool = False
    time_unit: TimeUnit | None = None
    """How the feed says that its times are written."""
    is_bool: bool = False
    is_base64: bool = False
    zone: ZoneInfo | None = None
    """What its timestamps mean where they have no zone."""


def columns(feed: Feed, names: Sequence[str], *, base64: Iterable[str] = ()) -> list[SqlColumn]:
    """The query's columns; ``FeedFileError`` where they are not what the feed reads."""
    _check_names(feed, names)
    unknown = set(base64) - set(names)
    if unknown:
        raise FeedFileError(
            f"{feed.name}: source.base64_columns names {min(unknown)!r}, {_known(names)}"
        )
    read = {name: field.source for name, field in feed.fields.items() if field.source[:1] != "$"}
    for field_name, path in read.items():
        if path.partition(".")[0] not in names:
            raise FeedFileError(f"{feed.name}: fields.{field_name} reads {path!r}, {_known(names)}")
    whole = {field.source: field for field in feed.fields.values()}
    inside = {path.partition(".")[0] for path in read.values() if "." in path}
    return [
        SqlColumn(
            name=name,
            is_json=name in inside
            or (name in whole and whole[name].field_type.sql_format == "json"),
            time_unit=next(iter(whole[name].units), None) if name in whole else None,
            is_bool=name in whole and whole[name].field_type.sql_format == "bool",
            is_base64=name in base64,
        )
        for name in names
    ]


class RowEncoder:
    """Makes records of rows that all have the same columns."""

    def __init__(self, feed: Feed, columns: Sequence[SqlColumn]) -> None:
        self._feed, self._columns = feed.name, columns
        self._writers = [_writers(column) for column in columns]
        slots = {f"c{number}": column.name for number, column in enumerate(columns)}
        # A struct's names are encoded once, and it is three times as fast as a dict.
        self._struct: Callable[..., object] = msgspec.defstruct(
            "Row", [(slot, object) for slot in slots], rename=slots, gc=False
        )

    def records(self, rows: Sequence[Row]) -> list[Record]:
        """One record for each row; ``FeedFileError`` names a column that cannot be written."""
        by_column = [
            self._written(number, values) for number, values in enumerate(zip(*rows, strict=True))
        ]
        # JSON text has no bare newline, so lines are records.
        lines = _ENCODER.encode_lines(list(map(self._struct, *by_column)))
        return list(map(Record, lines.splitlines()))

    def _written(self, number: int, values: Sequence[object]) -> Sequence[object]:
        """The values of one column as what the encoder writes exactly."""
        writers, kinds = self._writers[number], set(map(type, values))
        if foreign := kinds - writers.keys():
            raise self._refused(number, next(iter(foreign)))
        wanted = {
            kind: writer
            for kind in kinds
            if (writer := writers[kind]) and not _writes_itself(kind, values, kinds)
        }
        if not wanted:
            return values
        try:
            return [
                wanted[kind](value) if (kind := type(value)) in wanted else value
                for value in values
            ]
        except _UnsupportedValueError as wrong:
            raise FeedFileError(
                f"{self._feed}: column {self._columns[number].name!r} {wrong}"
            ) from None

    def _refused(self, number: int, kind: type) -> FeedFileError:
        names = [base.__name__ for base in kind.__mro__]
        if issubclass(kind, bytes | bytearray | memoryview):
            names = ["bytes"]
        hint = next((_HINTS[name] for name in names if name in _HINTS), "let the query give text")
        return FeedFileError(
            f"{self._feed}: column {self._columns[number].name!r} holds {names[0]}: {hint}"
        )


class _UnsupportedValueError(Exception):
    """A value has no exact JSON; the message goes on after the column's name."""


def _writers(column: SqlColumn) -> dict[type, Writer | None]:
    """What writes each kind of value; None where the encoder does it by itself."""
    found: dict[type, Writer | None] = dict.fromkeys((NoneType, int, str, bool, time, UUID))
    found |= dict.fromkeys(
        (IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface), str
    )
    found |= {Decimal: _finite, float: _finite, date: None, msgspec.Raw: _one_line}
    found[datetime] = lambda value: _instant(value, column.zone)
    if column.time_unit not in (None, "iso"):
        del found[datetime], found[date]
    if column.time_unit == "iso":
        found[date] = lambda value: _instant(datetime(*value.timetuple()[:3]), column.zone)  # noqa: DTZ001
        found[str] = lambda value: _time_text(value, column.zone)
    if column.is_json:
        found[str] = _json_text
    if column.is_bool:
        found[int] = lambda value: bool(value) if value in (0, 1) else value
    if column.is_base64:
        found |= dict.fromkeys(
            (bytes, bytearray, memoryview), lambda value: b64encode(value).decode()
        )
    return found


def _writes_itself(kind: type, values: Sequence[Any], kinds: set[type]) -> bool:
    """Whether no value of *kind* needs its writer: cheaper to ask of all than of each."""
    if kind not in (Decimal, float, datetime):
        return False
    own: Sequence[Any] = (
        values if kinds == {kind} else [value for value in values if type(value) is kind]
    )
    if kind is datetime:
        return {value.tzinfo for value in own} == {UTC}
    return all(map(Decimal.is_finite if kind is Decimal else isfinite, own))


def _finite(value: Decimal | float) -> object:
    if isinstance(value, Decimal):
        return value if value.is_finite() else str(value)
    return value if isfinite(value) else str(Decimal(value))


def _instant(value: datetime, zone: ZoneInfo | None) -> object:
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    if zone is None:
        raise _UnsupportedValueError(
            "holds timestamps without a zone: say what they mean (source.timezone: UTC), "
            "or let the query give instants"
        )
    instants = {value.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    if len(instants) > 1:
        return f"{value.isoformat()} {zone.key}"
    return instants.pop()


def _time_text(value: str, zone: ZoneInfo | None) -> object:
    """Text of a time without a zone as text with one; other text as it is."""
    found = _WALL_CLOCK.fullmatch(value)
    if not found:
        return value
    fraction = found[1]
    try:
        moment = datetime.fromisoformat(value.removesuffix(f".{fraction}") if fraction else value)
    except ValueError:
        return value
    instant = _instant(moment, zone)
    if not isinstance(instant, datetime):
        return instant
    # Digits beyond a microsecond are the converter's to judge.
    return f"{instant:%Y-%m-%dT%H:%M:%S}{f'.{fraction}' if fraction else ''}Z"


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
    by_fold: dict[str, str] = {}
    for name in names:
        other = by_fold.get(name.casefold())
        if _NO_NAME.search(name):
            raise FeedFileError(f"{feed.name}: the query gives a column {name!r}; name it with AS")
        if other is not None:
            raise FeedFileError(
                f"{feed.name}: the query gives two columns {other!r} and {name!r}; "
                "name one of them apart with AS"
            )
        by_fold[name.casefold()] = name


def _known(names: Sequence[str]) -> str:
    return f"which the query does not give; it gives: {', '.join(names)}"
