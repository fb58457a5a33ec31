"""A long record's text in, the values that columns read out: the rest is checked, never built.

A million numbers, names or escapes take twenty times their text as Python objects. Here a record
takes its text again, and the text of the values that a column reads. ``record_parser`` is the
definition: for those values it gives the same, and refuses the same records.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice

import msgspec

from include.ticklake.feed.read_names import NameTree
from include.ticklake.lake.table_schema import Column
from include.ticklake.model import surrogates
from include.ticklake.model.json_members import array_elements, decode_name, object_members
from include.ticklake.model.json_path import is_position
from include.ticklake.types.values import InvalidValueError, NumberText, describe

LONG_BYTES = 64 * 1024
"""Records of this length are read here."""

_LITERALS: dict[bytes, object] = {b"true": True, b"false": False, b"null": None}
_BEGINNING = re.compile(rb'"(?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u]){0,100}', re.DOTALL)
_HALF = "\ud800"
_VALIDATE = msgspec.json.Decoder(msgspec.Raw).decode


class DuplicateNames(dict[str, object]):
    """A JSON object in which some name occurs more than once."""

    def __init__(self, members: dict[str, object], occurrences: Counter[str]) -> None:
        super().__init__(members)
        self.occurrences = occurrences


def names_read(columns: Sequence[Column]) -> NameTree:
    """The names that *columns* read, and those inside of them; raw JSON is read elsewhere."""
    tree: NameTree = {}
    for column in columns:
        if column.path and not column.field_type.is_raw_json:
            inside = tree
            for name in column.path:
                inside = inside.setdefault(name, {})
    return tree


def parse_long(record: bytes, read: NameTree) -> dict[str, object]:
    """Decode what *read* names of a record; ``InvalidValueError`` unless it is an object."""
    _check_utf8(record)
    try:
        _VALIDATE(surrogates.without_halves(record))
    except msgspec.MsgspecError as error:
        raise InvalidValueError(f"not JSON: {error}") from None
    start = len(record) - len(record.lstrip(b" \t\r\n"))
    parsed = _value(record, start, len(record.rstrip(b" \t\r\n")), read)
    if not isinstance(parsed, dict):
        raise InvalidValueError(f"the record is {describe(parsed)}, not an object")
    return parsed


def _check_utf8(record: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(record), LONG_BYTES):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(record[start : start + LONG_BYTES], start + LONG_BYTES >= len(record))
        except UnicodeDecodeError as error:
            raise InvalidValueError(f"not UTF-8 at byte {start - held + error.start}") from None


def _object(text: bytes, start: int, read: NameTree) -> dict[str, object]:
    ranges: dict[str, tuple[int, int]] = {}
    occurrences: Counter[str] = Counter()
    longest = 6 * max(map(len, read)) + 2 if read else 0  # each letter as an escape, in quotes
    longest *= 2  # or as two of them
    for member, begin, end in object_members(text, start):
        if len(member) <= longest and (name := decode_name(member)) in read:
            occurrences[name] += 1
            ranges[name] = begin, end
    members = {name: _value(text, *at, read[name]) for name, at in ranges.items()}
    is_unique = occurrences.total() == len(members)
    return members if is_unique else DuplicateNames(members, occurrences)


def _value(text: bytes, start: int, end: int, read: NameTree) -> object:
    first = text[start : start + 1]
    if first == b"{":
        return _object(text, start, read)
    if first == b"[":
        return _array(text, start, read)
    if first == b'"':
        return _text(text[start:end])
    if first in b"tfn":
        return _LITERALS[text[start:end]]
    return NumberText(text[start:end].decode())


def _array(text: bytes, start: int, read: NameTree) -> list[object]:
    """The elements of an array up to the last one that is read; without any it is refused."""
    wanted = {int(name): below for name, below in read.items() if is_position(name)}
    elements = islice(array_elements(text, start), max(wanted, default=-1) + 1)
    return [
        _value(text, *at, wanted[position]) if position in wanted else None
        for position, at in enumerate(elements)
    ]


def _text(token: bytes) -> str:
    if len(token) < LONG_BYTES:
        return str(json.loads(token))
    try:
        return msgspec.json.decode(token, type=str)
    except msgspec.MsgspecError:  # half of a surrogate pair: it is refused, and its beginning shown
        match = _BEGINNING.match(token)
        return str(json.loads((match[0] if match else b'"') + b'"')) + _HALF
