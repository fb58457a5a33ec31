"""Reading the lake: the rows of a feed's slices and range of time, as Arrow.

The files that the manifests name are read, so a reader sees each row once at any moment,
also while a day is being compacted. Which files, row groups and columns are touched is
decided by ``pyarrow.dataset`` from the file's own statistics. In a notebook::

    lake = Storage.open("s3://bucket/prefix", os.environ)
    feed = loader.load("binance_agg_trades")
    read.table(feed, storage=lake, start=parse_instant("2026-11-22"), columns=["price"])
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial, reduce
from operator import and_, or_
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import dataset as ds

from include.ticklake.errors import CorruptParquetError, TicklakeError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, table_schema
from include.ticklake.lake.corrupt_parquet import reading_parquet
from include.ticklake.lake.day_ranges import FileRange, raise_corrupt
from include.ticklake.lake.files import manifest_files
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.table_schema import LakeSchema
from include.ticklake.model.times import epoch_ns

log = logging.getLogger(__name__)

OnError = Literal["raise", "skip"]
"""What to do about a damaged object; with ``skip`` a warning names it, and the rest is read."""


def scan(
    feed: Feed,
    *,
    storage: Storage,
    slices: Iterable[Mapping[str, str]] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    columns: Sequence[str] | None = None,
    on_error: OnError = "raise",
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of ``[start, end)``, slice by slice in the order of time.

    *columns* are the feed's and its slices'. Defaults to all. ``FileNotFoundError`` where a
    day was compacted after the manifests were read: scan again. ``CorruptManifestError`` and
    ``CorruptParquetError`` name the unit that is damaged; with *on_error* ``"skip"``, what can be
    read is yielded all the same: the other units, and of a file its other row groups.
    """
    ranges = manifest_files(
        feed, storage=storage, slices=slices, start=start, end=end,
        on_corrupt=_log_skipped if on_error == "skip" else raise_corrupt,
    )  # fmt: skip
    query = partial(
        query_of, feed, storage=storage, start=start, end=end, columns=_columns(feed, columns)
    )
    for group in _groups(ranges):
        if on_error == "skip":
            for file_range in group:
                with _skipping(file_range.key, storage):
                    yield from _readable_batches(query([file_range]), storage)
        elif group:
            yield from _batches(query(group), storage)


def table(
    feed: Feed,
    *,
    storage: Storage,
    slices: Iterable[Mapping[str, str]] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    columns: Sequence[str] | None = None,
    on_error: OnError = "raise",
) -> pa.Table:
    """Return what ``scan`` yields as one table: all of it in memory."""
    batches = scan(
        feed, storage=storage, slices=slices, start=start, end=end, columns=columns,
        on_error=on_error,
    )  # fmt: skip
    schema = _schema(feed)
    names = _columns(feed, columns)
    return pa.Table.from_batches(batches, pa.schema([schema.field(name) for name in names]))


def dataset(feed: Feed, *, storage: Storage) -> ds.Dataset:
    """The Parquet folder as any engine sees it: during a compaction rows may appear twice."""
    return ds.dataset(
        layout.feed_folder(layout.Area.PARQUET, feed.name),
        schema=_schema_of_files(feed),
        format="parquet",
        filesystem=storage.store.arrow_file_system(),
        partitioning=_partitioning(feed),
    )


class Query(NamedTuple):
    """What is read of some files."""

    dataset: ds.FileSystemDataset
    columns: Mapping[str, ds.Expression]
    row_filter: ds.Expression | None

    def fragments(self) -> Iterator[ds.ParquetFileFragment]:
        """The files, one by one."""
        yield from self.dataset.get_fragments()

    def row_groups(self, fragment: ds.ParquetFileFragment) -> list[ds.ParquetFileFragment]:
        """The row groups of one file that may have such rows, by their statistics."""
        return list(fragment.split_by_row_group(self.row_filter, schema=self.dataset.schema))

    def batches(self, fragment: ds.ParquetFileFragment) -> Iterator[pa.RecordBatch]:
        """The rows of one file, or of some of its row groups."""
        yield from fragment.to_batches(
            schema=self.dataset.schema, columns=dict(self.columns), filter=self.row_filter
        )


def query_of(
    feed: Feed,
    group: Sequence[FileRange],
    *,
    storage: Storage,
    start: datetime | None,
    end: datetime | None,
    columns: Sequence[str],
) -> Query:
    """What reads the *columns* of ``[start, end)``: of some whole files, or of one partial one."""
    return Query(
        dataset=_dataset(feed, group, storage=storage),
        columns={name: _value(feed, name) for name in columns},
        row_filter=_filter(feed, group[0], start, end),
    )


def _batches(query: Query, storage: Storage) -> Iterator[pa.RecordBatch]:
    """The rows of the files; an error names the first of them that cannot be read."""
    try:
        yield from query.dataset.to_batches(columns=dict(query.columns), filter=query.row_filter)
    except (TicklakeError, FileNotFoundError, MemoryError):
        raise
    except Exception:
        # Several files are read at once: which of them it was shows when each is read alone.
        for fragment in query.fragments():
            with reading_parquet(fragment.path, storage=storage):
                for _ in query.batches(fragment):
                    pass
        raise


def _readable_batches(query: Query, storage: Storage) -> Iterator[pa.RecordBatch]:
    """The rows of each row group that can be read; the others are logged."""
    for fragment in query.fragments():
        groups: list[ds.ParquetFileFragment] = []
        with _skipping(fragment.path, storage):
            groups = query.row_groups(fragment)
        for group in groups:
            batches: list[pa.RecordBatch] = []
            with _skipping(fragment.path, storage):
                # All of them before the first is yielded: half a row group is not a result.
                batches = list(query.batches(group))
            yield from batches


@contextmanager
def _skipping(key: str, storage: Storage) -> Iterator[None]:
    try:
        with reading_parquet(key, storage=storage):
            yield
    except (CorruptParquetError, FileNotFoundError) as error:
        _log_skipped(error)


def _log_skipped(error: Exception) -> None:
    log.warning("read.skipped %s", error)


def _dataset(feed: Feed, group: Sequence[FileRange], *, storage: Storage) -> ds.FileSystemDataset:
    """One dataset of files that are read with the same filter."""
    # The partition values are the same in every area, and so is the length of its name.
    return ds.dataset(
        [file_range.key for file_range in group],
        schema=_schema_of_files(feed),
        format="parquet",
        filesystem=storage.store.arrow_file_system(),
        partitioning=_partitioning(feed),
    )


def _groups(ranges: Iterable[FileRange]) -> Iterator[list[FileRange]]:
    """Runs of whole files, and each part of a file by itself."""
    run: list[FileRange] = []
    for file_range in ranges:
        if not file_range.is_partial:
            run.append(file_range)
            continue
        yield run
        yield [file_range]
        run = []
    yield run


def _filter(
    feed: Feed, file_range: FileRange, start: datetime | None, end: datetime | None
) -> ds.Expression | None:
    name, field = feed.event_time
    first = [epoch_ns(start)] if start is not None else []
    after = [epoch_ns(end)] if end is not None else []
    if file_range.is_partial:
        first.append(file_range.first_event_ns)
        after.append(file_range.last_event_ns + 1)
    schema, names = LakeSchema.of(feed), [name, *field.renamed_from]
    starts = [pc.field(name) >= _scalar(max(first), schema) for name in names if first]
    ends = [pc.field(name) < _scalar(min(after), schema) for name in names if after]
    # A file has one of a renamed column's names; a comparison with the others never matches.
    sides = [reduce(or_, side) for side in (starts, ends) if side]
    return reduce(and_, sides) if sides else None


def _scalar(ns: int, schema: LakeSchema) -> pa.Scalar:
    """The instant *ns* in lake units, rounded up: the least that is not before it."""
    in_units = min(max(-(-ns // schema.ns_per_unit), -(2**63)), 2**63 - 1)
    instant = pa.scalar(in_units, pa.int64())
    return instant.cast(schema.event_time.arrow_type)


def _schema(feed: Feed) -> pa.Schema:
    """The columns of the files, then those of the folders."""
    # A column that is not in an older file is null there.
    inside = [field.with_nullable(True) for field in table_schema.arrow_schema(feed)]
    return pa.schema([*inside, *_folders(feed)])


def _schema_of_files(feed: Feed) -> pa.Schema:
    """What is in files of any version of the feed: renamed columns under each of their names."""
    older = [
        pa.field(old, field.field_type.arrow_type())
        for field in feed.fields.values()
        for old in field.renamed_from
    ]
    return pa.schema([*_schema(feed), *older])


def _folders(feed: Feed) -> list[pa.Field]:
    named = [pa.field(name, pa.string()) for name in feed.slices]
    return [*named, pa.field("date", pa.date32())]


def _partitioning(feed: Feed) -> ds.Partitioning:
    return ds.partitioning(pa.schema(_folders(feed)), flavor="hive")


def _value(feed: Feed, name: str) -> ds.Expression:
    """The column *name*, whatever it was called when a file was written."""
    older = feed.fields[name].renamed_from if name in feed.fields else []
    if not older:
        return pc.field(name)
    return pc.coalesce(pc.field(name), *map(pc.field, older))


def _columns(feed: Feed, columns: Sequence[str] | None) -> list[str]:
    return list(columns) if columns is not None else _schema(feed).names
