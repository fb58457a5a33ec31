"""A page's bytes in, its records out: one pass, a bounded block in memory.

A record is the source's own JSON text, never rewritten, so its numbers keep every digit.
``array_splitter.py`` splits the array of records, ``envelope.py`` reads the values around
it, and ``array_columns.py`` gives the values of records that are arrays their names.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence

from include.ticklake.errors import MalformedPageError, SourceRefusedError
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
        no_records: Collection[str] = (),
        capture: Mapping[str, str] | None = None,
        capture_plain: Mapping[str, str] | None = None,
        capture_every: Mapping[str, str] | None = None,
        max_record_bytes: int,
    ) -> None:
        self._body = Body(chunks)
        self._envelope = Envelope(
            records=records,
            capture=capture or {},
            capture_plain=capture_plain or {},
            capture_every=capture_every or {},
        )
        self._no_records = frozenset({"", *no_records})
        self._columns = None if columns is None else ArrayColumns(columns)
        self._max_record_bytes = max_record_bytes

    @property
    def captured(self) -> Mapping[str, object]:
        """The values captured outside the records so far."""
        return self._envelope.captured

    @property
    def has_array(self) -> bool:
        """Whether an array of records has come."""
        return self._envelope.records.arrays > 0

    @property
    def small_body(self) -> bytes:
        """The whole body, if it is small and was read to its end; otherwise nothing."""
        body = self._body
        return body.beginning if body.bytes == len(body.beginning) else b""

    @property
    def unnamed_columns(self) -> tuple[str, ...]:
        """The names of values so far for which the feed's columns have none."""
        return tuple(self._columns.unnamed) if self._columns else ()

    @property
    def last_object(self) -> Record | None:
        """The last record of the latest block that has names, where records are arrays."""
        return self._columns.last_object if self._columns else None

    def misfit(self, record: Record) -> str | None:
        """Why *record* is an array without names, if it is one and the feed has names for it."""
        return self._columns.misfit(bytes(record)) if self._columns else None

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
        self._check_end()

    def _check_end(self) -> None:
        """Refuse a body that ends early, or has no array of records without a reason to."""
        body, path = self._body, self._envelope.records
        if body.bytes == len(body.beginning) and not body.beginning.strip(b" \t\r\n"):
            if "empty_body" not in self._no_records:
                raise MalformedPageError(f"the body is empty; {_advice(['empty_body'])}")
            return
        self._envelope.close(at=body.bytes)
        words = [] if path.arrays else list(path.no_records_words())
        if not path.arrays and self._no_records.isdisjoint(words):
            raise SourceRefusedError(f"{path.problem()}; {_advice(words)}")

    def _array(self, block: bytes) -> Generator[Record, None, bytes]:
        lists = split_array(self._body, block, max_record_bytes=self._max_record_bytes)
        while True:
            try:
                records = next(lists)
            except StopIteration as end:
                remainder: bytes = end.value
                return remainder
            yield from records if self._columns is None else self._columns.as_objects(records)


def _advice(no_records_words: Sequence[str]) -> str:
    """What to do about a body without an array of records."""
    if no_records_words:
        return (
            "if that means that there are no records, add "
            f"`no_records: [{no_records_words[0]}]` to source; else correct source.records"
        )
    return "correct source.records"
