"""Committing days of a feed's slices to its Iceberg table.

The table is updated to what readers of the folder see: new files are added, those that were
replaced or compacted are removed, in one snapshot. Files that it has already stay, so repeating
a sync commits nothing, and whatever was done in between, each row is in the table once.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, ValidationException
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DecimalType, IcebergType
from sqlalchemy.exc import OperationalError

from include.ticklake.errors import (
    CorruptManifestError,
    CorruptParquetError,
    RetryableError,
    UsageError,
)
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout
from include.ticklake.lake.files import LakeFile, folder_files
from include.ticklake.lake.layout import Area, SliceDay
from include.ticklake.lake.storage import Storage
from include.ticklake.publish import iceberg_files
from include.ticklake.publish.iceberg_files import FileChangedError

log = logging.getLogger(__name__)

NAMESPACE = "ticklake"
CATALOG = "ticklake"
"""What PyIceberg's own settings call the catalog: ``PYICEBERG_CATALOG__TICKLAKE__URI``."""

_WORKERS = 4
"""Each has a row group in memory while a file is written."""
_TRIES = 5
_NAME_MAPPING = "schema.name-mapping.default"
_IO = f"{__name__}.KeepingFileIO"
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "client.access-key-id",
    "AWS_SECRET_ACCESS_KEY": "client.secret-access-key",
    "AWS_SESSION_TOKEN": "client.session-token",
    "AWS_DEFAULT_REGION": "client.region",
    "AWS_REGION": "client.region",
    "AWS_ENDPOINT_URL": "s3.endpoint",
    "AWS_ENDPOINT_URL_S3": "s3.endpoint",
}


class KeepingFileIO(PyArrowFileIO):
    """Deletes nothing: pyarrow leaves an empty object where it deleted one on S3 (arrow#36275).

    PyIceberg only deletes the manifests of commits that failed, which are kilobytes.
    """

    def delete(self, location: object) -> None:
        """Leave it to the table's maintenance: ``remove_orphan_files`` of Spark or Trino."""
        log.info("iceberg.left location=%s", location)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """What one sync did; there is no id before the first commit."""

    added_files: int
    removed_files: int
    snapshot_id: int | None


def catalog(setting: str, *, storage: Storage, env: Mapping[str, str]) -> Catalog:
    """Open the catalog that ``TICKLAKE_ICEBERG`` names; S3 credentials come from *env* (``AWS_*``).

    ``sqlite`` keeps one file beside a lake in a folder; also an SQLAlchemy URL, ``https://...``
    (REST) or ``glue``. With ``pyiceberg``, PyIceberg's own settings describe the catalog
    ``ticklake``; a catalog's own credentials belong there, too.
    """
    # Trailing checksums, the default, are refused by servers that are not AWS; Arrow's SDK reads
    # this from the process's environment only.
    os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    credentials = {
        name: env[variable] for variable, name in _CREDENTIALS.items() if env.get(variable)
    }
    return load_catalog(CATALOG, **{"py-io-impl": _IO, **credentials, **_kind(setting, storage)})


def sync(
    feed: Feed, slice_days: Collection[SliceDay], *, storage: Storage, catalog: Catalog
) -> SyncResult:
    """Update the table of *feed* to the files of *slice_days*.

    ``RetryableError`` where others commit to the same table all the time, or keep a catalog in
    SQLite locked.
    """
    for attempt in range(_TRIES):
        try:
            # The table first: a commit from now on makes the commit below fail, and one from
            # before had its manifests written, which are read after this.
            table = _table(feed, storage=storage, catalog=catalog)
            return _sync(
                feed, slice_days, table=table, storage=storage, is_last_try=attempt == _TRIES - 1
            )
        except (CommitFailedException, ValidationException, FileChangedError) as conflict:
            log.info("iceberg.again feed=%s: %s", feed.name, type(conflict).__name__)
        except OperationalError as error:
            if "database is locked" not in str(error):
                raise
            raise RetryableError(
                f"{feed.name}: another program keeps the Iceberg catalog in SQLite locked, as "
                "Spark does while it has it open; close it, or keep the catalog in PostgreSQL"
            ) from error
    raise RetryableError(
        f"{feed.name}: its Iceberg table or files changed during each of {_TRIES} attempts; "
        "publish it again"
    )


def _sync(
    feed: Feed,
    slice_days: Collection[SliceDay],
    *,
    table: Table,
    storage: Storage,
    is_last_try: bool,
) -> SyncResult:
    """One attempt; a day with a damaged manifest or file stays in the table as it is.

    A file that is not what its manifest says was replaced meanwhile; only at the last try it is
    known to be damaged.
    """

    def files_of(slice_day: SliceDay) -> tuple[SliceDay, dict[str, LakeFile] | None]:
        try:
            files = list(folder_files(feed, slice_day, storage=storage))
        except CorruptManifestError as error:
            log.error("iceberg.left %s", error)
            return slice_day, None
        return slice_day, {storage.uri(iceberg_files.table_key(feed, f)): f for f in files}

    def add(path: str) -> DataFile | None:
        try:
            return iceberg_files.data_file(feed, wanted[path], table=table, storage=storage)
        except CorruptParquetError as error:
            log.error("iceberg.left %s", error)
        except FileChangedError as error:
            if not is_last_try:
                raise
            log.error("iceberg.left %s", error)
        return None

    with ThreadPoolExecutor(_WORKERS) as pool:
        by_day = {day: files for day, files in pool.map(files_of, slice_days) if files is not None}
        existing = _existing_files(by_day, table)
        wanted = {path: file for files in by_day.values() for path, file in files.items()}
        new_paths = sorted(wanted.keys() - existing.keys())
        added = dict(zip(new_paths, pool.map(add, new_paths), strict=True))
    damaged = {wanted[path].slice_day for path, file in added.items() if file is None}
    left = {iceberg_files.partition(slice_day) for slice_day in damaged}
    new_files = [
        file for path, file in added.items() if file and wanted[path].slice_day not in damaged
    ]
    removed = [
        file for path, file in existing.items() if path not in wanted and file.partition not in left
    ]
    if new_files or removed:
        table = _commit(table, new_files, removed)
    now = table.current_snapshot()
    log.info("iceberg.done feed=%s added=%d removed=%d", feed.name, len(new_files), len(removed))
    return SyncResult(
        added_files=len(new_files),
        removed_files=len(removed),
        snapshot_id=now.snapshot_id if now else None,
    )


def _existing_files(slice_days: Collection[SliceDay], table: Table) -> dict[str, DataFile]:
    """The files that the table has of *slice_days*, by path."""
    if not slice_days:
        return {}
    partitions = {iceberg_files.partition(slice_day) for slice_day in slice_days}
    dates = sorted({f"'{slice_day.date.isoformat()}'" for slice_day in slice_days})
    tasks = table.scan(row_filter=f"date IN ({', '.join(dates)})").plan_files()
    return {task.file.file_path: task.file for task in tasks if task.file.partition in partitions}


def _commit(table: Table, added: list[DataFile], removed: list[DataFile]) -> Table:
    # By default PyIceberg repeats an append on top of whatever was committed meanwhile, which
    # may be another file with the same rows. Set in memory only: others keep their retries.
    table.metadata.properties["commit.retry.num-retries"] = "0"
    transaction = table.transaction()
    update = transaction.update_snapshot()
    with update.overwrite() if removed else update.merge_append() as snapshot:
        for file in removed:
            snapshot.delete_data_file(file)
        for file in added:
            snapshot.append_data_file(file)
    return transaction.commit_transaction()


def _table(feed: Feed, *, storage: Storage, catalog: Catalog) -> Table:
    """The table of *feed*, created where it is missing, with the columns that the feed has now."""
    name, columns = (NAMESPACE, feed.name), iceberg_files.iceberg_schema(feed)
    try:
        table = catalog.load_table(name)
    except NoSuchTableError:
        catalog.create_namespace_if_not_exists(NAMESPACE)
        location = storage.uri(layout.feed_folder(Area.ICEBERG, feed.name))
        with catalog.create_table_transaction(name, columns, location=location) as new:
            with new.update_spec() as spec:
                for folder in [*feed.slices, "date"]:
                    spec.add_identity(folder)
            # The files have no field ids of Iceberg's: columns are found by name.
            mapping = new.table_metadata.schema().name_mapping
            new.set_properties({_NAME_MAPPING: mapping.model_dump_json()})
        table = catalog.load_table(name)
    _check_partitions(feed, table)
    with table.update_schema() as change:
        names = set(table.schema().column_names)
        for now, field in feed.fields.items():
            if then := next(
                (old for old in field.renamed_from if {old, now} & names == {old}), None
            ):
                change.rename_column(then, now)
    _check_types(feed, table)
    with table.update_schema() as change:
        change.union_by_name(columns)
    return table


def _check_types(feed: Feed, table: Table) -> None:
    """Refuse all but more digits before the point: PyIceberg would move the point, too."""
    types = {field.name: field.field_type for field in table.schema().fields}
    for name, wanted in iceberg_files.table_types(feed).items():
        current = types.get(name, wanted)
        if current != wanted and not _is_wider(wanted, than=current):
            raise UsageError(
                f"the Iceberg table {'.'.join(table.name())} cannot take the columns of the feed: "
                f"{name} is {current} there, {wanted} now; "
                "drop the table, and publish the feed again"
            )


def _is_wider(wanted: IcebergType, *, than: IcebergType) -> bool:
    if not isinstance(wanted, DecimalType) or not isinstance(than, DecimalType):
        return False
    return wanted.scale == than.scale and wanted.precision >= than.precision


def _check_partitions(feed: Feed, table: Table) -> None:
    partitions = [
        (field.name, isinstance(field.transform, IdentityTransform))
        for field in table.spec().fields
    ]
    if partitions != [(name, True) for name in [*feed.slices, "date"]]:
        raise UsageError(
            f"the Iceberg table {'.'.join(table.name())} is not partitioned by "
            f"{', '.join([*feed.slices, 'date'])}: drop it, and publish the feed again"
        )


def _kind(setting: str, storage: Storage) -> dict[str, str]:
    scheme, _, address = setting.partition("://")
    if setting == "pyiceberg":
        return {}
    if setting == "glue":
        return {"type": "glue"}
    if scheme in ("http", "https") and address:
        return {"type": "rest", "uri": setting}
    if setting == "sqlite" and storage.root_uri.startswith("file://"):
        storage.put(f"{Area.ICEBERG}/.keep", b"")  # SQLite does not create folders
        return {"type": "sql", "uri": f"sqlite:///{storage.local_path(Area.ICEBERG)}/catalog.db"}
    if address:
        return {"type": "sql", "uri": setting}
    raise UsageError(
        f"TICKLAKE_ICEBERG is {setting!r}; use sqlite (for a lake in a folder), "
        "sqlite:////folder/catalog.db, https://... (REST), glue or pyiceberg"
    )
