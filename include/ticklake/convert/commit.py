"""A converted window in, its published objects and the manifest that names them out.

The Parquet of a window has a fixed key, and so has its quarantine. They are replaced only while
the window's manifest says that it is not current, and only where they are what was there when
that was last seen. So a reader of a current manifest can count on what it names, and a process
that was stopped and goes on later finds another object, or another manifest, and decides again
(``lake/day_manifest.py`` has the protocol).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec

from include.ticklake.convert.window_file import ConversionJob, WrittenWindow
from include.ticklake.lake import day_manifest, layout, manifest
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.hashing import sha256_of_object
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError

_NO_PARTS = "0" * 64
"""The digest of no set of parts: a Parquet that is about to be replaced is not current."""


def commit(job: ConversionJob, written: WrittenWindow, *, looks_first: bool) -> Manifest | None:
    """Publish *written* and return the manifest that names it; None: decide again.

    The unit was changed by another process then, or its objects are not those that were expected.
    With *looks_first*, what is there already is looked for, also where the manifest names nothing.
    """
    try:
        versions = _versions(job, written, looks_first=looks_first)
        day = _find_day(job)
        section = _section(job, written.section, versions, day)
        _publish(job, written, section, versions, in_day=_in_day(day, job, section))
        committed = _write_manifest(job, section, versions.manifest)
        _remove_replaced(job, section, versions, day)
    except BaseException as error:
        written.discard()
        if isinstance(error, LostRaceError):
            return None
        raise
    # Nobody can have compacted a window that was never converted before.
    is_visible = day is not None or job.manifest.parquet is None or _find_day(job) is None
    return committed if is_visible else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Versions:
    """What is there before anything is published; None for no object."""

    manifest: str
    parquet: str | None
    quarantine: str | None


def _versions(job: ConversionJob, written: WrittenWindow, *, looks_first: bool) -> _Versions:
    """What is there while the manifest says that its Parquet is not current.

    ``LostRaceError`` where the manifest is another one by now.
    """
    old, storage = job.manifest.parquet, job.storage
    if old is None and written.section.rows and not looks_first:
        # Nothing can be there but what a killed conversion left: that loses the race then.
        return _Versions(manifest=job.manifest_version, parquet=None, quarantine=None)
    parquet = storage.version(job.parquet_key)
    quarantine = storage.version(job.quarantine_key) if old or looks_first else None
    if old is not None and job.manifest.is_current and not _is_same(old, written.section):
        # No compaction counts on the file from here on.
        replaced = job.manifest.converted(msgspec.structs.replace(old, parts_digest=_NO_PARTS))
        version = manifest.write(replaced, storage=storage, expect=job.manifest_version)
    elif storage.version(job.manifest.key) != job.manifest_version:
        raise LostRaceError(job.manifest.key)
    else:
        version = job.manifest_version
    return _Versions(manifest=version, parquet=parquet, quarantine=quarantine)


def _is_same(old: ParquetSection, new: ParquetSection) -> bool:
    """Whether both describe the same rows, wherever these are."""
    return msgspec.structs.replace(old, key=new.key) == new


def _find_day(job: ConversionJob) -> CompactedDay | None:
    """The compacted day that has the window; looked for while the window is not current."""
    staged = job.manifest
    is_new = staged.parquet is None and staged.json.number == 1 and staged.next_part is None
    if is_new and job.storage.store.has_conditions:
        return None  # a compaction needs its Parquet, and the manifest is replaced by who read it
    return day_manifest.find_day(job.feed.name, job.slice, job.window, storage=job.storage)


def _in_day(day: CompactedDay | None, job: ConversionJob, section: ParquetSection) -> bool:
    return day is not None and day.holds(CompactedWindow.of(job.window.name, section))


def _section(
    job: ConversionJob, section: ParquetSection, versions: _Versions, day: CompactedDay | None
) -> ParquetSection:
    """*section* with the key of its Parquet."""
    replace, old = msgspec.structs.replace, job.manifest.parquet
    if day is None:
        # A file without a row takes the place of one: it is never deleted while others may write.
        return section if versions.parquet is None else replace(section, key=job.parquet_key)
    in_day = _in_day(day, job, section)
    if old is not None and _is_same(old, section) and (in_day or old.is_pending):
        return replace(section, key=old.key)
    if in_day and not section.rows:
        return section
    return replace(section, key=_pending_key(job, section))


def _pending_key(job: ConversionJob, section: ParquetSection) -> str:
    """A key that holds what it replaces, too: what was once deleted never has that name again."""
    old = job.manifest.parquet
    before = (
        job.manifest.converted(msgspec.structs.replace(old, parts_digest=_NO_PARTS))
        if old
        else None
    )
    name = hashlib.sha256(f"{section.sha256} {before!r}".encode()).hexdigest()
    return layout.pending_key(job.feed.name, job.slice, job.window, sha256=name)


def _publish(
    job: ConversionJob,
    written: WrittenWindow,
    section: ParquetSection,
    versions: _Versions,
    *,
    in_day: bool,
) -> None:
    """Make the objects visible, first those that the manifest only counts."""
    if section.quarantine_key and written.quarantine:
        written.quarantine.publish_if(section.quarantine_key, expect=versions.quarantine)
    job.schema_version.save(job.storage)
    if in_day:
        written.parquet.discard()
    elif section.key == job.parquet_key:
        _publish_own_file(job, written, section, versions)
    elif section.key is not None:
        written.parquet.publish(section.key)


def _publish_own_file(
    job: ConversionJob, written: WrittenWindow, section: ParquetSection, versions: _Versions
) -> None:
    try:
        written.parquet.publish_if(job.parquet_key, expect=versions.parquet)
    except LostRaceError:
        # A conversion that was killed, or a request whose answer was lost, left the same bytes.
        if _sha256(job.parquet_key, job.storage) != section.sha256:
            raise


def _sha256(key: str, storage: Storage) -> str | None:
    try:
        return sha256_of_object(key, storage)
    except FileNotFoundError:
        return None


def _write_manifest(job: ConversionJob, section: ParquetSection, expect: str) -> Manifest:
    """Commit: from here on readers see the new Parquet."""
    committed = job.manifest.converted(section)
    if committed == job.manifest and expect == job.manifest_version:
        return committed
    # Where another process committed the same, its day may be compacted by now: look again.
    manifest.write_first(committed, storage=job.storage, expect=expect)
    return committed


def _remove_replaced(
    job: ConversionJob, section: ParquetSection, versions: _Versions, day: CompactedDay | None
) -> None:
    """Delete what the manifest named before, and names no more."""
    storage, old = job.storage, job.manifest.parquet
    if old is not None and old.key not in (section.key, job.parquet_key, None):
        storage.delete(old.key)
    if day is not None and versions.parquet is not None:
        storage.delete_if(job.parquet_key, expect=versions.parquet)
    if section.quarantine_key is None and versions.quarantine is not None:
        storage.delete_if(job.quarantine_key, expect=versions.quarantine)
