"""Extract a unit of a feed, whatever its table: its own, or that of the feed of ``into``.

A file's records are staged in the windows of the table, as that feed's own extraction would have
left them: with its names and units, a manifest for each window. What is there stays, and what is
new is added, by the keys. A retry reads the file again, and leaves what is committed as it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain

from include.ticklake.extract import extract
from include.ticklake.extract.all_outside import refuse_all_outside, warn_outside_of_files
from include.ticklake.extract.batch import source_context
from include.ticklake.extract.commit import UnitCommit
from include.ticklake.extract.extract import ExtractResult, ProgressLogger
from include.ticklake.extract.staged_set import StagedSet
from include.ticklake.extract.target_records import TargetRecords
from include.ticklake.extract.target_windows import TargetWindow, TargetWindows
from include.ticklake.extract.unknown_fields import UnknownFieldCollector
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import feed_record, manifest
from include.ticklake.lake.layout import manifest_key
from include.ticklake.lake.storage import Storage
from include.ticklake.memory.usage import peak_bytes
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.unit import Unit
from include.ticklake.sources import source
from include.ticklake.sources.auth import GetCredentials
from include.ticklake.sources.retries import SourceRetryPolicy
from include.ticklake.sources.source import Connect, SourceContext

log = logging.getLogger(__name__)


def extract_unit(
    feed: Feed,
    unit: Unit,
    *,
    storage: Storage,
    base_url: str | None = None,
    patience: SourceRetryPolicy | None = None,
    lookup: GetCredentials | None = None,
    connect: Connect | None = None,
    clock: Callable[[], float] = time.time,
    is_replacing: bool = False,
) -> list[ExtractResult]:
    """Stage every record of *unit* and commit it: a result for each unit of the table.

    The arguments and errors are those of ``extract.extract``. With ``into``, *is_replacing*
    replaces what the same files held before, and keeps what another source fetched.
    """
    if feed.into is None:
        return [
            extract.extract(
                feed, unit, storage=storage, base_url=base_url, patience=patience, lookup=lookup,
                connect=connect, clock=clock, is_replacing=is_replacing,
            )
        ]  # fmt: skip
    began_s, target = time.monotonic(), feed.target
    plan.check_slice(target, plan.target_units(feed, unit)[0].slice)
    record = feed_record.check_before_extract(target, storage=storage)
    context = source_context(
        base_url=base_url, patience=patience, lookup=lookup, connect=connect, clock=clock
    )
    windows = TargetWindows(feed, unit, now_ms=int(clock() * 1000), storage=storage)
    try:
        new_fields = _stage(feed, unit, windows, context)
        feed_record.create(record, target, storage=storage)
        now_ms = int(clock() * 1000)
        results, failed = [], FailedUnits()
        for window in windows.windows:
            with failed.attempt(f"{target.name} {window.unit}"):
                staged = _staged_set(feed, windows.feed, window, new_fields)
                committed = UnitCommit(
                    staged=staged, storage=storage, is_replacing=is_replacing, now_ms=now_ms,
                    forget=lambda: None,
                ).run()  # fmt: skip
                results.append(
                    ExtractResult(
                        manifest_uri=storage.uri(committed.key),
                        manifest=committed,
                        seconds=time.monotonic() - began_s,
                        peak_bytes=peak_bytes(),
                    )
                )
    except BaseException:
        windows.abandon()
        raise
    failed.raise_if_any()
    log.info(
        "extract.into feed=%s slice=%s window=%s target=%s windows=%d staged=%d",
        feed.name, unit.slice, unit.window.name, target.name, len(results),
        sum(result.manifest.json.rows for result in results),
    )  # fmt: skip
    return results


def manifests_to_convert(feed: Feed, units: Iterable[Unit], *, storage: Storage) -> Iterator[str]:
    """Yield the keys of the manifests of *units*, which were extracted.

    With ``into``, of those whose Parquet is not current: most of a year may be there already.
    """
    for unit in units:
        for part in plan.target_units(feed, unit):
            key = manifest_key(feed.target.name, part.slice, part.window)
            if feed.into is None or not _is_converted(key, storage=storage):
                yield key


def _is_converted(key: str, *, storage: Storage) -> bool:
    found = manifest.read(key, storage=storage)
    return found is not None and found.is_current


def _stage(
    feed: Feed, unit: Unit, windows: TargetWindows, context: SourceContext
) -> tuple[str, ...]:
    """Write every record of *unit*'s files; return the names in them that no field reads."""
    unknown_fields = UnknownFieldCollector(feed, names=())
    rewriter, progress_logger = TargetRecords(feed), ProgressLogger(feed, unit)
    with closing(source.pages(feed, unit, context=context)) as pages:
        for _, page in pages:
            blocks = unknown_fields.sample(progress_logger.track(page))
            records = rewriter.rewrite(chain.from_iterable(blocks))
            windows.write_page(records, where=page.where)
            windows.count_page(page.page_bytes)
            unknown_fields.add_columns(page.info().unnamed_columns)
    windows.complete()
    total = windows.total()
    refuse_all_outside(feed, unit, total)
    warn_outside_of_files(feed, unit, total)
    return unknown_fields.names


def _staged_set(
    feed: Feed, target: Feed, window: TargetWindow, new_fields: tuple[str, ...]
) -> StagedSet:
    progress = window.progress(new_fields=new_fields)
    return StagedSet(
        feed=target,
        unit=window.unit,
        section=extract.section_of(target, window.unit, progress),
        parts=window.parts.completed,
        from_feed=feed.name,
    )
