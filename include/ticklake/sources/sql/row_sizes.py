"""What a row takes: in memory, and at least in JSON, before its JSON is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from sys import getsizeof

import msgspec
from msgspec import Raw

Row = Sequence[object]

_ENCODER = msgspec.json.Encoder()
_MOST_JSON_PER_BYTE = 6  # \u0000
_STRETCH_CHARACTERS = 64 * 1024


def row_bytes(row: Row) -> int:
    """What the values of *row* take in memory."""
    # A list: a generator takes a quarter longer. A Raw gives no size of its own.
    return sum(
        [memoryview(value).nbytes if type(value) is Raw else getsizeof(value) for value in row]
    )


def least_json_bytes(row: Row, *, is_json: Iterable[bool], enough: int) -> int:
    """What the JSON of *row* takes at least; counted no further than just above *enough*.

    A text may take six times as much in JSON, which is better not made of a row that is too
    large. *is_json* says of each value whether it is JSON already.
    """
    if row_bytes(row) * _MOST_JSON_PER_BYTE <= enough:
        return 0
    total_bytes = 0
    for value, is_ready in zip(row, is_json, strict=True):
        # What is JSON is not escaped, and may lose its spaces.
        for size_bytes in () if is_ready else _sizes(value):
            total_bytes += size_bytes
            if total_bytes > enough:
                return total_bytes
    return total_bytes


def _sizes(value: object) -> Iterator[int]:
    """The bytes that one stretch of *value* after the other takes in JSON."""
    if isinstance(value, bytes | bytearray | memoryview):
        yield len(value)
    elif isinstance(value, str):
        for start in range(0, len(value), _STRETCH_CHARACTERS):
            stretch = value[start : start + _STRETCH_CHARACTERS]
            yield len(_ENCODER.encode(stretch)) - len('""')
