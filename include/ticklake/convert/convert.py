"""A manifest with JSON parts in, one Parquet file and the manifest's Parquet section out.

What is written is read back and compared (``window_file``); only then is it published at its key
and named in the manifest (``commit``). The same parts give the same bytes.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from include.ticklake.convert import window_file
from include.ticklake.convert.batch import ConversionRoom, ConvertBatch
from include.ticklake.convert.budget import Budget
from include.ticklake.convert.commit import commit
from include.ticklake.convert.parquet_writer import OutOfOrderError
from include.ticklake.convert.parse.largest_record import LargestRecordReporter
from include.ticklake.convert.window_file import ConversionJob, WrittenWindow
from include.ticklake.errors import DataError, RetryableError, UsageError
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.read_names import still_unknown
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.memory.usage import peak_bytes, use_frugal_allocators
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window

log = logging.getLogger(__name__)

_ATTEMPTS = 5
"""A second one is needed only where another process changes the window or its day meanwhile."""


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
    is_regridding: bool = False,
) -> ConvertResult:
    """``convert_window`` of a batch of one window, which has the whole *budget*."""
    room = ConversionRoom(budget, units_at_once=1)
    batch = ConvertBatch(feed, storage=storage, room=room, is_regridding=is_regridding)
    return convert_window(manifest_key, feed=feed, storage=storage, batch=batch, largest=largest)


def convert_window(
    manifest_key: str,
    *,
    feed: Feed,
    storage: Storage,
    batch: ConvertBatch,
    largest: LargestRecordReporter | None = None,
) -> ConvertResult:
    """Convert the parts that the manifest names, and commit its ``parquet`` section.

    ``FeedFileError`` where the feed's fields do not fit the files that are there.
    ``DataError`` where a part is corrupt, too many records are bad, or the Parquet differs from
    what was parsed: nothing is committed then. The room of *batch* bounds what is held at once;
    *largest* observes how large the records are.
    """
    started_s = time.monotonic()
    use_frugal_allocators()
    batch.check_columns()
    for attempt in range(_ATTEMPTS):
        staged, version = _read_manifest(manifest_key, feed=feed, storage=storage)
        schema_version = batch.schema_version(again=attempt > 0)
        plan.check_unit(feed, Unit(Slice.of(staged.slice), Window.parse(staged.window)))
        with batch.room.reserved(staged, feed) as budget:
            job = ConversionJob(
                feed=feed,
                manifest=staged,
                manifest_version=version,
                storage=storage,
                budget=budget,
                schema_version=schema_version,
                largest=largest or LargestRecordReporter(),
                stop=batch.stop,
            )
            committed = _convert(job, looks_first=attempt > 0)
        if committed is not None:
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


def _read_manifest(manifest_key: str, *, feed: Feed, storage: Storage) -> tuple[Manifest, str]:
    where = storage.uri(manifest_key)
    found = manifest.read_versioned(manifest_key, storage=storage)
    if found is None:
        raise UsageError(f"{where}: there is no such manifest; {_extract_again(manifest_key)}")
    staged, version = found
    if staged.json.removed:
        raise UsageError(f"{where}: retention removed its JSON; {_extract_again(manifest_key)}")
    if staged.feed != feed.name:
        raise UsageError(f"{where} belongs to feed {staged.feed}, not to {feed.name}")
    return staged, version


def _extract_again(manifest_key: str) -> str:
    key = layout.parse_manifest(manifest_key)
    return f"run `extract {key.feed} {Unit(key.slice, key.window).arguments}` first"


def _convert(job: ConversionJob, *, looks_first: bool) -> Manifest | None:
    """Return what was committed; None where it must be done again: see ``commit``."""
    try:
        written = _write(job)
    except DataError:
        if _is_staged(job):
            raise
        return None
    return commit(job, written, looks_first=looks_first)


def _write(job: ConversionJob) -> WrittenWindow:
    try:
        return window_file.write(job, declare_sorted=True)
    except OutOfOrderError:
        # Each row group says whether the file is sorted: start over.
        log.info(
            "convert.unsorted feed=%s slice=%s window=%s", job.feed.name, job.slice, job.window
        )
        return window_file.write(job, declare_sorted=False)


def _is_staged(job: ConversionJob) -> bool:
    """Whether the parts that were converted are still those of the window."""
    current = manifest.read(job.manifest.key, storage=job.storage)
    return current is not None and current.json == job.manifest.json
