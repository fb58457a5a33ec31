"""A Parquet file of the lake in, a file of an Iceberg table's own and its entry there out.

Iceberg's files may never change, and stay as long as a snapshot names them; the lake's are
replaced and compacted. So a table has copies, under names that hold the hash of the original.
What Iceberg has no type for is stored otherwise in the copy, exactly: decimals of more than 38
digits as text, nanoseconds since 1970 as whole numbers.
"""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pyarrow as pa
from pyarrow import parquet as pq
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table
from pyiceberg.typedef import Record
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    IcebergType,
    LongType,
    StringType,
    TimestamptzType,
)

from include.ticklake.conversion import encodings, history, schema
from include.ticklake.feeds import Feed
from include.ticklake.lake.folder_files import LakeFile, Unit
from include.ticklake.storage import INCOMPLETE, Storage
from include.ticklake.upkeep.day_file import sha256_of

AREA = "iceberg"

_DAY_ONE = date(1970, 1, 1)
_NANOSECONDS = pa.timestamp("ns", tz="UTC")


class Changed(Exception):
    """The lake's file is no longer the one that its manifest named: look at the manifests again."""


def table_schema(feed: Feed) -> pa.Schema:
    """The columns of the table: those of the files, the slices', and ``date``."""
    folders = [pa.field(name, pa.string()) for name in feed.slices]
    own = [pa.field(one.name, _type(one.type)) for one in schema.lake_schema(feed)]
    return pa.schema([*own, *folders, pa.field("date", pa.date32())])


def table_types(feed: Feed) -> dict[str, IcebergType]:
    """The types of the columns, in Iceberg's own words."""
    return {field.name: _in_iceberg(field.type) for field in table_schema(feed)}


def _in_iceberg(kind: pa.DataType) -> IcebergType:
    if pa.types.is_decimal(kind):
        return DecimalType(kind.precision, kind.scale)
    if pa.types.is_timestamp(kind):
        return TimestamptzType()
    plain = {
        pa.int64(): LongType(),
        pa.string(): StringType(),
        pa.bool_(): BooleanType(),
        pa.date32(): DateType(),
    }
    return plain[kind]


def own_key(feed: Feed, file: LakeFile) -> str:
    """``iceberg/<feed>/data/date=2026-11-22/<window>-<hash>.parquet``."""
    window = file.key.rpartition("/")[2].removesuffix(".parquet")
    folder = f"{AREA}/{feed.name}/data/date={file.unit.date:%Y-%m-%d}"
    return f"{folder}/{window}-{file.sha256[:16]}.parquet"


def taken_over(feed: Feed, file: LakeFile, *, table: Table, storage: Storage) -> DataFile:
    """Copy *file* to its own key, and describe the copy; ``Changed`` where it is another now.

    Done again, it ends with the same bytes at the same key.
    """
    partial = f"{INCOMPLETE}/{own_key(feed, file)}.{uuid4().hex}"
    try:
        try:
            storage.copy(file.key, partial)
        except FileNotFoundError:
            raise Changed(file.key) from None
        if sha256_of(partial, storage) != file.sha256:
            raise Changed(file.key)
        _store(feed, partial, own_key(feed, file), storage=storage)
    finally:
        storage.delete(partial)
    return _described(feed, file, table=table, storage=storage)


def _described(feed: Feed, file: LakeFile, *, table: Table, storage: Storage) -> DataFile:
    """The table's entry for the copy of *file*: counts and extremes come from its footer.

    PyIceberg's ``add_files`` would make the same, but looks for partition values in the
    file's columns, and ours are in folder names: they are told here.
    """
    key = own_key(feed, file)
    with storage.open_file(key) as stream:
        footer, size_bytes = pq.read_metadata(stream), stream.size()
    statistics = data_file_statistics_from_parquet_metadata(
        parquet_metadata=footer,
        stats_columns=compute_statistics_plan(table.schema(), table.properties),
        parquet_column_mapping=parquet_path_to_id_mapping(table.schema()),
    )
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=storage.uri(key),
        file_format=FileFormat.PARQUET,
        partition=partition(file.unit),
        file_size_in_bytes=size_bytes,
        sort_order_id=None,
        spec_id=table.metadata.default_spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )


def partition(unit: Unit) -> Record:
    """The values of the slice, then the date in days since 1970."""
    return Record(*unit.slice.as_dict().values(), (unit.date - _DAY_ONE).days)


def _type(kind: pa.DataType) -> pa.DataType:
    """What a type of the lake is in the table."""
    if pa.types.is_decimal256(kind):
        return pa.string()
    return pa.int64() if kind == _NANOSECONDS else kind


def _store(feed: Feed, partial: str, target: str, *, storage: Storage) -> None:
    """Put the file at *partial* to *target*, with the names and types that the table has now."""
    with storage.open_file(partial) as stream:
        file = pq.ParquetFile(stream)
        has = file.schema_arrow
        # Readers find no column that the table does not name: one of an older feed is left out.
        found = {
            one.name: then
            for one in schema.lake_schema(feed)
            if (then := history.name_then(has.names, feed, one.name))
        }
        wanted = pa.schema([field for field in table_schema(feed) if field.name in found])
        if (has.names, has.types) != (wanted.names, wanted.types):
            _rewrite(file, target, list(found.values()), wanted, storage=storage)
            return
    storage.move(partial, target)


def _rewrite(
    file: pq.ParquetFile, target: str, names: list[str], wanted: pa.Schema, *, storage: Storage
) -> None:
    """The columns *names* as those of *wanted*, a row group at a time."""
    with storage.writing(target) as sink:
        writer = None
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=names, use_threads=False)
            rows = rows.select(names).rename_columns(wanted.names).cast(wanted)
            if writer is None:
                writer = pq.ParquetWriter(sink, wanted, **encodings.fitting(rows).options())
            writer.write_table(rows)
        if writer:
            writer.close()
