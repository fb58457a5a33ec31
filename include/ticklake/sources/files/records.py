"""The records in the plain bytes of a file, by its format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from include.ticklake.errors import MalformedPageError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.files_source import FilesSource
from include.ticklake.model.record import Record
from include.ticklake.sources.json.page_reader import JsonPageReader
from include.ticklake.sources.text.feed_texts import csv_rows, read_columns
from include.ticklake.sources.text.json_lines import JsonLines


class FileReader(Protocol):
    """The records of one file; iterate over it once, to the end."""

    @property
    def body_bytes(self) -> int:
        """Bytes read so far, unpacked."""
        ...

    def __iter__(self) -> Iterator[Record]:
        """Every record, in the order of the file."""
        ...


def read_records(
    chunks: Iterable[bytes], *, feed: Feed, source: FilesSource, where: str
) -> FileReader:
    """The reader of *chunks* for the file's format; *where* is for the log."""
    max_record_bytes = feed.limits.max_record_bytes
    if source.file_format == "csv":
        return csv_rows(
            chunks,
            columns=source.columns,
            written=source.csv,
            required=read_columns(feed),
            may_be_empty=source.may_be_empty,
            max_record_bytes=max_record_bytes,
            where=where,
        )
    if source.file_format == "ndjson":
        lines = JsonLines(chunks, max_record_bytes=max_record_bytes)
        return lines if source.may_be_empty else _NotEmpty(lines)
    return JsonPageReader(
        chunks,
        records=source.records,
        columns=source.columns,
        no_records=["empty_body"] if source.may_be_empty else [],
        max_record_bytes=max_record_bytes,
    )


class _NotEmpty:
    """A text that must have bytes: one that has none does not say that there are no records."""

    def __init__(self, reader: JsonLines) -> None:
        self._reader = reader

    @property
    def body_bytes(self) -> int:
        return self._reader.body_bytes

    def __iter__(self) -> Iterator[Record]:
        yield from self._reader
        if not self.body_bytes:
            raise MalformedPageError(
                "the file is empty; if that means that there are no records, set "
                "`may_be_empty: true` in source"
            )
