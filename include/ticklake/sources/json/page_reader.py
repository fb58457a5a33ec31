"""A page's bytes in, its records out: one pass, a bounded block in memory.

A record is the source's own JSON text, cut out and never rewritten, so its numbers
keep every digit. ``msgspec`` checks and splits whole blocks of records at native speed;
``envelope.py`` reads what stands around them with ijson. Records that are arrays are
given the feed's column names and become objects; their values stay the source's text.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import chain

import msgspec

from include.ticklake.errors import SourceRefusedError
from include.ticklake.model.record import Record
from include.ticklake.sources.json.array_splitter import Body, split_array, split_whole_array
from include.ticklake.sources.json.envelope import Envelope

__all__ = ["JsonPageReader", "Record"]


class JsonPageReader:
    """One pass over one body; iterate once, to the end: before that a page is not done.

    Raises ``MalformedPageError``, which names the byte of the (decompressed) body, when the body
    ends early or is not JSON, and ``SourceRefusedError`` when it has no array at *records*.
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
        self._body = Body(chunks)
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
        for rest in self._body:
            while (found := self._envelope.feed(rest, at=self._body.bytes - len(rest))) is not None:
                # To the envelope the array is empty: it goes on with the closing bracket.
                rest = yield from self._array(rest[found:])
        self._envelope.close(at=self._body.bytes)
        if not self._envelope.arrays:
            names = ", ".join(self._envelope.top_names) or "none"
            raise SourceRefusedError(
                f"no array of records at {self._records!r}; the body's own names: {names}; "
                "if the path is wrong, mend source.records"
            )

    def _array(self, block: bytes) -> Generator[Record, None, bytes]:
        cut = split_array(self._body, block, max_record_bytes=self._max_record_bytes)
        while True:
            try:
                values = next(cut)
            except StopIteration as end:
                rest: bytes = end.value
                return rest
            yield from values if self._columns is None else _named(values, self._columns)


def _named(values: Iterable[Record], columns: Sequence[str]) -> Iterator[Record]:
    """Arrays as objects with the names *columns*; what does not fit stays as it came.

    A name with ``?`` behind it may be missing at the end. The converter puts a record
    that is no object into the quarantine.
    """
    names = [msgspec.json.encode(name.rstrip("?")) for name in columns]
    heads = [(b"," if n else b"{") + name + b":" for n, name in enumerate(names)]
    fewest = max(1, sum(not name.endswith("?") for name in columns))
    for value in values:
        try:
            row = split_whole_array(value)
        except msgspec.ValidationError:
            row = []
        if fewest <= len(row) <= len(heads):
            # The row may be the shorter one.
            value = Record(b"".join(chain.from_iterable(zip(heads, row, strict=False))) + b"}")
        yield value
