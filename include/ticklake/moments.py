"""A record in, the instant it happened out: integers only, nanoseconds since 1970."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import msgspec

from include.ticklake.fields import Field, TimeUnit
from include.ticklake.records import Record
from include.ticklake.templates import UNIT_NS

_MAX_DIGITS = 20
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?")


def event_ns_of(field: Field) -> Callable[[Record], int | None]:
    """A function that reads *field* out of a record; None where it is not readable.

    Only the one value is decoded, the rest of the record is skipped.
    """
    names = field.source.split(".")
    unit = field.unit or "ms"
    shape: object = Decimal | None if unit == "float_s" else int | str | None
    for name in reversed(names):
        shape = msgspec.defstruct("At", [("value", shape, None)], rename={"value": name})
    decode = msgspec.json.Decoder(shape).decode
    scale = UNIT_NS.get(unit)

    def event_ns(record: Record) -> int | None:
        try:
            value = decode(record)
            for _ in names:
                value = value.value
        except (msgspec.MsgspecError, AttributeError):
            return None
        if scale and type(value) is int:
            return value * scale
        return parse_ns(value, unit=unit)

    return event_ns


def parse_ns(value: object, *, unit: TimeUnit) -> int | None:
    """Nanoseconds since 1970 of *value* as a source writes it; None if it is no time.

    What is finer than a nanosecond is cut off.
    """
    if unit == "iso":
        return _iso_ns(value) if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(value)
        if number.adjusted() > _MAX_DIGITS:  # 1e999999999 is valid JSON and no time
            return None
        return int(number.scaleb(9 if unit == "float_s" else len(str(UNIT_NS[unit])) - 1))
    except (InvalidOperation, ValueError, OverflowError):
        return None


def _iso_ns(text: str) -> int | None:
    found = _ISO.fullmatch(text)
    if not found:
        return None
    date, time, fraction, offset = found.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{time}{offset or '+00:00'}")
    except ValueError:
        return None
    seconds = int(moment.astimezone(UTC).timestamp())
    return seconds * 10**9 + int((fraction or "").ljust(9, "0"))
