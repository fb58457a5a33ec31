"""The chunks of a body in, blocks of whole values out: the inside of an array or of an object.

A block is cut where the separator of two values is expected, or by a scan where that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from typing import TypeVar

from include.ticklake.errors import MalformedPageError

BEGINNING_BYTES = 16 * 1024
"""What is kept of a body for the message that it may be."""

_CUT_ATTEMPTS = 4
"""How many separators are tried, from a block's end: objects inside the values have some too."""

# A string is one token, a cut one reaches to the end: brackets inside do not count.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
_COMMA = ord(",")
_SPACE = b" \t\r\n"
_ENDS = (b"}", b"]", b'"')
_BEGINNINGS = (b"{", b"[", b'"')

_Values = TypeVar("_Values")
Parse = Callable[[bytes, int], _Values]
"""Text of whole values with commas between them, and its place in the body -> those values;
``MalformedPageError`` where it is anything else."""


class Body:
    """The chunks of a body, without empty ones, the bytes read so far, and its beginning."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.bytes = 0
        self.beginning = b""

    def __iter__(self) -> Iterator[bytes]:
        # ijson reads an empty chunk as the end of input.
        for chunk in self._chunks:
            if chunk:
                if self.bytes < BEGINNING_BYTES:
                    self.beginning += chunk[: BEGINNING_BYTES - self.bytes]
                self.bytes += len(chunk)
                yield chunk


def cut_values(
    body: Body, block: bytes, parse: Parse[_Values], *, max_record_bytes: int
) -> Generator[_Values, None, bytes]:
    """Yield what *parse* makes of the values behind an opening bracket that was just read.

    Returns the remainder of the last block, from the closing bracket on.
    """
    separator, min_bytes, first = b"", 0, True
    pending, size = [block], len(block)
    for chunk in chain((b"",), body, (b"",)):
        pending.append(chunk)
        size += len(chunk)
        # A record longer than a block is scanned when it has doubled, not at every chunk;
        # but always before it is refused as too long.
        if chunk and size < min_bytes:
            continue
        block = b"".join(pending)
        expected = separator if chunk else b""  # the last block is scanned as a whole
        if expected and (cut := _cut_at_separator(block, expected, parse)):
            values, block = cut
            yield values
            min_bytes = 0
        else:
            offset = body.bytes - len(block)
            comma, close = scan(block)
            if close >= 0:
                if not (first and not block[:close].strip(_SPACE)):
                    yield parse(block[:close], offset)
                return block[close:]
            if comma >= 0:
                yield parse(block[:comma], offset)
                separator = _separator(block, comma)
                block, first = block[comma + 1 :], False
            min_bytes = min(2 * len(block), max_record_bytes + 1)
        if len(block) > max_record_bytes:
            raise too_long(body.bytes - len(block), max_record_bytes)
        pending, size = [block], len(block)
    raise ends_inside(body)


def read_object(body: Body, block: bytes, *, max_record_bytes: int) -> tuple[bytes, bytes]:
    """The text inside an object whose opening brace was just read, and what follows.

    That begins with the closing brace.
    """
    min_bytes, pending, size = 0, [block], len(block)
    for chunk in chain((b"",), body, (b"",)):
        pending.append(chunk)
        size += len(chunk)
        if chunk and size < min_bytes:
            continue
        block = b"".join(pending)
        _, close = scan(block)
        if close >= 0:
            return block[:close], block[close:]
        if len(block) > max_record_bytes:
            raise too_long(body.bytes - len(block), max_record_bytes)
        min_bytes = min(2 * len(block), max_record_bytes + 1)
        pending, size = [block], len(block)
    raise ends_inside(body)


def scan(block: bytes) -> tuple[int, int]:
    """Positions of the last comma between values and of the closing bracket, or -1."""
    depth, comma = 0, -1
    for token in _TOKEN.finditer(block):
        sign = block[token.start()]
        if sign in b"[{":
            depth += 1
        elif sign in b"]}":
            depth -= 1
            if depth < 0:
                return comma, token.start()
        elif sign == _COMMA and depth == 0:
            comma = token.start()
    return comma, -1


def too_long(offset: int, max_bytes: int) -> MalformedPageError:
    """The error for a record that is longer than the feed allows."""
    return MalformedPageError(
        f"a record at or after byte {offset} is longer than limits.max_record_bytes: {max_bytes}; "
        "raise it for records that are that long"
    )


def ends_inside(body: Body) -> MalformedPageError:
    """The error for a body that ends before its records do."""
    return MalformedPageError(f"the body ends at byte {body.bytes}, inside its records")


def _cut_at_separator(
    block: bytes, separator: bytes, parse: Parse[_Values]
) -> tuple[_Values, bytes] | None:
    """Cut at one of the last separators; None if none is between two values (nested ones).

    The cut is right if what comes before it are complete values: then it is between two of
    them, whatever follows.
    """
    comma, at = separator.index(b","), len(block)
    for _ in range(_CUT_ATTEMPTS):
        at = block.rfind(separator, 0, at)
        if at < 0:
            return None
        try:
            return parse(block[: at + comma], 0), block[at + comma + 1 :]
        except MalformedPageError:
            continue
    return None


def _separator(block: bytes, comma: int) -> bytes:
    """The signs and white space around *comma*; empty where they cannot be relied on.

    Plain numbers have nothing but the comma between them.
    """
    before, after = block[max(0, comma - 40) : comma], block[comma + 1 : comma + 41]
    left, right = before.rstrip(_SPACE), after.lstrip(_SPACE)
    ends, begins = left.endswith(_ENDS), right.startswith(_BEGINNINGS)
    if ends and begins:
        return before[len(left) - 1 :] + b"," + after[: len(after) - len(right) + 1]
    if begins and right.startswith(b'"'):  # the name of an object's next member
        return b"," + after[: len(after) - len(right) + 1]
    return b"" if ends or begins or not right else b","
