"""Show the first records of one window as the lake would hold them; nothing is stored."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from include.ticklake.convert.parse import record_parser
from include.ticklake.convert.parse.raw_json import RawColumn
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import table_schema
from include.ticklake.lake.table_schema import Column
from include.ticklake.model.record import Record
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import split_range
from include.ticklake.sources import auth, source
from include.ticklake.sources.source import SourceContext
from include.ticklake.sources.sql import engines
from include.ticklake.types.values import InvalidValueError, Value

CELL_CHARACTERS = 40


def preview(
    feed: Feed,
    *,
    start: datetime,
    slice_: Slice,
    rows: int,
    base_url: str | None,
    env: Mapping[str, str],
) -> Iterator[str]:
    """Yield the lines of a table: the lake's columns, then up to *rows* records.

    The records are of the window that contains *start*, and of the feed's first slice if
    *slice_* is empty. The line of a record that would be quarantined says why.
    """
    context = SourceContext(
        get_credentials=partial(auth.credentials_from_env, env=env),
        connect=partial(engines.engine_from_env, env=env),
        base_url=base_url,
    )
    slice_ = plan.normalize_slice(feed, slice_) if slice_.values else feed.all_slices[0]
    window = next(split_range(start, start + timedelta(seconds=1), length=feed.window))
    return _table(feed, Unit(slice_, window), context=context, rows=rows)


def _table(feed: Feed, unit: Unit, *, context: SourceContext, rows: int) -> Iterator[str]:
    now_ms = int(time.time() * 1000)
    columns = table_schema.columns(feed)
    raw = {
        column.name: RawColumn(column.path) for column in columns if column.field_type.is_raw_json
    }
    lines: list[list[str]] = [[column.name for column in columns]]
    refused: dict[int, str] = {}
    with closing(source.pages(feed, unit, context=context)) as pages:
        records = (record for _, page in pages for record in page)
        for record in islice(records, rows):
            try:
                values = record_parser.row(bytes(record), columns, raw=raw, fetched_at_ms=now_ms)
                lines.append(
                    [_cell(value, column) for value, column in zip(values, columns, strict=True)]
                )
            except InvalidValueError as error:
                refused[len(lines)] = f"quarantined: {error}: {_shorten(_text(record))}"
                lines.append([])
    return _align(lines, refused)


def _align(lines: Sequence[list[str]], refused: dict[int, str]) -> Iterator[str]:
    complete = [line for line in lines if line]
    widths = [max(map(len, cells)) for cells in zip(*complete, strict=True)]
    for number, line in enumerate(lines):
        if number in refused:
            yield refused[number]
            continue
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()
    if len(lines) == 1:
        yield "(no records)"


def _cell(value: Value, column: Column) -> str:
    if value is None:
        return "-"
    return _shorten(column.field_type.format_value(value))


def _text(record: Record) -> str:
    return bytes(record).decode(errors="replace")


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= CELL_CHARACTERS else f"{line[: CELL_CHARACTERS - 3]}..."
