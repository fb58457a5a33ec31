"""A Parquet file of the lake in, a file of an Iceberg table's own and its entry there out.

Iceberg's files may never change, and stay as long as a snapshot names them; the lake's are
replaced and compacted. And ``add_files`` looks for partition values in the files, where PyIceberg
looks for them too when it filters; ours are in folder names. So a table has files of its own:
the same rows with the slice's values and the date beside them, under names that hold a hash of
what they were made of. What Iceberg has no type for is stored otherwise, exactly: decimals of
more than 38 digits as text, nanoseconds since 1970 as whole numbers.
"""

from __future__ import annotations

import hashlib
from datetime import date
from uuid import uuid4

import pyarrow as pa
from pyarrow import parquet as pq
from pyiceberg.io.pyarrow import parquet_file_to_data_file
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.typedef import Record
from pyiceberg.types import DateType, IcebergType, StringType

from include.ticklake.convert import encodings
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, schema_history, table_schema
from include.ticklake.lake.corrupt_parquet import reading_parquet
from include.ticklake.lake.files import LakeFile
from include.ticklake.lake.hashing import sha256_of_object
from include.ticklake.lake.layout import SliceDay
from include.ticklake.lake.staged_object import staged
from include.ticklake.lake.storage import Storage

_DAY_ONE = date(1970, 1, 1)


class FileChangedError(Exception):
    """The lake's file is no longer the one that its manifest named: look at the manifests again."""


def iceberg_schema(feed: Feed) -> pa.Schema:
    """The columns of the table: those of the files, the slices', and ``date``."""
    folders = [pa.field(name, pa.string()) for name in feed.slices]
    columns = [
        pa.field(name, field.field_type.iceberg_arrow_type()) for name, field in feed.fields.items()
    ]
    return pa.schema([*columns, *folders, pa.field("date", pa.date32())])


def table_types(feed: Feed) -> dict[str, IcebergType]:
    """The types of the columns, in Iceberg's own words."""
    columns = {
        name: IcebergType.model_validate(field.field_type.engine_names().iceberg)
        for name, field in feed.fields.items()
    }
    return columns | {name: StringType() for name in feed.slices} | {"date": DateType()}


def table_key(feed: Feed, file: LakeFile) -> str:
    """``iceberg/<feed>/data/date=2026-11-22/<window>-<hash>.parquet``."""
    made_of = f"{file.sha256}\n{iceberg_schema(feed).to_string()}"
    digest = hashlib.sha256(made_of.encode()).hexdigest()
    return layout.iceberg_file_key(feed.name, file.slice_day.date, file.key, sha256=digest)


def data_file(feed: Feed, file: LakeFile, *, table: Table, storage: Storage) -> DataFile:
    """The table's entry for *file*, from a file of its own; ``Changed`` where it is another now.

    The entry is the one that ``add_files`` makes.
    """
    target = table_key(feed, file)
    if not storage.exists(target):
        partial = f"{layout.incomplete(target)}.{uuid4().hex}"
        try:
            storage.copy(file.key, partial)
            if sha256_of_object(partial, storage) != file.sha256:
                raise FileChangedError(f"{file.key} is not what its manifest says")
            with reading_parquet(file.key, storage=storage):
                _store(feed, file, partial, target, storage=storage)
        except FileNotFoundError:
            raise FileChangedError(f"{file.key} is missing") from None
        finally:
            storage.delete(partial)
    return parquet_file_to_data_file(table.io, table.metadata, storage.uri(target))


def partition(unit: SliceDay) -> Record:
    """The values of the slice, then the date in days since 1970."""
    return Record(*unit.slice.as_dict().values(), (unit.date - _DAY_ONE).days)


def _store(feed: Feed, file: LakeFile, partial: str, target: str, *, storage: Storage) -> None:
    """The rows at *partial* with the table's columns, a row group at a time."""
    folders = {**file.slice_day.slice.as_dict(), "date": file.slice_day.date}
    with storage.open_file(partial) as stream, staged(target, storage=storage) as sink:
        source = pq.ParquetFile(stream)
        # What the file has of the feed's columns, by whatever name: an older one may have fewer.
        names = {
            field.name: then
            for field in table_schema.arrow_schema(feed)
            if (then := schema_history.name_in_file(source.schema_arrow.names, feed, field.name))
        }
        table_fields = [
            field for field in iceberg_schema(feed) if field.name in names or field.name in folders
        ]
        writer = None
        for number in range(source.num_row_groups):
            rows = source.read_row_group(number, columns=[*names.values()], use_threads=False)
            arrays = [
                rows[names[field.name]].cast(field.type)
                if field.name in names
                else pa.repeat(pa.scalar(folders[field.name], field.type), rows.num_rows)
                for field in table_fields
            ]
            group = pa.table(arrays, schema=pa.schema(table_fields))
            if writer is None:
                writer = pq.ParquetWriter(
                    sink, group.schema, **encodings.choose_encoding(group).options()
                )
            writer.write_table(group)
        if writer:
            writer.close()
