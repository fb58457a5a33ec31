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
import pyarrow as pa

from include.ticklake.convert import window_file
from include.ticklake.convert.budget import Budget
from include.ticklake.convert.parquet_writer import OutOfOrderError
from include.ticklake.convert.parse.largest_record import LargestRecordReporter
from include.ticklake.convert.window_file import ConversionJob, WrittenWindow
from include.ticklake.errors import DataError, RetryableError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, manifest, schema_history
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.storage import Storage
from include.ticklake.memory.usage import LARGE_BYTES, peak_bytes, return_buffers

log = logging.getLogger(__name__)

_TRIES = 3
"""Another one is needed only where the window is compacted or staged anew meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertResult:
    """What one conversion did; ``manifest`` is what it left."""

    manifest_uri: str
    manifest: Manifest
    json_bytes: int
    """Text of all parts, before gzip."""
    seconds: float
    peak_bytes: int

    def summary(self) -> dict[str, object]:
        """Addresses and counts, for a log line or XCom."""
        converted = self.manifest.require_parquet()
        return {
            "manifest": self.manifest_uri,
            "rows": converted.rows,
            "quarantined_rows": converted.quarantined_rows,
            "json_bytes": self.json_bytes,
            **({"new_fields": list(new)} if (new := self.manifest.json.new_fields) else {}),
            "parquet_bytes": converted.parquet_bytes,
            "sorted": converted.sorted,
            "seconds": round(self.seconds, 3),
            "peak_bytes": self.peak_bytes,
        }


def convert(
    manifest_key: str,
    *,
    feed: Feed,
    storage: Storage,
    budgets: Budget,
    largest: LargestRecordReporter | None = None,
) -> ConvertResult:
    """Convert the parts that the manifest names, and commit its ``parquet`` section.

    ``FeedFileError`` where the feed's fields do not fit the files that are there.
    ``DataError`` where a part is broken, too many records are bad, or the Parquet is not
    what was parsed: nothing is committed then. *budgets* says what may be held at once;
    *largest* is shown how large the records are.
    """
    began_s = time.monotonic()
    pa.set_memory_pool(pa.system_memory_pool())  # the other pools keep what is freed
    return_buffers(from_bytes=LARGE_BYTES)
    for _ in range(_TRIES):
        unit = ConversionJob(
            feed=feed,
            found=_found(manifest_key, feed=feed, storage=storage),
            storage=storage,
            budgets=budgets,
            place=schema_history.find(feed, storage=storage),
            largest=largest or LargestRecordReporter(),
        )
        if committed := _convert(unit):
            break
        log.info("convert.again feed=%s slice=%s window=%s", feed.name, unit.slice, unit.window)
    else:
        raise RetryableError(
            f"{storage.uri(manifest_key)}: the window was staged or compacted anew each of the "
            f"{_TRIES} times that it was converted; convert it again"
        )
    report = ConvertResult(
        manifest_uri=storage.uri(manifest_key),
        manifest=committed,
        json_bytes=sum(part.json_bytes for part in committed.json.parts),
        seconds=time.monotonic() - began_s,
        peak_bytes=peak_bytes(),
    )
    told = report.summary()
    log.info("convert.done %s", " ".join(f"{name}={value}" for name, value in told.items()))
    return report


def _found(manifest_key: str, *, feed: Feed, storage: Storage) -> Manifest:
    found = manifest.read(manifest_key, storage=storage)
    if found is None:
        where = storage.uri(manifest_key)
        raise UsageError(f"there is no manifest at {where}: extract the window first")
    if found.json.removed:
        where = storage.uri(manifest_key)
        raise UsageError(f"{where}: retention removed its JSON; fetch the window again")
    if found.feed != feed.name:
        raise UsageError(f"{storage.uri(manifest_key)} is of {found.feed}, not of {feed.name}")
    return found


def _convert(unit: ConversionJob) -> Manifest | None:
    """What was committed; None where it must be done again: see ``days``."""
    day = day_manifest.find_day(unit.feed.name, unit.slice, unit.window, storage=unit.storage)
    try:
        written = _written(unit)
    except DataError:
        if _is_staged(unit):
            raise
        return None
    if not _is_staged(unit):
        # To commit these parts would name some that are gone.
        unit.storage.delete(written.parquet_partial)
        unit.storage.delete(written.quarantine_partial)
        return None
    committed = _commit(unit, written, day)
    return committed if _is_visible_after_commit(unit, committed) else None


def _written(unit: ConversionJob) -> WrittenWindow:
    try:
        return window_file.write(unit, declare_sorted=True)
    except OutOfOrderError:
        # Whether a file is sorted stands in each of its row groups: begin it again.
        log.info("convert.unsorted feed=%s window=%s", unit.feed.name, unit.found.window)
        return window_file.write(unit, declare_sorted=False)


def _is_staged(unit: ConversionJob) -> bool:
    """Whether the parts that were converted are still those of the window."""
    now = manifest.read(unit.found.key, storage=unit.storage)
    return now is not None and now.json == unit.found.json


def _is_visible_after_commit(unit: ConversionJob, committed: Manifest) -> bool:
    """Whether the Parquet is where readers look for it, now that the manifest is there."""
    day = day_manifest.find_day(unit.feed.name, unit.slice, unit.window, storage=unit.storage)
    account = committed.require_parquet()
    if day is None or account.is_pending:
        return True
    if not day.holds(CompactedWindow.of(committed.window, account)):
        return False
    # It was compacted meanwhile, as it was and as it came out again.
    unit.storage.delete(unit.parquet_key)
    return True


def _final_location(
    unit: ConversionJob, account: ParquetSection, day: CompactedDay | None
) -> ParquetSection:
    """*account* with the key of its Parquet: beside a compacted *day* that has it otherwise."""
    if day is None or day.holds(CompactedWindow.of(unit.found.window, account)):
        return account
    return msgspec.structs.replace(
        account,
        key=layout.pending_key(unit.feed.name, unit.slice, unit.window, sha256=account.sha256),
    )


def _commit(unit: ConversionJob, written: WrittenWindow, day: CompactedDay | None) -> Manifest:
    """Publish the objects, name them in the manifest, then remove what it names no more.

    Each step leaves what readers see whole; done again from any of them it ends the same.
    """
    storage = unit.storage
    account = _final_location(unit, written.account, day)
    if account.quarantine_key is not None:
        storage.move(written.quarantine_partial, account.quarantine_key)
    unit.place.keep(storage)
    home = unit.parquet_key
    in_day = day is not None and not account.is_pending
    if account.key is not None and not in_day:
        storage.move(written.parquet_partial, account.key)
    committed = unit.found.converted(account)
    manifest.write(committed, storage=storage)
    if account.key != home:
        storage.delete(home)
    if account.quarantine_key is None:
        storage.delete(unit.quarantine_key)
    for left in _replaced(unit, account, day):
        storage.delete(left)
    return committed


def _replaced(
    unit: ConversionJob, account: ParquetSection, day: CompactedDay | None
) -> Iterator[str]:
    """What lies about of this window, and its manifest does not name."""
    old = unit.found.parquet
    if day or (old and old.is_pending):
        folder = layout.window_folder(layout.Area.PENDING, unit.feed.name, unit.slice, unit.window)
        for key in unit.storage.list(folder):
            if layout.window_name(key) == unit.window.name and key != account.key:
                yield key
    yield from unit.storage.list(unit.unfinished)
