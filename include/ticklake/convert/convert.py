"""A manifest with JSON parts in, one Parquet file and the manifest's Parquet section out.

Everything is written under ``_incomplete/``, read back and compared (``window_file``);
only then is it moved to its key and named in the manifest. The same parts give the
same bytes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from include.ticklake.convert import window_file
from include.ticklake.convert.budget import Budget
from include.ticklake.convert.parquet_writer import OutOfOrderError
from include.ticklake.convert.parse.largest_record import LargestRecordReporter
from include.ticklake.convert.window_file import ConversionJob, WrittenWindow
from include.ticklake.errors import DataError, RetryableError, UsageError
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.read_names import still_unknown
from include.ticklake.lake import day_manifest, layout, manifest, schema_history
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.memory.usage import peak_bytes, use_frugal_allocators
from include.ticklake.model.unit import Unit

log = logging.getLogger(__name__)

_ATTEMPTS = 3
"""A second one is needed only where the window is compacted or staged again meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertResult:
    """What one conversion did; ``manifest`` is the one that it committed."""

    manifest_uri: str
    manifest: Manifest
    json_bytes: int
    """Text of all parts, before gzip."""
    seconds: float
    peak_bytes: int

    new_fields: tuple[str, ...]
    """Names in the records that no field reads, by the feed as it is now."""

    def summary(self) -> dict[str, object]:
        """Return addresses and counts, for a log line or XCom."""
        section = self.manifest.require_parquet()
        until_ms = self.manifest.json.unfinished_until_ms
        return {
            "manifest": self.manifest_uri,
            "rows": section.rows,
            "quarantined_rows": section.quarantined_rows,
            "json_bytes": self.json_bytes,
            **({"new_fields": list(self.new_fields)} if self.new_fields else {}),
            **({"unfinished_until_ms": until_ms} if until_ms else {}),
            "parquet_bytes": section.parquet_bytes,
            "sorted": section.sorted,
            "seconds": round(self.seconds, 3),
            "peak_bytes": self.peak_bytes,
        }


def convert(
    manifest_key: str,
    *,
    feed: Feed,
    storage: Storage,
    budget: Budget,
    largest: LargestRecordReporter | None = None,
) -> ConvertResult:
    """Convert the parts that the manifest names, and commit its ``parquet`` section.

    ``FeedFileError`` where the feed's fields do not fit the files that are there.
    ``DataError`` where a part is corrupt, too many records are bad, or the Parquet differs from
    what was parsed: nothing is committed then. *budget* bounds what may be held at once;
    *largest* observes how large the records are.
    """
    started_s = time.monotonic()
    use_frugal_allocators()
    for _ in range(_ATTEMPTS):
        job = ConversionJob(
            feed=feed,
            manifest=_read_manifest(manifest_key, feed=feed, storage=storage),
            storage=storage,
            budget=budget,
            schema_version=schema_history.find(feed, storage=storage),
            largest=largest or LargestRecordReporter(),
        )
        plan.check_unit(feed, Unit(job.slice, job.window))
        if committed := _convert(job):
            break
        log.info("convert.again feed=%s slice=%s window=%s", feed.name, job.slice, job.window)
    else:
        raise RetryableError(
            f"{storage.uri(manifest_key)}: the window was staged or compacted again during each of "
            f"{_ATTEMPTS} conversions; convert it again"
        )
    result = ConvertResult(
        manifest_uri=storage.uri(manifest_key),
        manifest=committed,
        json_bytes=sum(part.json_bytes for part in committed.json.parts),
        seconds=time.monotonic() - started_s,
        peak_bytes=peak_bytes(),
        new_fields=still_unknown(feed, committed.json.new_fields),
    )
    summary = result.summary()
    log.info("convert.done %s", " ".join(f"{name}={value}" for name, value in summary.items()))
    section = committed.require_parquet()
    if section.quarantine_key:
        arguments = Unit(job.slice, job.window).arguments
        log.warning(
            "convert.quarantined %d of %d records do not fit the feed's fields: see %s; once the "
            "fields are corrected, run %s; once the source is, with --fetch",
            section.quarantined_rows, committed.json.rows, storage.uri(section.quarantine_key),
            f"`retry-quarantine {feed.name} {arguments}`",
        )  # fmt: skip
    return result


def _read_manifest(manifest_key: str, *, feed: Feed, storage: Storage) -> Manifest:
    where = storage.uri(manifest_key)
    staged = manifest.read(manifest_key, storage=storage)
    if staged is None:
        raise UsageError(f"{where}: there is no such manifest; {_extract_again(manifest_key)}")
    if staged.json.removed:
        raise UsageError(f"{where}: retention removed its JSON; {_extract_again(manifest_key)}")
    if staged.feed != feed.name:
        raise UsageError(f"{where} belongs to feed {staged.feed}, not to {feed.name}")
    return staged


def _extract_again(manifest_key: str) -> str:
    key = layout.parse_manifest(manifest_key)
    return f"run `extract {key.feed} {Unit(key.slice, key.window).arguments}` first"


def _convert(job: ConversionJob) -> Manifest | None:
    """Return what was committed; None where it must be done again: see ``day_manifest``."""
    day = day_manifest.find_day(job.feed.name, job.slice, job.window, storage=job.storage)
    try:
        written = _write(job)
    except DataError:
        if _find_current(job):
            raise
        return None
    current = _find_current(job)
    if current is None:
        # The manifest would name parts that are gone.
        job.storage.delete(written.parquet_partial)
        job.storage.delete(written.quarantine_partial)
        return None
    try:
        committed = _commit(job, written, day, current=current)
    except LostRaceError:
        return None
    return committed if _is_visible_after_commit(job, committed) else None


def _write(job: ConversionJob) -> WrittenWindow:
    try:
        return window_file.write(job, declare_sorted=True)
    except OutOfOrderError:
        # Each row group says whether the file is sorted: start over.
        log.info("convert.unsorted feed=%s window=%s", job.feed.name, job.manifest.window)
        return window_file.write(job, declare_sorted=False)


def _find_current(job: ConversionJob) -> tuple[Manifest, str] | None:
    """The manifest and its version, where the parts that were converted are still its own."""
    found = manifest.read_versioned(job.manifest.key, storage=job.storage)
    return found if found and found[0].json == job.manifest.json else None


def _is_visible_after_commit(job: ConversionJob, committed: Manifest) -> bool:
    """Whether the Parquet is where readers look for it, now that the manifest is there."""
    day = day_manifest.find_day(job.feed.name, job.slice, job.window, storage=job.storage)
    section = committed.require_parquet()
    if day is None or section.is_pending:
        return True
    if not day.holds(CompactedWindow.of(committed.window, section)):
        return False
    # It was compacted meanwhile, with the same content as it has now.
    job.storage.delete(job.parquet_key)
    return True


def _final_location(
    job: ConversionJob, section: ParquetSection, day: CompactedDay | None
) -> ParquetSection:
    """*section* with the key of its Parquet: a pending one where a compacted *day* differs."""
    if day is None or day.holds(CompactedWindow.of(job.manifest.window, section)):
        return section
    return msgspec.structs.replace(
        section,
        key=layout.pending_key(job.feed.name, job.slice, job.window, sha256=section.sha256),
    )


def _commit(
    job: ConversionJob,
    written: WrittenWindow,
    day: CompactedDay | None,
    *,
    current: tuple[Manifest, str],
) -> Manifest:
    """Publish the objects, name them in the manifest, then remove what it no longer names.

    Each step leaves readers a complete state, and a repetition from any of them ends the same.
    """
    storage = job.storage
    section = _final_location(job, written.section, day)
    if section.quarantine_key is not None:
        storage.move(written.quarantine_partial, section.quarantine_key)
    job.schema_version.save(storage)
    in_day = day is not None and not section.is_pending
    if section.key is not None and not in_day:
        storage.move(written.parquet_partial, section.key)
    replaced, version = current
    committed = replaced.converted(section)
    manifest.write(committed, storage=storage, expect=version)
    if section.key != job.parquet_key:
        storage.delete(job.parquet_key)
    if section.quarantine_key is None:
        storage.delete(job.quarantine_key)
    for key in _leftovers(job, section, day):
        storage.delete(key)
    return committed


def _leftovers(
    job: ConversionJob, section: ParquetSection, day: CompactedDay | None
) -> Iterator[str]:
    """Leftover objects of this window that its manifest does not name."""
    old = job.manifest.parquet
    if day or (old and old.is_pending):
        folder = layout.window_folder(layout.Area.PENDING, job.feed.name, job.slice, job.window)
        for key in job.storage.list(folder):
            if layout.window_name(key) == job.window.name and key != section.key:
                yield key
    yield from job.storage.list(job.incomplete_folder)
