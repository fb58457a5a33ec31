"""Reading the lake: the rows of a feed's slices and range of time, as Arrow.

The files that the manifests name are read, so a reader sees each row once at any moment,
also while a day is being compacted. Which files, row groups and columns are touched is
decided by ``pyarrow.dataset`` from the file's own statistics. In a notebook::

    lake = Storage.open("s3://bucket/prefix", os.environ)
    feed = loader.load("binance_agg_trades")
    read.table(feed, storage=lake, start=parse_instant("2026-11-22"), columns=["price"])
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import and_, or_

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import dataset as ds

from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, table_schema
from include.ticklake.lake.files import FileRange, manifest_files
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.table_schema import LakeSchema
from include.ticklake.model.times import epoch_ns


def scan(
    feed: Feed,
    *,
    storage: Storage,
    slices: Iterable[Mapping[str, str]] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    columns: Sequence[str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of ``[start, end)``, slice by slice in the order of time.

    *columns* are the feed's and its slices'. Defaults to all. ``FileNotFoundError`` where a
    day was compacted after the manifests were read: scan again.
    """
    ranges = manifest_files(feed, storage=storage, slices=slices, start=start, end=end)
    for group in _groups(ranges):
        if dataset := _dataset(feed, group, storage=storage):
            row_filter = _filter(feed, group[0], start, end)
            values = {name: _value(feed, name) for name in _columns(feed, columns)}
            yield from dataset.to_batches(columns=values, filter=row_filter)


def table(
    feed: Feed,
    *,
    storage: Storage,
    slices: Iterable[Mapping[str, str]] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """Return what ``scan`` yields as one table: all of it in memory."""
    batches = scan(feed, storage=storage, slices=slices, start=start, end=end, columns=columns)
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


def _dataset(feed: Feed, group: Sequence[FileRange], *, storage: Storage) -> ds.Dataset | None:
    """One dataset of files that are read with the same filter."""
    if not group:
        return None
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
    instant = pa.scalar(-(-ns // schema.ns_per_unit), pa.int64())
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
