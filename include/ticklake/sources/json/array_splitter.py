"""The bytes of a JSON array in, its elements out as they were written, block by block.

``msgspec`` validates and splits whole blocks of elements at native speed. A block is cut
where the separator of two elements is expected, or by a scan where that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from itertools import chain

import msgspec

from include.ticklake.errors import MalformedPageError
from include.ticklake.model import nesting, surrogates
from include.ticklake.model.record import Record
from include.ticklake.sources.json import literals

BEGINNING_BYTES = 16 * 1024
"""What is kept of a body for the message that it may be."""

_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_AT_BYTE = re.compile(r" \(byte (\d+)\)")

# A string is one token, a cut one reaches to the end: brackets inside do not count.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
_COMMA = ord(",")
_SPACE = b" \t\r\n"


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


def split_array(
    body: Body, block: bytes, *, max_record_bytes: int
) -> Generator[list[Record], None, bytes]:
    """Yield the elements of an array whose opening bracket has just been read, in lists.

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
        if expected and (cut := _cut_at_separator(block, expected, max_bytes=max_record_bytes)):
            values, block = cut
            yield values
            min_bytes = 0
        else:
            offset = body.bytes - len(block)
            comma, close = _scan(block)
            if close >= 0:
                if not (first and not block[:close].strip(_SPACE)):
                    yield _validate_and_split(
                        block[:close], offset=offset, max_bytes=max_record_bytes
                    )
                return block[close:]
            if comma >= 0:
                yield _validate_and_split(block[:comma], offset=offset, max_bytes=max_record_bytes)
                separator = _separator(block, comma)
                block, first = block[comma + 1 :], False
            min_bytes = min(2 * len(block), max_record_bytes + 1)
        if len(block) > max_record_bytes:
            raise _too_long(body.bytes - len(block), max_record_bytes)
        pending, size = [block], len(block)
    raise MalformedPageError(f"the body ends at byte {body.bytes}, inside its records")


def _cut_at_separator(
    block: bytes, separator: bytes, *, max_bytes: int
) -> tuple[list[Record], bytes] | None:
    """Cut at the last separator; None if that is not between two records (nested arrays).

    The cut is right if what comes before it are complete values: then it is between two
    elements, whatever follows.
    """
    at = block.rfind(separator)
    if at < 0:
        return None
    try:
        values = _validate_and_split(block[: at + 1], offset=0, max_bytes=max_bytes)
    except MalformedPageError:
        return None
    return values, block[at + len(separator) - 1 :]


def _scan(block: bytes) -> tuple[int, int]:
    """Positions of the last comma between elements and of the closing bracket, or -1."""
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


def _separator(block: bytes, comma: int) -> bytes:
    """The brackets and white space around *comma*; empty where they cannot be relied on."""
    before, after = block[max(0, comma - 40) : comma], block[comma + 1 : comma + 41]
    left, right = before.rstrip(_SPACE), after.lstrip(_SPACE)
    if not left.endswith((b"}", b"]")) or not right.startswith((b"{", b"[")):
        return b""
    return before[len(left) - 1 :] + b"," + after[: len(after) - len(right) + 1]


def _validate_and_split(text: bytes, *, offset: int, max_bytes: int) -> list[Record]:
    """The values of a comma-separated *text*, which starts at byte *offset* of the body."""
    try:
        if not text.isascii():
            text.decode()  # msgspec does not check text that it need not decode
        values = split_whole_array(b"[" + text + b"]")
    except UnicodeDecodeError as error:
        raise MalformedPageError(f"invalid UTF-8 at byte {offset + error.start}") from None
    except RecursionError:
        raise _too_deep(offset) from None
    except msgspec.DecodeError as error:
        at = _AT_BYTE.search(str(error))
        where = f"at byte {offset + int(at[1]) - 1}" if at else f"after byte {offset}"
        raise MalformedPageError(f"not JSON {where}: {_AT_BYTE.sub('', str(error))}") from None
    if not values:
        raise MalformedPageError(f"not JSON at byte {offset}: a comma without a record")
    # A deep record has many openings where each other one has one at least.
    openings = text.count(b"{") + text.count(b"[")
    if openings >= nesting.MAX_LEVELS + len(values) and any(
        nesting.is_too_deep(bytes(value)) for value in values
    ):
        raise _too_deep(offset)
    if len(text) > max_bytes and any(len(memoryview(value)) > max_bytes for value in values):
        raise _too_long(offset, max_bytes)
    if b"\n" in text or b"\r" in text:
        return [_one_line(value) for value in values]
    return values


def split_whole_array(array: bytes | Record) -> list[Record]:
    """The elements of *array*, as they are written, but for literals that are not JSON.

    Raises ``msgspec.ValidationError`` for other values and ``msgspec.DecodeError`` for what is
    not JSON.
    """
    try:
        return _LIST.decode(array)
    except msgspec.DecodeError:
        original = bytes(array)
        text, restore = surrogates.mask_lone_surrogates(literals.quote_literals(original))
        if text is original:
            raise
    return [Record(restore(bytes(value))) for value in _LIST.decode(text)]


def _one_line(value: Record) -> Record:
    """*value* without white space if it has a line break, as a record is one line in a part.

    This depends on the record only: otherwise its text would depend on where chunks end.
    """
    text = bytes(value)
    if b"\n" not in text and b"\r" not in text:
        return value
    text, restore = surrogates.mask_lone_surrogates(text)
    return Record(restore(msgspec.json.format(text, indent=-1)))


def _too_deep(offset: int) -> MalformedPageError:
    return MalformedPageError(
        f"a record at or after byte {offset} is nested too deep: "
        f"more than {nesting.MAX_LEVELS} levels"
    )


def _too_long(offset: int, max_bytes: int) -> MalformedPageError:
    return MalformedPageError(
        f"a record at or after byte {offset} is longer than limits.max_record_bytes: {max_bytes}; "
        "raise it for records that are that long"
    )
