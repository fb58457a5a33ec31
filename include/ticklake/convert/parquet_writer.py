"""Record batches in, one Parquet stream out: bounded row groups, sorted by event time.

One row group is held, and a second one while the first is sorted or written. Rows that
arrive a little late are sorted in as long as they belong to the last eighth of a row group;
rows that arrive later leave the file unsorted, and then it does not claim to be sorted. Rows
of the same instant keep the order of the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from include.ticklake.convert.encodings import Encoding, choose_encoding
from include.ticklake.memory.usage import SMALL_BYTES, return_buffers

ARRAY_BYTES = 1024
"""What an Arrow array takes besides its values."""

_SLACK_SHARE = 8
_FEW_ROWS = 16
FEW_ROW_GROUPS = 8
"""What a file of more of them keeps until its end, a few kilobytes for each, makes holes in the
heap: 16 MB in ten million records, where freed buffers stay there. Then they no longer do."""

MAX_INDEXED_ROWS = 16_000_000
"""A file of more has no page index, which Arrow holds until its end: two thirds of what it keeps of
each row group, 11 MB of 16 in a hundred million rows of eight columns."""


class OutOfOrderError(Exception):
    """A row group begins before the one before it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """What a Parquet stream holds."""

    rows: int
    row_groups: int


def row_groups(
    batches: Iterable[pa.RecordBatch], *, event_time: str, max_rows: int, max_bytes: int
) -> Iterator[pa.Table]:
    """Gather *batches* into tables of at most *max_rows*, each sorted by *event_time*.

    A table is yielded once there is an eighth more than *max_rows* or *max_bytes* of Arrow memory,
    so that the last one is not tiny, or once another row would exceed the bytes. Where rows differ
    in size, a table may exceed them.
    """
    pending: list[pa.RecordBatch] = []
    rows = size_bytes = 0
    ordered = True
    for batch in batches:
        ordered = ordered and _follows(batch, pending, event_time)
        pending = _compacted([*pending, batch], max_bytes=max_bytes // 2)
        rows += batch.num_rows
        size_bytes += batch.nbytes
        del batch
        while rows and (
            _more_than_full(rows, max_rows)
            or _more_than_full(size_bytes, max_bytes)
            or (size_bytes > max_bytes // 2 and rows < _FEW_ROWS)
        ):
            table = _sorted(pending, event_time, ordered=ordered)
            slack_rows = 0 if ordered else rows // _SLACK_SHARE
            fitting_rows = max(min(max_rows, rows * max_bytes // max(size_bytes, 1)), 1)
            group = table.slice(0, min(fitting_rows, rows - slack_rows))
            remainder = table.slice(group.num_rows)
            pending, rows, ordered = remainder.to_batches(), remainder.num_rows, True
            size_bytes = remainder.nbytes
            del table, remainder
            yield group
            del group
    if rows:
        table = _sorted(pending, event_time, ordered=ordered)
        is_full = rows > max_rows or size_bytes > max_bytes
        first_rows = -(-rows // 2) if is_full else rows
        yield table.slice(0, first_rows)
        if rows > first_rows:
            yield table.slice(first_rows)


def _compacted(batches: list[pa.RecordBatch], *, max_bytes: int) -> list[pa.RecordBatch]:
    """*batches*, as one where they take more than *max_bytes* besides their values.

    Those of a few rows do: of many columns, or between records that were refused.
    """
    arrays = len(batches) * batches[0].num_columns
    is_small = len(batches) == 1 or arrays * ARRAY_BYTES <= max_bytes
    return batches if is_small else [pa.concat_batches(batches)]


def _more_than_full(size: int, limit: int) -> bool:
    return size > limit + limit // _SLACK_SHARE


def _follows(batch: pa.RecordBatch, pending: list[pa.RecordBatch], event_time: str) -> bool:
    """Whether *batch* is sorted and begins where *pending* ends, or later."""
    times = batch.column(event_time)
    if pending and pending[-1].column(event_time)[-1].value > times[0].value:
        return False
    return is_sorted(times)


def is_sorted(times: pa.Array) -> bool:
    """Whether *times* never decrease."""
    if len(times) < 2:
        return True
    return bool(pc.all(pc.less_equal(times.slice(0, len(times) - 1), times.slice(1))).as_py())


def _sorted(pending: list[pa.RecordBatch], event_time: str, *, ordered: bool) -> pa.Table:
    table = pa.Table.from_batches(pending)
    if ordered:
        return table
    # Arrow sorts stably: rows of one instant stay as they were.
    return table.take(pc.sort_indices(table, sort_keys=[(event_time, "ascending")]))


def write(
    tables: Iterable[pa.Table],
    sink: Any,  # noqa: ANN401 - a binary stream
    *,
    schema: pa.Schema,
    event_time: str,
    declare_sorted: bool,
    metadata: Mapping[str, str],
    expected_rows: int = 0,
) -> WriteResult:
    """Write each of *tables* as one row group of a Parquet file into *sink*.

    With *declare_sorted* the file says that it is sorted by *event_time*, and ``OutOfOrderError``
    ends the writing where it is not. With more *expected_rows* than ``MAX_INDEXED_ROWS`` it has no
    page index. The sink is left open in any case.
    """
    by = [pq.SortingColumn(schema.get_field_index(event_time))] if declare_sorted else None
    how: dict[str, object] = {
        "sorting_columns": by,
        "write_page_index": expected_rows <= MAX_INDEXED_ROWS,
    }
    rows = row_groups = 0
    last: int | None = None
    with ExitStack() as closing:
        writer: pq.ParquetWriter | None = None
        for table in tables:
            if writer is None:
                # Also after an exception it ends its file, which lies where nobody looks.
                writer = closing.enter_context(_writer(sink, schema, choose_encoding(table), how))
            times = table.column(event_time)
            if declare_sorted and last is not None and times[0].value < last:
                raise OutOfOrderError
            last = times[-1].value
            writer.write_table(table, row_group_size=table.num_rows)
            rows += table.num_rows
            row_groups += 1
            del table, times  # before the next row group is gathered
            pa.default_memory_pool().release_unused()
            if row_groups > FEW_ROW_GROUPS:
                return_buffers(from_bytes=SMALL_BYTES)
        if writer is None:
            encoding = choose_encoding(schema.empty_table())
            writer = closing.enter_context(_writer(sink, schema, encoding, how))
        writer.add_key_value_metadata(dict(metadata))
    return WriteResult(rows=rows, row_groups=row_groups)


def _writer(
    sink: Any,  # noqa: ANN401 - a binary stream
    schema: pa.Schema,
    encoding: Encoding,
    how: dict[str, object],
) -> pq.ParquetWriter:
    return pq.ParquetWriter(sink, schema, store_schema=False, **encoding.options() | how)
