"""CSV as a feed describes it: its dialect, and the columns that its fields read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from include.ticklake.feed.csv_format import CsvFormat
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FETCHED_AT
from include.ticklake.sources.text.csv_columns import CsvColumns
from include.ticklake.sources.text.csv_rows import CsvDialect, CsvRows


def csv_rows(
    chunks: Iterable[bytes],
    *,
    columns: Sequence[str] | None,
    written: CsvFormat,
    required: Collection[str],
    may_be_empty: bool,
    max_record_bytes: int,
    where: str,
) -> CsvRows:
    """The reader of *chunks*, *written* so, with the feed's *columns*; *where* is for the log."""
    return CsvRows(
        chunks,
        columns=CsvColumns(
            columns,
            has_header=written.has_header(columns),
            required=required,
            may_be_empty=may_be_empty,
        ),
        dialect=CsvDialect(delimiter=written.delimiter.encode(), quote=written.quote.encode()),
        max_record_bytes=max_record_bytes,
        where=where,
    )


def read_columns(feed: Feed) -> list[str]:
    """The columns that the header of a CSV must have: those that a field reads.

    But for those whose field says ``required: false``: older files may lack it.
    """
    return [
        field.source
        for field in feed.fields.values()
        if field.source != FETCHED_AT and field.required is not False
    ]
