"""The body of a response that is CSV or NDJSON, as a page's reader has it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block, in_blocks
from include.ticklake.sources.text.csv_rows import CsvRows
from include.ticklake.sources.text.feed_texts import csv_rows
from include.ticklake.sources.text.json_lines import JsonLines


class TextBody:
    """Iterate over it once, to the end; nothing stands outside of the records of a text."""

    has_opened = True
    small_body = b""
    unnamed_columns: tuple[str, ...] = ()
    last_object: Record | None = None

    def __init__(
        self,
        chunks: Iterable[bytes],
        source: HttpSource,
        *,
        required: Collection[str],
        max_record_bytes: int,
        where: str,
    ) -> None:
        self.captured: Mapping[str, object] = {}
        self._may_be_empty = "empty_body" in source.no_records
        self._is_csv = source.format == "csv"
        if self._is_csv:
            self._reader: JsonLines | CsvRows = csv_rows(
                chunks,
                columns=source.columns if isinstance(source.columns, list) else None,
                written=source.csv,
                required=required,
                may_be_empty=self._may_be_empty,
                max_record_bytes=max_record_bytes,
                where=where,
            )
        else:
            self._reader = JsonLines(chunks, max_record_bytes=max_record_bytes)

    @property
    def body_bytes(self) -> int:
        """Decompressed bytes read so far."""
        return self._reader.body_bytes

    def __iter__(self) -> Iterator[Record]:
        """Every record, in the order of the body."""
        yield from self._reader
        if not (self._is_csv or self._may_be_empty or self.body_bytes):
            raise MalformedPageError(
                "the body is empty; if that means that there are no records, add "
                "`no_records: [empty_body]` to source"
            )

    def blocks(self) -> Iterator[Block]:
        """The records in blocks."""
        return in_blocks(self)

    def misfit(self, record: Record) -> str | None:
        """Why *record* is an array without names, if it is one: a row that does not fit."""
        is_row = self._is_csv and bytes(record)[:1] == b"["
        return "the row has another number of values than there are columns" if is_row else None
