"""What reads records of text, whatever its format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from include.ticklake.errors import MalformedPageError
from include.ticklake.model.record import Record

BOM = b"\xef\xbb\xbf"


class TextReader(Protocol):
    """The records of one text; iterate over it once, to the end."""

    body_bytes: int
    """Bytes read so far."""

    def __iter__(self) -> Iterator[Record]:
        """Every record, in the order of the text."""
        ...


def too_long(line: int, max_bytes: int, *, hint: str = "") -> MalformedPageError:
    """The error over a row that begins at *line*."""
    return MalformedPageError(
        f"line {line} is longer than limits.max_record_bytes: {max_bytes}{hint}; "
        "raise it for records that are that long"
    )


def check_utf8(block: bytes, *, first_line: int) -> None:
    """``MalformedPageError`` unless *block*, which begins at *first_line*, is UTF-8."""
    if block.isascii():
        return
    try:
        block.decode()
    except UnicodeDecodeError as error:
        line = first_line + block.count(b"\n", 0, error.start)
        raise MalformedPageError(f"invalid UTF-8 in line {line}") from None


def without_bom(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """*chunks* without the mark that some programs write before UTF-8."""
    rest, start = iter(chunks), b""
    while len(start) < len(BOM) and (chunk := next(rest, None)) is not None:
        start += chunk
    if start := start.removeprefix(BOM):
        yield start
    yield from rest
