"""The bytes of a JSON array or object in, its values out as they were written, block by block.

``msgspec`` validates and splits whole blocks of values at native speed.
"""

from __future__ import annotations

import re
from collections.abc import Generator

import msgspec

from include.ticklake.errors import MalformedPageError
from include.ticklake.model import nesting, surrogates
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block, as_blocks
from include.ticklake.sources.json import literals
from include.ticklake.sources.json.block_cutter import Body, cut_values, read_object, too_long

_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_AT_BYTE = re.compile(r" \(byte (\d+)\)")


def split_array(
    body: Body, block: bytes, *, max_record_bytes: int
) -> Generator[Block, None, bytes]:
    """Yield the elements of an array whose opening bracket has just been read, in lists.

    Returns the remainder of the last block, from the closing bracket on.
    """

    def parse(text: bytes, offset: int) -> list[Block]:
        values = _validate_and_split(text, offset, max_bytes=max_record_bytes)
        return as_blocks(values, text_bytes=len(text))

    lists = cut_values(body, block, parse, max_record_bytes=max_record_bytes)
    while True:
        try:
            yield from next(lists)
        except StopIteration as end:
            remainder: bytes = end.value
            return remainder


def whole_object(body: Body, block: bytes, *, max_record_bytes: int) -> tuple[Record, bytes]:
    """The object whose opening brace has just been read, and what follows.

    That begins with the closing brace.
    """
    inside, remainder = read_object(body, block, max_record_bytes=max_record_bytes)
    offset = body.bytes - len(remainder) - len(inside) - 1
    text = b"{" + inside + b"}"
    [record] = _validate_and_split(text, offset, max_bytes=max_record_bytes)
    return record, remainder


def _validate_and_split(text: bytes, offset: int, *, max_bytes: int) -> list[Record]:
    """The values of a comma-separated *text*, which starts at byte *offset* of the body."""
    check_utf8(text, offset)
    try:
        values = split_whole_array(b"[" + text + b"]")
    except RecursionError:
        raise too_deep(offset) from None
    except msgspec.DecodeError as error:
        raise not_json(error, offset) from None
    return checked(values, text, offset, max_bytes=max_bytes)


def check_utf8(text: bytes, offset: int) -> None:
    """Refuse what is not UTF-8: msgspec does not check text that it need not decode."""
    try:
        if not text.isascii():
            text.decode()
    except UnicodeDecodeError as error:
        raise MalformedPageError(f"invalid UTF-8 at byte {offset + error.start}") from None


def not_json(error: msgspec.DecodeError, offset: int) -> MalformedPageError:
    """The error for a text that msgspec refuses, one bracket before *offset*."""
    at = _AT_BYTE.search(str(error))
    where = f"at byte {offset + int(at[1]) - 1}" if at else f"after byte {offset}"
    return MalformedPageError(f"not JSON {where}: {_AT_BYTE.sub('', str(error))}")


def checked(values: list[Record], text: bytes, offset: int, *, max_bytes: int) -> list[Record]:
    """The *values* of *text*, each on one line; refused where one is too deep or too long."""
    if not values:
        raise MalformedPageError(f"not JSON at byte {offset}: a comma without a record")
    # A deep record has many openings where each other one has one at least.
    openings = text.count(b"{") + text.count(b"[")
    if openings >= nesting.MAX_LEVELS + len(values) and any(
        nesting.is_too_deep(bytes(value)) for value in values
    ):
        raise too_deep(offset)
    if len(text) > max_bytes and any(len(memoryview(value)) > max_bytes for value in values):
        raise too_long(offset, max_bytes)
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


def too_deep(offset: int) -> MalformedPageError:
    """The error for a record of too many levels."""
    return MalformedPageError(
        f"a record at or after byte {offset} is nested too deep: "
        f"more than {nesting.MAX_LEVELS} levels"
    )
