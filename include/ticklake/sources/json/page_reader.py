"""A page's bytes in, its records out: one pass, a bounded block in memory.

A record is the source's own JSON text, never rewritten, so its numbers keep every digit.
``array_splitter.py`` splits the array of records, ``envelope.py`` reads the values around
it, and ``array_columns.py`` gives the values of records that are arrays their names.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import chain
from typing import Literal

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block, in_blocks
from include.ticklake.sources.json.added_members import KeyMember, with_members
from include.ticklake.sources.json.added_values import AddedValues
from include.ticklake.sources.json.array_columns import ArrayColumns, first_row_columns
from include.ticklake.sources.json.array_splitter import split_array, whole_object
from include.ticklake.sources.json.block_cutter import Body
from include.ticklake.sources.json.column_spool import ColumnSpool
from include.ticklake.sources.json.envelope import Envelope
from include.ticklake.sources.json.map_neighbours import MapNeighbours
from include.ticklake.sources.json.member_splitter import split_members
from include.ticklake.sources.json.records_path import RecordsPath, Shape

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
        shape: Shape = "array",
        key_as: str | None = None,
        add: Mapping[str, str] | None = None,
        columns: Sequence[str] | Literal["first_row"] | None = None,
        no_records: Collection[str] = (),
        capture: Mapping[str, str] | None = None,
        capture_plain: Mapping[str, str] | None = None,
        capture_every: Mapping[str, str] | None = None,
        max_record_bytes: int,
    ) -> None:
        self._body = Body(chunks)
        names = () if columns is None or columns == "first_row" else columns
        bare_names = [name.rstrip("?") for name in names]
        self._path = RecordsPath(records, shape=shape, columns=bare_names)
        self._spool = ColumnSpool(names) if shape == "columns" else None
        self._key_as = KeyMember(key_as, path=records) if key_as else None
        self._added = b""
        """The members that the records of the latest block get, as JSON."""
        self._values = AddedValues(add, records=records, shape=shape) if add else None
        self._envelope = Envelope(
            records=self._path,
            added=self._values,
            capture=capture or {},
            capture_plain=capture_plain or {},
            capture_every=capture_every or {},
        )
        self._no_records = frozenset({"", *no_records})
        self._has_first_row = columns == "first_row"
        self._columns = ArrayColumns(names) if names and shape != "columns" else None
        self._max_record_bytes = max_record_bytes

    @property
    def captured(self) -> Mapping[str, object]:
        """The values captured outside the records so far."""
        return self._envelope.captured

    @property
    def has_opened(self) -> bool:
        """Whether the array, object or map of the records has come."""
        return self._path.opened > 0

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
        latest = self._columns.last_object if self._columns else None
        return latest and with_members(latest, self._added)

    def misfit(self, record: Record) -> str | None:
        """Why *record* is an array without names, if it is one and the feed has names for it."""
        return self._columns.misfit(bytes(record)) if self._columns else None

    @property
    def body_bytes(self) -> int:
        """Decompressed bytes read so far."""
        return self._body.bytes

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self.blocks())

    def blocks(self) -> Iterator[Block]:
        """The records in blocks, each of them once."""
        with ExitStack() as stack:
            for spool in (self._spool, self._values):
                if spool:
                    stack.enter_context(closing(spool))
            yield from self._blocks()
            self._check_end()
            if self._values:
                yield from in_blocks(self._values.due())
            if self._spool:
                records = self._spool.records(where=self._path.path)
                yield from in_blocks(self._values.completed(records) if self._values else records)

    def _blocks(self) -> Iterator[Block]:
        for chunk in self._body:
            while (
                opened := self._envelope.feed(chunk, at=self._body.bytes - len(chunk))
            ) is not None:
                if self._values:
                    yield from in_blocks(self._values.due())
                # To the envelope the array is empty: it continues with the closing bracket.
                chunk = yield from self._read_opened(chunk[opened:])
            if self._values:
                yield from in_blocks(self._values.due())

    def _read_opened(self, block: bytes) -> Generator[Block, None, bytes]:
        """Yield the records of what just opened; return what follows, from its end on."""
        if self._spool:
            return self._column(self._spool, block)
        if self._path.is_map:
            return (yield from self._map(block))
        if self._key_as:
            self._added = self._key_as.member(self._envelope.names)
        if self._path.shape == "object":
            return (yield from self._object(block))
        return (yield from self._array(block))

    def _array(self, block: bytes) -> Generator[Block, None, bytes]:
        lists = split_array(self._body, block, max_record_bytes=self._max_record_bytes)
        is_first = self._has_first_row
        while True:
            try:
                records = next(lists)
            except StopIteration as end:
                remainder: bytes = end.value
                return remainder
            if is_first:
                self._columns = first_row_columns(records[0], where=self._path.path)
                records, is_first = records[1:], False
                if not records:
                    continue
            if self._columns or self._added or self._values:
                yield from in_blocks(self._with_values(self._named(records)))
            else:
                yield records

    def _column(self, spool: ColumnSpool, block: bytes) -> bytes:
        """Keep the values of one array until all of them are there."""
        spool.begin(self._envelope.names[-1])
        lists = split_array(self._body, block, max_record_bytes=self._max_record_bytes)
        while True:
            try:
                spool.write(next(lists))
            except StopIteration as end:
                remainder: bytes = end.value
                return remainder

    def _object(self, block: bytes) -> Generator[Block, None, bytes]:
        """The one record, which the envelope also reads where it captures values of it."""
        record, remainder = whole_object(self._body, block, max_record_bytes=self._max_record_bytes)
        text = bytes(record)
        if not text[1:-1].strip():
            self._path.is_not_there()
            return remainder
        yield from in_blocks(self._with_values([record]))
        at = self._body.bytes - len(remainder) - len(text)
        if any(self._envelope.captured_names()):
            self._envelope.feed_whole(text[1:-1], at=at)
        return remainder

    def _map(self, block: bytes) -> Generator[Block, None, bytes]:
        """The values of a map; what else is in it goes to the envelope."""
        beside = MapNeighbours(self._envelope, takes_plain=self._columns is not None)
        lists = split_members(self._body, block, max_record_bytes=self._max_record_bytes)
        while True:
            try:
                names, values = next(lists)
            except StopIteration as end:
                remainder: bytes = end.value
                return remainder
            self._path.refuse_repeated(names)
            at = self._body.bytes
            names, values = beside.without(names, values, at=at)
            if self._values:
                yield from in_blocks(self._values.due())
            named = self._named(values)
            if self._key_as:
                named = self._with_keys(named, names, self._key_as)
            yield from in_blocks(self._values.added(named) if self._values else named)

    def _with_keys(
        self, records: Iterable[Record], names: Sequence[str], key_as: KeyMember
    ) -> Iterator[Record]:
        for name, record in zip(names, records, strict=True):
            self._added = key_as.of(name)
            yield with_members(record, self._added)

    def _with_values(self, records: Iterable[Record]) -> Iterable[Record]:
        """*records* with the name that they stand under, and the values around them."""
        if self._added:
            records = (with_members(record, self._added) for record in records)
        return self._values.added(records) if self._values else records

    def _named(self, records: Sequence[Record]) -> Iterable[Record]:
        return records if self._columns is None else self._columns.as_objects(records)

    def _check_end(self) -> None:
        """Refuse a body that ends early, or has no array of records without a reason to."""
        body, path = self._body, self._path
        if body.bytes == len(body.beginning) and not body.beginning.strip(b" \t\r\n"):
            if "empty_body" not in self._no_records:
                raise MalformedPageError(
                    f"the body is empty; {_advice(['empty_body'], self._path.advice())}"
                )
            return
        self._envelope.close(at=body.bytes)
        words = [] if path.opened else list(path.no_records_words())
        if not path.opened and self._no_records.isdisjoint(words):
            raise SourceRefusedError(f"{path.problem()}; {_advice(words, path.advice())}")


def _advice(no_records_words: Sequence[str], correction: str) -> str:
    """What to do about a body without records; else the *correction*."""
    if no_records_words:
        return (
            "if that means that there are no records, add "
            f"`no_records: [{no_records_words[0]}]` to source; else {correction}"
        )
    return correction
