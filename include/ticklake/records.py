"""A page's bytes in, its records out: one pass, a bounded block in memory.

A record is the source's own JSON text, cut out and never rewritten, so its numbers
keep every digit. ``msgspec`` checks and splits whole blocks of records at native speed;
``envelope.py`` reads what stands around them with ijson. Records that are arrays are
given the feed's column names and become objects; their values stay the source's text.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import chain

import ijson
import msgspec

from include.ticklake.envelope import Envelope
from include.ticklake.errors import PageBroken, SourceRefused

Record = msgspec.Raw
"""One record, as JSON text."""

_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_AT_BYTE = re.compile(r" \(byte (\d+)\)")

# A string is one token, a cut one reaches to the end: brackets inside do not count.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
_COMMA = ord(",")
_SEPARATOR = re.compile(rb"[}\]]\s*,\s*[{\[]")


class Reading:
    """One pass over one body; iterate once, to the end: before that a page is not done.

    Raises ``PageBroken``, which names the byte of the (decompressed) body, when the body
    ends early or is not JSON, and ``SourceRefused`` when it has no array at *records*.
    """

    def __init__(
        self,
        chunks: Iterable[bytes],
        *,
        records: str,
        columns: Sequence[str] | None = None,
        capture: Mapping[str, str] | None = None,
        max_record_bytes: int,
    ) -> None:
        self._body = _Counted(chunks)
        self._envelope = Envelope(records=records, capture=capture or {})
        self._records, self._columns = records, columns
        self._max_record_bytes = max_record_bytes

    @property
    def captured(self) -> Mapping[str, object]:
        """What was captured beside the records so far."""
        return self._envelope.captured

    @property
    def body_bytes(self) -> int:
        """Decompressed bytes read so far."""
        return self._body.bytes

    def __iter__(self) -> Iterator[Record]:
        try:
            for rest in self._body:
                while (found := self._envelope.feed(rest)) is not None:
                    # To the envelope the array is empty: it goes on with the closing bracket.
                    rest = yield from self._array(rest[found:])
            self._envelope.close()
        except ijson.JSONError as wrong:
            at = self._body.bytes
            raise PageBroken(f"not JSON near byte {at}: {_reason(wrong)}") from None
        if not self._envelope.arrays:
            names = ", ".join(self._envelope.top_names) or "none"
            raise SourceRefused(
                f"no array of records at {self._records!r}; the body's own names: {names}; "
                "if the path is wrong, mend source.records"
            )

    def _array(self, block: bytes) -> Generator[Record, None, bytes]:
        cut = _elements(self._body, block, max_record_bytes=self._max_record_bytes)
        while True:
            try:
                values = next(cut)
            except StopIteration as end:
                rest: bytes = end.value
                return rest
            yield from values if self._columns is None else _named(values, self._columns)


class _Counted:
    """The chunks of a body, without the empty ones, and how many bytes there were."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        # ijson reads an empty chunk as the end of input.
        for chunk in self._chunks:
            if chunk:
                self.bytes += len(chunk)
                yield chunk


def _elements(
    body: _Counted, block: bytes, *, max_record_bytes: int
) -> Generator[list[Record], None, bytes]:
    """Yield the elements of an array whose opening bracket has just been read, in lists.

    Returns the rest of the last block, from the closing bracket on.
    """
    separator, wanted_bytes, first = b"", 0, True
    for chunk in chain((b"",), body, (b"",)):
        block += chunk
        if separator and (found := _guess(block, separator)):
            values, block = found
            yield values
            wanted_bytes = 0
        elif len(block) >= wanted_bytes or not chunk:
            offset = body.bytes - len(block)
            comma, close = _scan(block)
            if close >= 0:
                if not (first and not block[:close].strip()):
                    yield _split(block[:close], offset=offset)
                return block[close:]
            if comma >= 0:
                yield _split(block[:comma], offset=offset)
                separator = _separator(block, comma)
                block, first = block[comma + 1 :], False
            # A record longer than a block is scanned when it has doubled, not at every chunk.
            wanted_bytes = 2 * len(block)
        if len(block) > max_record_bytes:
            raise PageBroken(
                f"the record at byte {body.bytes - len(block)} is longer than "
                f"limits.max_record_bytes: {max_record_bytes}"
            )
    raise PageBroken(f"the body ends at byte {body.bytes}, inside its records")


def _guess(block: bytes, separator: bytes) -> tuple[list[Record], bytes] | None:
    """Cut at the last separator; None if that is not between two records (nested arrays).

    The cut is right if what stands before it is whole values: a parser that has read
    them is between two elements, whatever follows.
    """
    at = block.rfind(separator)
    if at < 0:
        return None
    try:
        return _split(block[: at + 1], offset=0), block[at + len(separator) - 1 :]
    except PageBroken:
        return None


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
    """What stands around *comma*, brackets and white space, where that can be guessed on."""
    found = _SEPARATOR.search(block, max(0, comma - 80), comma + 80)
    return found[0] if found and found.start() < comma < found.end() else b""


def _split(text: bytes, *, offset: int) -> list[Record]:
    """The values of a comma-separated *text*, which begins at byte *offset* of the body."""
    array = b"[" + text + b"]"
    try:
        if not text.isascii():
            text.decode()  # msgspec looks at no text that it need not decode
        if b"\n" in text or b"\r" in text:  # a record is one line wherever it goes from here
            array = msgspec.json.format(array, indent=-1)
        values = _LIST.decode(array)
    except UnicodeDecodeError as wrong:
        raise PageBroken(f"invalid UTF-8 at byte {offset + wrong.start}") from None
    except RecursionError:
        raise PageBroken(f"a record after byte {offset} is nested too deep") from None
    except msgspec.DecodeError as wrong:
        at = _AT_BYTE.search(str(wrong))
        where = f"at byte {offset + int(at[1]) - 1}" if at else f"after byte {offset}"
        raise PageBroken(f"not JSON {where}: {_AT_BYTE.sub('', str(wrong))}") from None
    if not values:
        raise PageBroken(f"not JSON at byte {offset}: a comma without a record")
    return values


def _named(values: Iterable[Record], columns: Sequence[str]) -> Iterator[Record]:
    """Arrays as objects with the names *columns*; what does not fit stays as it came.

    A name with ``?`` behind it may be missing at the end. The converter puts a record
    that is no object into the quarantine.
    """
    names = [msgspec.json.encode(name.rstrip("?")) for name in columns]
    heads = [(b"," if n else b"{") + name + b":" for n, name in enumerate(names)]
    fewest = sum(not name.endswith("?") for name in columns)
    for value in values:
        try:
            row = _LIST.decode(value)
        except msgspec.ValidationError:
            row = []
        if fewest <= len(row) <= len(heads):
            # The row may be the shorter one.
            value = Record(b"".join(chain.from_iterable(zip(heads, row, strict=False))) + b"}")
        yield value


def _reason(wrong: Exception) -> str:
    """The first line of ijson's message, which may be bytes; never the text of the body."""
    text = wrong.args[0] if wrong.args else ""
    line = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return line.partition("\n")[0]
