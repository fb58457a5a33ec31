"""A staged part's bytes in, blocks of whole lines out, with the part and offset of each.

A part is gzip of ``[{..},\\n{..}\\n]\\n``: a record per line. Anything else is an error
that names the part and the offset, so that a truncated or changed part is noticed
before any of its records is trusted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from isal import isal_zlib

from include.ticklake.convert.parse.largest_record import LargestRecordReporter
from include.ticklake.errors import CorruptPartError
from include.ticklake.kernel.lines_reader import count_lines
from include.ticklake.lake.manifest import Part

_READ_BYTES = 256 * 1024
_UNZIP_BYTES = 32 * 1024  # of these, what gives no more than a chunk is not copied
_MIN_CHUNK_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Whole records of one part, a line each; every line but a part's last ends with a comma."""

    part: str
    offset: int
    """Of ``text`` in the part's text."""
    text: bytes
    rows: int
    fetched_at_ms: int | None = None
    """Where the part was fetched at another time than the others of its window."""

    @property
    def size_bytes(self) -> int:
        """The length of the text."""
        return len(self.text)

    def records(self) -> Iterator[tuple[int, bytes]]:
        """Every record with its offset in the part's text."""
        start = 0
        while start < len(self.text):
            end = self.text.index(b"\n", start)
            has_comma = self.text.endswith(b",", start, end)
            if not has_comma and end + 1 < len(self.text):
                raise _broken(self.part, offset=self.offset + end, what="a comma is missing")
            yield self.offset + start, self.text[start : end - has_comma]
            start = end + 1


def cut_blocks(
    part: Part,
    stream: Any,  # noqa: ANN401 - pyarrow ships no types
    *,
    block_bytes: int,
    max_record_bytes: int,
    largest: LargestRecordReporter | None = None,
) -> Iterator[Block]:
    """Yield the records of *part*, whose stored bytes *stream* reads, in blocks of *block_bytes*.

    A longer record makes a longer block, and *largest* observes how long it is so far.
    ``CorruptPartError`` where the part is not what its manifest says; that may show only at its
    end, so commit nothing before.
    """
    rows = offset = 0
    reporter = largest or LargestRecordReporter()
    chunks = _text(part, stream, chunk_bytes=max(block_bytes // 8, _MIN_CHUNK_BYTES))
    ending = b""

    def report_long_line(held_bytes: int) -> None:
        # The first record comes after the bracket.
        reporter.observe(held_bytes, part=part.key, offset=max(offset, len("[")))

    runs = _runs(
        chunks,
        block_bytes=block_bytes,
        max_bytes=max_record_bytes + block_bytes,
        report_long_line=report_long_line,
    )
    for text in runs:
        ending = text[-3:]
        if len(text) > max_record_bytes + block_bytes:
            raise _broken(part.key, offset=offset, what="no record ends within the allowed length")
        if offset == 0 and not text.startswith(b"["):
            raise _broken(part.key, offset=0, what="it does not begin with '['")
        start = 0 if offset else 1
        end = len(text) if text.endswith(b",\n") else len(text) - len(b"]\n")
        lines = text[start:end]
        block = Block(
            part=part.key,
            offset=offset + start,
            text=lines,
            rows=count_lines(lines),
            fetched_at_ms=part.fetched_at_ms,
        )
        offset += len(text)
        rows += block.rows
        del text, lines  # one may be as long as the largest record
        if block.rows:
            yield block
        del block
    if ending != b"\n]\n":
        raise _broken(part.key, offset=offset, what="it ends without ']'")
    if rows != part.rows:
        raise _broken(part.key, offset=offset, what=f"it has {rows} records, not {part.rows}")


def _runs(
    chunks: Iterable[bytes],
    *,
    block_bytes: int,
    max_bytes: int,
    report_long_line: Callable[[int], None],
) -> Iterator[bytes]:
    """Yield the text of *chunks*, cut after lines that end with a comma; the last run is the rest.

    A line that is longer than a block is a run of its own, and one of more than *max_bytes* ends
    them: its beginning is the last run. *report_long_line* gets how much is held of a long line.
    """
    held = _buffer(block_bytes)
    lines_bytes = 0  # of the complete lines in it
    for chunk in chunks:
        held_bytes = held.tell()
        is_long = not lines_bytes and held_bytes > block_bytes
        cut = (chunk.find if is_long else chunk.rfind)(b",\n") + len(b",\n")
        if cut >= len(b",\n"):
            lines_bytes = held_bytes + cut
        else:
            cut = len(chunk)
        held.write(memoryview(chunk)[:cut])
        if held.tell() >= block_bytes and lines_bytes:
            run, held, lines_bytes = _cut(held, lines_bytes, chunk[cut:], _buffer(block_bytes))
            yield run
            del run
            continue
        held.write(memoryview(chunk)[cut:])
        if held.tell() > max_bytes:
            break
        if held.tell() > 2 * block_bytes:
            report_long_line(held.tell())
    held.truncate()
    run = held.getvalue()
    del held
    yield run


def _buffer(block_bytes: int) -> BytesIO:
    """One with room for a block, so that it need not grow; what is written comes out uncopied."""
    buffer = BytesIO()
    buffer.seek(block_bytes + block_bytes // 8)
    buffer.write(b"\0")
    buffer.seek(0)
    return buffer


def _cut(
    held: BytesIO, lines_bytes: int, chunk: bytes, remainder: BytesIO
) -> tuple[bytes, BytesIO, int]:
    """The complete lines in *held*; the *remainder* with *chunk*, and its complete lines."""
    held.truncate()
    text = held.getvalue()
    remainder.write(memoryview(text)[lines_bytes:])
    remainder.write(chunk)
    # Behind a long line there may be others.
    complete_bytes = chunk.rfind(b",\n") + len(b",\n")
    return (
        text if lines_bytes == len(text) else text[:lines_bytes],
        remainder,
        complete_bytes if complete_bytes >= len(b",\n") else 0,
    )


def _text(part: Part, stream: Any, *, chunk_bytes: int) -> Iterator[bytes]:  # noqa: ANN401
    """Yield the part's text in chunks of at most *chunk_bytes*, and compare its checksum."""
    digest = hashlib.sha256()
    unzip = isal_zlib.decompressobj(wbits=31)
    length = 0
    for stored in _stored(stream):
        digest.update(stored)
        while stored:
            if unzip.eof:  # a gzip file may have several members
                unzip = isal_zlib.decompressobj(wbits=31)
            try:
                chunk = unzip.decompress(stored, chunk_bytes)
            except isal_zlib.error as error:  # type: ignore[misc]  # a class, whatever its stubs say
                raise _broken(
                    part.key, offset=length, what=f"is not gzip from here on ({error})"
                ) from None
            stored = unzip.unconsumed_tail or unzip.unused_data
            length += len(chunk)
            yield chunk
    if not unzip.eof:
        raise _broken(part.key, offset=length, what="its gzip stream ends early")
    if digest.hexdigest() != part.sha256:
        raise _broken(part.key, offset=length, what="its sha256 is not the manifest's")


def _stored(stream: Any) -> Iterator[bytes | memoryview]:  # noqa: ANN401
    """What *stream* reads, a little at a time."""
    while stored := stream.read(_READ_BYTES):
        view = memoryview(stored)
        yield from (view[at : at + _UNZIP_BYTES] for at in range(0, len(view), _UNZIP_BYTES))


def _broken(part: str, *, offset: int, what: str) -> CorruptPartError:
    return CorruptPartError(
        f"{part} at byte {offset} of its text: {what}; the part is not what its manifest says, "
        "`extract` this window again"
    )
