"""A manifest with JSON parts in, one Parquet file and the manifest's Parquet section out.

Everything is written under ``_incomplete/``, read back and compared (``window_file``);
only then is it moved to its key and named in the manifest. The same parts give the
same bytes.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace

import pyarrow as pa

from include.ticklake import manifest
from include.ticklake.cap.budgets import Budgets
from include.ticklake.cap.memory import peak_bytes, return_large_buffers
from include.ticklake.conversion import window_file
from include.ticklake.conversion.parquet import OutOfOrder
from include.ticklake.conversion.window_file import Unit, Written
from include.ticklake.errors import CallInvalid
from include.ticklake.feeds import Feed
from include.ticklake.manifest import Converted, Manifest
from include.ticklake.storage import Storage
from include.ticklake.upkeep import days
from include.ticklake.upkeep.days import Day

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one conversion did; ``manifest`` is what it left."""

    manifest_uri: str
    manifest: Manifest
    json_bytes: int
    """Text of all parts, before gzip."""
    seconds: float
    peak_bytes: int

    def summary(self) -> dict[str, object]:
        """Addresses and counts, for a log line or XCom."""
        converted = self.manifest.parquet
        assert converted is not None  # noqa: S101 - a report is made after the commit
        return {
            "manifest": self.manifest_uri,
            "rows": converted.rows,
            "quarantined_rows": converted.quarantined_rows,
            "json_bytes": self.json_bytes,
            "parquet_bytes": converted.parquet_bytes,
            "sorted": converted.sorted,
            "seconds": round(self.seconds, 3),
            "peak_bytes": self.peak_bytes,
        }


def convert(manifest_key: str, *, feed: Feed, storage: Storage, budgets: Budgets) -> Report:
    """Convert the parts that the manifest names, and commit its ``parquet`` section.

    ``DataRefused`` where a part is broken, too many records are bad, or the Parquet is not
    what was parsed: nothing is committed then. *budgets* says what may be held at once.
    """
    began_s = time.monotonic()
    pa.set_memory_pool(pa.system_memory_pool())  # the other pools keep what is freed
    return_large_buffers()
    unit = _unit(manifest_key, feed=feed, storage=storage, budgets=budgets)
    day = days.holding(feed.name, unit.slice, unit.window, storage=storage)
    try:
        written = window_file.write(unit, declare_sorted=True)
    except OutOfOrder:
        # Whether a file is sorted stands in each of its row groups: begin it again.
        log.info("convert.unsorted feed=%s window=%s", feed.name, unit.found.window)
        written = window_file.write(unit, declare_sorted=False)
    committed = _commit(unit, written, day)
    report = Report(
        manifest_uri=storage.uri(manifest_key),
        manifest=committed,
        json_bytes=sum(part.json_bytes for part in unit.found.json.parts),
        seconds=time.monotonic() - began_s,
        peak_bytes=peak_bytes(),
    )
    log.info(
        "convert.done feed=%s slice=%s window=%s rows=%d quarantined=%d parquet_bytes=%d "
        "sorted=%s seconds=%.3f peak_bytes=%d",
        feed.name, unit.slice, committed.window, written.account.rows,
        written.account.quarantined_rows, written.account.parquet_bytes,
        written.account.sorted, report.seconds, report.peak_bytes,
    )  # fmt: skip
    return report


def _unit(manifest_key: str, *, feed: Feed, storage: Storage, budgets: Budgets) -> Unit:
    found = manifest.read(manifest_key, storage=storage)
    if found is None:
        where = storage.uri(manifest_key)
        raise CallInvalid(f"there is no manifest at {where}: extract the window first")
    if found.feed != feed.name:
        raise CallInvalid(f"{storage.uri(manifest_key)} is of {found.feed}, not of {feed.name}")
    return Unit(feed=feed, found=found, storage=storage, budgets=budgets)


def _at_home(unit: Unit, account: Converted, day: Day | None) -> Converted:
    """*account* with the key of its Parquet: beside a compacted *day* that has it otherwise."""
    hour = day.hour(unit.found.window) if day else None
    if hour is None or hour.holds(account):
        return account
    return replace(account, key=days.late_key(unit.feed.name, unit.slice, unit.window))


def _commit(unit: Unit, written: Written, day: Day | None) -> Manifest:
    """Publish the objects, name them in the manifest, then remove what it names no more.

    Each step leaves what readers see whole; done again from any of them it ends the same.
    """
    storage = unit.storage
    account = _at_home(unit, written.account, day)
    if account.quarantine_key is not None:
        storage.move(written.quarantine_partial, account.quarantine_key)
    home = unit.key("parquet", ".parquet")
    in_day = day is not None and account.key in (None, home)
    if account.key is not None and not in_day:
        storage.move(written.parquet_partial, account.key)
    committed = unit.found.converted(account)
    manifest.write(committed, storage=storage)
    if account.key != home:
        storage.delete(home)
    if in_day:
        storage.delete(unit.key(days.LATE, ".parquet"))
    if account.quarantine_key is None:
        storage.delete(unit.key("quarantine", ".jsonl.gz"))
    for left in storage.list(unit.unfinished):
        storage.delete(left)
    return committed
