"""The files of a day's windows in, one Parquet file of the day out: written and checked.

A row group is held at a time, and the one that is gathered from them. The writer and
the parity check are the converter's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from include.ticklake import __version__
from include.ticklake.convert import parquet_writer
from include.ticklake.convert.budget import Budget
from include.ticklake.convert.parity import ParityCheck
from include.ticklake.errors import ParityError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import schema_history
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.hashing import HashingWriter, sha256_of_object
from include.ticklake.lake.schema_history import SchemaVersion
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.table_schema import LakeSchema
from include.ticklake.model.slice import Slice
from include.ticklake.model.times import UNIT_NS
from include.ticklake.model.window import Window

_BATCH_ROWS = 8_192
_READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSource:
    """Where the rows of one window are read from."""

    hour: CompactedWindow
    key: str
    sha256: str | None
    """Of the whole file; None where it is a day's, whose manifest may be a step behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayWriter:
    """What one compaction is about."""

    feed: Feed
    piece: Slice
    day: Window
    storage: Storage
    budgets: Budget
    place: SchemaVersion

    def to(
        self, partial: str, key: str, sources: list[WindowSource], *, declare_sorted: bool
    ) -> CompactedDay:
        """Write the rows of *sources* to *partial* and compare them with their accounts."""
        schema = LakeSchema.of(self.feed)
        parity = ParityCheck(schema.arrow)
        with closing(HashingWriter(self.storage.open_output(partial))) as sink:
            tables = parquet_writer.row_groups(
                parity.tap_batches(self._rows(sources)),
                event_time=schema.event_time.name,
                max_rows=self.budgets.row_group_rows,
                # Reading holds a page of each column at once, which converting does not.
                max_bytes=self.budgets.row_group_bytes // 2,
            )
            written = parquet_writer.write(
                parity.tap_row_groups(tables),
                sink,
                schema=schema.arrow,
                event_time=schema.event_time.name,
                declare_sorted=declare_sorted,
                metadata=self._provenance(),
            )
        with self.storage.open_file(partial) as source:
            parity.check(source, where=self.storage.uri(key))
        return CompactedDay(
            feed=self.feed.name,
            slice=self.piece.as_dict(),
            window=self.day.name,
            key=key if written.rows else None,
            rows=written.rows,
            parquet_bytes=sink.size_bytes if written.rows else 0,
            sha256=sink.hexdigest() if written.rows else None,
            row_groups=written.row_groups,
            sorted=declare_sorted,
            windows=tuple(sorted((one.hour for one in sources), key=lambda hour: hour.window)),
        )

    def _rows(self, sources: Iterable[WindowSource]) -> Iterator[pa.RecordBatch]:
        for source in sources:
            if not source.hour.rows:
                continue
            rows = 0
            for batch in self._of(source):
                rows += batch.num_rows
                yield batch
            pa.default_memory_pool().release_unused()
            if rows != source.hour.rows:
                raise _changed(self.storage.uri(source.key), f"{rows} rows of", source.hour)

    def _of(self, source: WindowSource) -> Iterator[pa.RecordBatch]:
        """The rows of one window; its own file proves to be what was converted.

        Twice: it is read in many requests, and may be replaced between two of them.
        """
        self._prove(source)
        yield from window_rows(self.feed, source.hour, key=source.key, storage=self.storage)
        self._prove(source)

    def _prove(self, source: WindowSource) -> None:
        if source.sha256 is None:
            return
        try:
            same = sha256_of_object(source.key, self.storage) == source.sha256
        except FileNotFoundError:
            raise _changed(self.storage.uri(source.key), "nothing of", source.hour) from None
        if not same:
            raise _changed(self.storage.uri(source.key), "another sha256 than", source.hour)

    def _provenance(self) -> dict[str, str]:
        return {
            "ticklake.version": __version__,
            "ticklake.schema_version": str(self.place.number),
            "ticklake.feed": self.feed.name,
            "ticklake.slice": self.piece.path,
            "ticklake.window": self.day.name,
            "ticklake.source_host": self.feed.host,
        }


def window_rows(
    feed: Feed, hour: CompactedWindow, *, key: str, storage: Storage
) -> Iterator[pa.RecordBatch]:
    """The rows of *hour* in the file at *key*: its own, or its day's. A batch is held."""
    schema = LakeSchema.of(feed)
    name = schema.event_time.name
    ends = [(ns or 0) // schema.ns_per_unit for ns in (hour.first_event_ns, hour.last_event_ns)]
    with storage.open_file(key) as opened, pq.ParquetFile(opened, pre_buffer=False) as file:
        groups = _groups(
            file, schema_history.name_in_file(file.schema_arrow.names, feed, name) or name, hour
        )
        # A batch at a time: a row group would be held twice, here and where it is gathered.
        for stored in file.iter_batches(_BATCH_ROWS, row_groups=groups, use_threads=False):
            batch = schema_history.to_current_schema(stored, feed)
            at = batch.column(name).cast(pa.int64())
            inside = pc.and_(pc.greater_equal(at, ends[0]), pc.less_equal(at, ends[1]))
            mine = batch if pc.all(inside).as_py() else batch.filter(inside)
            if mine.num_rows:
                yield mine


def _groups(file: pq.ParquetFile, event_time: str, hour: CompactedWindow) -> list[int]:
    """The row groups that may hold rows of *hour*, by their statistics."""
    column = file.schema_arrow.names.index(event_time)
    ns_per_unit = UNIT_NS[file.schema_arrow.field(column).type.unit]
    first, last = ((ns or 0) // ns_per_unit for ns in (hour.first_event_ns, hour.last_event_ns))
    known = [
        file.metadata.row_group(number).column(column).statistics
        for number in range(file.num_row_groups)
    ]
    return [n for n, one in enumerate(known) if one.min_raw <= last and one.max_raw >= first]


def _changed(where: str, what: str, hour: CompactedWindow) -> ParityError:
    return ParityError(
        f"{where}: it has {what} window {hour.window} as it was converted ({hour.rows} rows); "
        "nothing was committed. Rebuild that window, then compact again"
    )
