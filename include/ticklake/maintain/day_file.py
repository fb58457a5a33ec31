"""Writing the Parquet file of a day from the files of its windows, and checking it.

One row group is in memory, and the one that is gathered from it. The writer and
the parity check are the converter's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from include.ticklake import __version__
from include.ticklake.convert import parquet_writer
from include.ticklake.convert.budget import Budget
from include.ticklake.convert.parity import ParityCheck
from include.ticklake.convert.stored_batches import stored_batches
from include.ticklake.errors import ParityError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import schema_history
from include.ticklake.lake.corrupt_parquet import reading_parquet
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.hashing import HashingWriter, sha256_of_object
from include.ticklake.lake.schema_history import SchemaVersion
from include.ticklake.lake.staged_object import StagedObject
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.table_schema import LakeSchema
from include.ticklake.model.slice import Slice
from include.ticklake.model.times import UNIT_NS
from include.ticklake.model.window import Window

_READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSource:
    """Where the rows of one window are read from."""

    window: CompactedWindow
    key: str
    sha256: str | None
    """Of the whole file; None where it is a day's, whose manifest may be a step behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayWriter:
    """Writes the file of one day of a slice."""

    feed: Feed
    slice: Slice
    day: Window
    storage: Storage
    budget: Budget
    schema_version: SchemaVersion

    def write(
        self, key: str, sources: list[WindowSource], *, declare_sorted: bool
    ) -> tuple[CompactedDay, StagedObject]:
        """Return the day with the rows of *sources*, and its checked file, to publish at *key*."""
        target = StagedObject(key, storage=self.storage)
        try:
            return self._write_to(target, key, sources, declare_sorted=declare_sorted), target
        except BaseException:
            target.discard()
            raise

    def _write_to(
        self, target: StagedObject, key: str, sources: list[WindowSource], *, declare_sorted: bool
    ) -> CompactedDay:
        schema = LakeSchema.of(self.feed)
        parity = ParityCheck(schema.arrow)
        sink = HashingWriter(target)
        tables = parquet_writer.row_groups(
            parity.tap_batches(self._rows(sources)),
            event_time=schema.event_time.name,
            max_rows=self.budget.row_group_rows,
            # Reading holds a page of each column at once, which converting does not.
            max_bytes=self.budget.row_group_bytes // 2,
        )
        written = parquet_writer.write(
            parity.tap_row_groups(tables),
            sink,
            schema=schema.arrow,
            event_time=schema.event_time.name,
            declare_sorted=declare_sorted,
            metadata=self._provenance(),
            expected_rows=sum(source.window.rows for source in sources),
        )
        sink.close()
        with target.open_file() as source:
            parity.check(source, where=self.storage.uri(key))
        return CompactedDay(
            feed=self.feed.name,
            slice=self.slice.as_dict(),
            window=self.day.name,
            key=key if written.rows else None,
            rows=written.rows,
            parquet_bytes=sink.size_bytes if written.rows else 0,
            sha256=sink.hexdigest() if written.rows else None,
            row_groups=written.row_groups,
            sorted=declare_sorted,
            windows=tuple(sorted((s.window for s in sources), key=lambda window: window.window)),
        )

    def _rows(self, sources: Iterable[WindowSource]) -> Iterator[pa.RecordBatch]:
        for source in sources:
            if not source.window.rows:
                continue
            rows = 0
            for batch in self._window(source):
                rows += batch.num_rows
                yield batch
            pa.default_memory_pool().release_unused()
            if rows != source.window.rows:
                raise _changed(
                    self.storage.uri(source.key), f"{rows} rows were read", source.window
                )

    def _window(self, source: WindowSource) -> Iterator[pa.RecordBatch]:
        """The rows of one window, from a file that is what was converted.

        It is checked twice: reading takes many requests, and it may be replaced between two.
        """
        self._check_file(source)
        yield from window_rows(self.feed, source.window, key=source.key, storage=self.storage)
        self._check_file(source)

    def _check_file(self, source: WindowSource) -> None:
        if source.sha256 is None:
            return
        try:
            is_same = sha256_of_object(source.key, self.storage) == source.sha256
        except FileNotFoundError:
            raise _changed(
                self.storage.uri(source.key), "the file is gone", source.window
            ) from None
        if not is_same:
            raise _changed(self.storage.uri(source.key), "its sha256 differs", source.window)

    def _provenance(self) -> dict[str, str]:
        return {
            "ticklake.version": __version__,
            "ticklake.schema_version": str(self.schema_version.number),
            "ticklake.feed": self.feed.name,
            "ticklake.slice": self.slice.path,
            "ticklake.window": self.day.name,
            "ticklake.source_host": self.feed.host,
        }


def window_rows(
    feed: Feed, window: CompactedWindow, *, key: str, storage: Storage
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of *window* from the file at *key*, its own or its day's, batch by batch.

    ``CorruptParquetError`` where the file cannot be read.
    """
    schema = LakeSchema.of(feed)
    name = schema.event_time.name
    ends = [(ns or 0) // schema.ns_per_unit for ns in (window.first_event_ns, window.last_event_ns)]
    with (
        reading_parquet(key, storage=storage),
        storage.open_file(key) as opened,
        pq.ParquetFile(opened, pre_buffer=False) as file,
    ):
        groups = _groups(
            file, schema_history.name_in_file(file.schema_arrow.names, feed, name) or name, window
        )
        for stored in stored_batches(file, groups):
            batch = schema_history.to_current_schema(stored, feed)
            at = batch.column(name).cast(pa.int64())
            inside = pc.and_(pc.greater_equal(at, ends[0]), pc.less_equal(at, ends[1]))
            rows = batch if pc.all(inside, skip_nulls=False).as_py() else batch.filter(inside)
            if rows.num_rows:
                yield rows


def _groups(file: pq.ParquetFile, event_time: str, window: CompactedWindow) -> list[int]:
    """The row groups that may have rows of *window*, by their statistics."""
    column = file.schema_arrow.names.index(event_time)
    ns_per_unit = UNIT_NS[file.schema_arrow.field(column).type.unit]
    first, last = ((ns or 0) // ns_per_unit for ns in (window.first_event_ns, window.last_event_ns))
    statistics = [
        file.metadata.row_group(number).column(column).statistics
        for number in range(file.num_row_groups)
    ]
    return [
        number
        for number, stats in enumerate(statistics)
        if stats.min_raw <= last and stats.max_raw >= first
    ]


def _changed(where: str, difference: str, window: CompactedWindow) -> ParityError:
    return ParityError(
        f"{where}: window {window.window} is not as it was converted, with {window.rows} rows: "
        f"{difference}; nothing was committed. `rebuild` that window, then `compact` the day again"
    )
