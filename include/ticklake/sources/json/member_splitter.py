"""The bytes of a JSON object in, its members out: a map whose values are the records.

A name that occurs twice comes out twice; a dict would keep one of the two without a word.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from functools import partial

import msgspec

from include.ticklake.errors import MalformedPageError
from include.ticklake.model import surrogates
from include.ticklake.model.json_members import object_members
from include.ticklake.model.record import Record
from include.ticklake.sources.json import literals
from include.ticklake.sources.json.array_splitter import (
    check_utf8,
    checked,
    not_json,
    too_deep,
)
from include.ticklake.sources.json.block_cutter import Body, cut_values

Members = tuple[Sequence[str], Sequence[Record]]
"""Names and values, in the order of the text."""


class _Name:
    """A name that equals no other one, so that a dict has room for both."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


_OBJECT = msgspec.json.Decoder(
    dict[_Name, msgspec.Raw],
    dec_hook=lambda _, text: _Name(text),
)


def split_members(
    body: Body, block: bytes, *, max_record_bytes: int
) -> Generator[Members, None, bytes]:
    """Yield the members of an object whose opening brace has just been read, block by block.

    Returns the remainder of the last block, from the closing brace on.
    """
    parse = partial(_validate_and_split, max_bytes=max_record_bytes)
    return cut_values(body, block, parse, max_record_bytes=max_record_bytes)


def encode_text(text: str) -> bytes:
    """*text* as JSON, also with half of a surrogate pair in it."""
    try:
        return msgspec.json.encode(text)
    except UnicodeEncodeError:
        return json.dumps(text).encode()


def _validate_and_split(text: bytes, offset: int, *, max_bytes: int) -> Members:
    check_utf8(text, offset)
    try:
        names, values = _split_whole(b"{" + text + b"}")
    except RecursionError:
        raise too_deep(offset) from None
    except msgspec.DecodeError as error:
        raise not_json(error, offset) from None
    except UnicodeDecodeError:
        raise MalformedPageError(f"invalid UTF-8 after byte {offset}") from None
    return names, checked(values, text, offset, max_bytes=max_bytes)


def _split_whole(text: bytes) -> tuple[list[str], list[Record]]:
    try:
        members = _OBJECT.decode(text)
    except msgspec.DecodeError:
        masked, restore = surrogates.mask_lone_surrogates(literals.quote_literals(text))
        if masked is text:
            raise
        values = [Record(restore(bytes(value))) for value in _OBJECT.decode(masked).values()]
        spelled = (restore(name) for name, _, _ in object_members(masked))
        return [str(json.loads(name)) for name in spelled], values
    return [name.text for name in members], list(members.values())
