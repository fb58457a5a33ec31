"""What a record will be in the lake, for comparing those of two sources: an API and its files.

One writes ``"id": 7`` and ``"price": "1.50"``, the other ``"id": "7"`` and ``"price": "1.5"``. They
are equal where their columns would hold the same. What no column can hold is compared as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import blake2b

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FETCHED_AT, FieldSpec
from include.ticklake.model import json_path, times
from include.ticklake.model.record import Record
from include.ticklake.types.field_type import FieldType, TimeLimits
from include.ticklake.types.integer import IntegerType
from include.ticklake.types.text import TextType
from include.ticklake.types.timestamp import TimestampType
from include.ticklake.types.values import CoarseColumnError, InvalidValueError, NumberText

ReadValue = Callable[[Record], bytes | None]

_WHOLE = "="
_LONGEST_KEY = 40
_LONG_ID = 19
_ANY_TIME = TimeLimits(years=(1, 9998), first_s=0, end_s=0, is_event_time=False)
_LITERALS = {b"true": True, b"false": False}


def lake_digest(feed: Feed) -> Callable[[Record], str]:
    """A text that two records share where their keys do in the lake; of the whole without a key.

    ``record_digest.is_by_key`` tells the two apart.
    """
    readers = [_reader(feed, feed.fields[name]) for name in feed.key]

    def digest(record: Record) -> str:
        values = [read(record) for read in readers]
        if not values or None in values:
            return _WHOLE + blake2b(bytes(record), digest_size=8).hexdigest()
        joined = b"\n".join(filter(None, values))
        if len(joined) > _LONGEST_KEY:
            return blake2b(joined, digest_size=8).hexdigest()
        return joined.decode()

    return digest


def values_digest(feed: Feed) -> Callable[[Record], int]:
    """A number that two records of one key share where all their columns are the same."""
    readers = [
        _reader(feed, field)
        for field in feed.fields.values()
        if not field.key and field.source != FETCHED_AT
    ]
    return lambda record: hash(tuple(read(record) for read in readers))


def _reader(feed: Feed, field: FieldSpec) -> ReadValue:
    """A function that reads the value of *field*; None for no value."""
    find, nulls, field_type = (
        json_path.finder(field.source.split(".")),
        field.nulls,
        field.field_type,
    )
    canonical = _canonical(feed, field, field_type)

    def read(record: Record) -> bytes | None:
        text = bytes(find(record) or b"")
        if nulls.matches_json(text):
            return None
        try:
            return canonical(text)
        except (InvalidValueError, CoarseColumnError, ValueError):
            return text

    return read


def _canonical(feed: Feed, field: FieldSpec, field_type: FieldType) -> Callable[[bytes], bytes]:
    if field_type.is_raw_json or isinstance(field_type, TextType):
        return lambda text: json.dumps(json.loads(text)).encode() if b"\\" in text else text
    if isinstance(field_type, TimestampType):
        return lambda text: _instant(feed, field, text)

    is_integer = isinstance(field_type, IntegerType)

    def value(text: bytes) -> bytes:
        if is_integer:  # most keys are ids
            digits = text[1:-1] if text[:1] == b'"' else text
            if digits.isdigit() and digits[:1] != b"0" and len(digits) < _LONG_ID:
                return digits
        parsed = field_type.parse_value(_decoded(text), _ANY_TIME)
        return field_type.format_value(parsed).encode()

    return value


def _instant(feed: Feed, field: FieldSpec, text: bytes) -> bytes:
    value = str(_decoded(text))
    if field.text_times:
        instant = field.text_times.parse(value)
    else:
        instant = times.parse_any(value, field.units, years=feed.years)
    if instant is None or not instant.is_exact:
        return text
    return str(instant.ns).encode()


def _decoded(text: bytes) -> object:
    if text in _LITERALS:
        return _LITERALS[text]
    if text[:1] == b'"':
        return json.loads(text) if b"\\" in text else text[1:-1].decode()
    return NumberText(text.decode())
