"""Reading a slice's rows under a budget: for who answers a request, and must answer soon.

One row group is read at a time, and none that the budget does not cover: what is in memory at a
time is at most its ``max_bytes`` of compressed columns, and one batch of rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
from pyarrow import dataset as ds

from include.ticklake.errors import CorruptParquetError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import read
from include.ticklake.lake.corrupt_parquet import reading_parquet
from include.ticklake.lake.files import slice_files
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice

_BATCH_ROWS = 32_768
_IN_ORDER = {"batch_size": _BATCH_ROWS, "batch_readahead": 0, "fragment_readahead": 0}
"""One after the other, and none ahead: what is read ahead is in memory as well."""


@dataclass(slots=True, kw_only=True)
class ReadBudget:
    """How much may be read, and what was read of it."""

    max_bytes: int
    """Of column chunks, compressed as they are stored."""
    max_rows: int
    """Of the row groups that are read, before the range is cut out of them."""
    max_seconds: float
    """No further row group is read after as long."""
    clock: Callable[[], float] = time.monotonic
    used_bytes: int = 0
    used_rows: int = 0
    is_spent: bool = False
    """Whether something was left out."""
    skipped: list[str] = field(default_factory=list)
    """What is damaged or was replaced meanwhile, and was left out therefore."""
    _started: float | None = None

    def covers(self, *, size_bytes: int, rows: int) -> bool:
        """Take so much out of the budget; False, then and later, where less is left."""
        if self._started is None:
            self._started = self.clock()
        is_late = self.clock() - self._started > self.max_seconds
        self.is_spent = self.is_spent or (
            is_late
            or self.used_bytes + size_bytes > self.max_bytes
            or self.used_rows + rows > self.max_rows
        )
        if not self.is_spent:
            self.used_bytes += size_bytes
            self.used_rows += rows
        return not self.is_spent

    def skip(self, error: Exception) -> None:
        """Note that something is left out because of *error*."""
        self.skipped.append(str(error))


def batches(
    feed: Feed,
    slice_: Slice,
    *,
    storage: Storage,
    start: datetime,
    end: datetime,
    columns: Sequence[str],
    budget: ReadBudget,
) -> Iterator[pa.RecordBatch]:
    """Yield the *columns* of the rows of ``[start, end)`` until *budget* is spent, oldest first.

    What is damaged is left out, and *budget* lists it.
    """
    names = _stored_names(feed, columns)
    files = slice_files(feed, slice_, storage=storage, start=start, end=end, on_corrupt=budget.skip)
    # Before the first manifest is read: a day of them takes time as well.
    if not budget.covers(size_bytes=0, rows=0):
        return
    for file_range in files:
        try:
            with reading_parquet(file_range.key, storage=storage):
                query = read.query_of(
                    feed, [file_range], storage=storage, start=start, end=end, columns=columns
                )
                yield from _of_file(query, names, budget)
        except (CorruptParquetError, FileNotFoundError) as error:
            budget.skip(error)
        if not budget.covers(size_bytes=0, rows=0):
            return


def _of_file(query: read.Query, names: set[str], budget: ReadBudget) -> Iterator[pa.RecordBatch]:
    for fragment in query.fragments():
        for group in query.row_groups(fragment):
            size_bytes, rows = _size(group, names)
            if not budget.covers(size_bytes=size_bytes, rows=rows):
                return
            yield from group.to_batches(
                schema=query.dataset.schema, columns=dict(query.columns),
                filter=query.row_filter, use_threads=False, **_IN_ORDER,
            )  # fmt: skip


def _stored_names(feed: Feed, columns: Sequence[str]) -> set[str]:
    """What *columns* and the event time are called in the files, now or in older ones."""
    names = {*columns, feed.event_time[0]}
    fields = [feed.fields[name] for name in names if name in feed.fields]
    return names.union(*(field.renamed_from for field in fields))


def _size(group: ds.ParquetFileFragment, names: set[str]) -> tuple[int, int]:
    """Bytes of the column chunks of *names*, and rows, of a fragment that is one row group."""
    chunk_bytes = rows = 0
    for info in group.row_groups:
        row_group = group.metadata.row_group(info.id)
        rows += row_group.num_rows
        for number in range(row_group.num_columns):
            column = row_group.column(number)
            if column.path_in_schema.partition(".")[0] in names:
                chunk_bytes += column.total_compressed_size
    return chunk_bytes, rows
