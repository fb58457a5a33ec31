"""A page's bytes in, its records out: one pass, a bounded block in memory.

A record is the source's own JSON text, never rewritten, so its numbers keep every digit.
``array_splitter.py`` splits the array of records, ``envelope.py`` reads the values around
it, and ``array_columns.py`` gives the values of records that are arrays their names.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

from include.ticklake.errors import SourceRefusedError
from include.ticklake.model.record import Record
from include.ticklake.sources.json.array_columns import ArrayColumns
from include.ticklake.sources.json.array_splitter import Body, split_array
from include.ticklake.sources.json.envelope import Envelope

__all__ = ["JsonPageReader", "Record"]


class JsonPageReader:
    """The records of one body; iterate over it once, to the end.

    Raises ``MalformedPageError``, which names the byte of the decompressed body, when the body
    ends early or is not JSON, and ``SourceRefusedError`` when there is no array at *records*.
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
        self._records = records
        self._columns = None if columns is None else ArrayColumns(columns)
        self._max_record_bytes = max_record_bytes

    @property
    def captured(self) -> Mapping[str, object]:
        """The values captured outside the records so far."""
        return self._envelope.captured

    @property
    def unnamed_columns(self) -> tuple[str, ...]:
        """The names of values so far for which the feed's columns have none."""
        return tuple(self._columns.unnamed) if self._columns else ()

    @property
    def body_bytes(self) -> int:
        """Decompressed bytes read so far."""
        return self._body.bytes

    def __iter__(self) -> Iterator[Record]:
        for chunk in self._body:
            while (
                opened := self._envelope.feed(chunk, at=self._body.bytes - len(chunk))
            ) is not None:
                # To the envelope the array is empty: it continues with the closing bracket.
                chunk = yield from self._array(chunk[opened:])
        self._envelope.close(at=self._body.bytes)
        if not self._envelope.arrays:
            names = ", ".join(self._envelope.top_names) or "none"
            raise SourceRefusedError(
                f"no array of records at {self._records!r}; the names in the body: {names}; "
                "if the path is wrong, correct source.records"
            )

    def _array(self, block: bytes) -> Generator[Record, None, bytes]:
        lists = split_array(self._body, block, max_record_bytes=self._max_record_bytes)
        while True:
            try:
                records = next(lists)
            except StopIteration as end:
                remainder: bytes = end.value
                return remainder
            yield from records if self._columns is None else self._columns.as_objects(records)
