"""Show the first records of one window as the lake would hold them; nothing is stored."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from include.ticklake.sources import auth, rate_store, source
from include.ticklake.sources.event_time import event_ns_of
from include.ticklake.sources.source import SourceContext
from include.ticklake.sources.sql import engines
from include.ticklake.types.values import InvalidValueError, Value

log = logging.getLogger(__name__)

CELL_CHARACTERS = 40
NO_RECORDS = "(no records)"

Row = Sequence[str | None] | str
"""The names of the columns, or a record's values as text; a record that is refused is one text."""


def preview(
    feed: Feed,
    *,
    start: datetime,
    slice_: Slice,
    rows: int,
    base_url: str | None,
    env: Mapping[str, str],
) -> Iterator[Row]:
    """Yield the names of the lake's columns, then up to *rows* records.

    The records are of the window that contains *start*, and of the feed's first slice if
    *slice_* is empty. A record that would be quarantined is one text that says why. Those
    outside the window, which the lake would leave out, are shown; the log says so.
    """
    context = SourceContext(
        get_credentials=partial(auth.credentials_from_env, env=env),
        connect=partial(engines.engine_from_env, env=env),
        base_url=base_url,
        rate_store=rate_store.from_env(env),
    )
    slice_ = plan.normalize_slice(feed, slice_) if slice_.values else feed.first_slice
    window = next(split_range(start, start + timedelta(seconds=1), length=feed.window))
    return _rows(feed, Unit(slice_, window), context=context, rows=rows)


def _rows(feed: Feed, unit: Unit, *, context: SourceContext, rows: int) -> Iterator[Row]:
    now_ms = int(time.time() * 1000)
    columns = table_schema.columns(feed)
    raw = {
        column.name: RawColumn(column.path) for column in columns if column.field_type.is_raw_json
    }
    yield [column.name for column in columns]
    event_ns, shown, outside = event_ns_of(feed), 0, 0
    with closing(source.pages(feed, unit, context=context)) as pages:
        records = (record for _, page in pages for record in page)
        for record in islice(records, rows):
            shown += 1
            at_ns = None if feed.snapshot else event_ns(record)
            if at_ns is not None and not unit.window.start_ns <= at_ns < unit.window.end_ns:
                outside += 1
            try:
                values = record_parser.row(bytes(record), columns, raw=raw, fetched_at_ms=now_ms)
            except InvalidValueError as error:
                yield f"quarantined: {error}: {_shorten(_text(record))}"
            else:
                yield [
                    _text_of(value, column) for value, column in zip(values, columns, strict=True)
                ]
    if not shown:
        yield NO_RECORDS
    if outside:
        log.warning(
            "preview.outside feed=%s window=%s records=%d outside=%d: the lake would leave these "
            "out; check the parameters of source.params and source.paging that hold the window",
            feed.name, unit.window.name, shown, outside,
        )  # fmt: skip


def as_cells(rows: Iterable[Row]) -> Iterator[Sequence[str] | str]:
    """*rows* for a table: long values are cut."""
    for row in rows:
        if isinstance(row, str):
            yield row
        else:
            yield ["-" if text is None else _shorten(text) for text in row]


def as_records(rows: Iterable[Row]) -> Iterator[dict[str, str | None]]:
    """*rows* for a program: each record by the names of the columns, every value as text."""
    names: Sequence[str | None] = ()
    for row in rows:
        if not names:
            names = row
        elif not isinstance(row, str):
            yield {str(name): text for name, text in zip(names, row, strict=True)}
        elif row != NO_RECORDS:
            yield {"refused": row}


def _text_of(value: Value, column: Column) -> str | None:
    return None if value is None else column.field_type.format_value(value)


def _text(record: Record) -> str:
    return bytes(record).decode(errors="replace")


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= CELL_CHARACTERS else f"{line[: CELL_CHARACTERS - 3]}..."
