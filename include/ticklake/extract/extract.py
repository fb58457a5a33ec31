"""Extract a unit of a feed: staged JSON parts and the manifest that commits them.

One block is in memory, at most the largest record, whatever the size of a page or window.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from msgspec.structs import replace

from include.ticklake.extract import checkpoint
from include.ticklake.extract.all_outside import refuse_all_outside, warn_outside_of_files
from include.ticklake.extract.batch import ExtractBatch, source_context
from include.ticklake.extract.checkpoint import Checkpoint
from include.ticklake.extract.commit import UnitCommit
from include.ticklake.extract.left_out import unfinished_until_ms
from include.ticklake.extract.part_sequence import PartSequence
from include.ticklake.extract.staged_set import StagedSet
from include.ticklake.extract.unknown_fields import UnknownFieldCollector
from include.ticklake.extract.window_filter import WindowFilter
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import JsonSection, Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.memory.usage import peak_bytes
from include.ticklake.model.record_blocks import Block
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, format_instant
from include.ticklake.sources import source
from include.ticklake.sources.auth import GetCredentials
from include.ticklake.sources.retries import SourceRetryPolicy
from include.ticklake.sources.source import Connect, SourcePage

log = logging.getLogger(__name__)

_LOG_EVERY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractResult:
    """The outcome of one extraction, with the manifest that it committed."""

    manifest_uri: str
    manifest: Manifest
    seconds: float
    peak_bytes: int

    @property
    def unit(self) -> Unit:
        """The unit of the lake that was extracted."""
        return Unit(Slice.of(self.manifest.slice), Window.parse(self.manifest.window))

    def summary(self) -> dict[str, object]:
        """Addresses and counts, for a log line or XCom."""
        staged = self.manifest.json
        until_ms = staged.unfinished_until_ms
        return {
            "manifest": self.manifest_uri,
            "pages": staged.pages,
            "received_rows": staged.received_rows,
            "rows": staged.rows,
            "outside_rows": staged.out_of_window_rows,
            **({"filtered_rows": staged.filtered_rows} if staged.filtered_rows else {}),
            "json_bytes": sum(part.gzip_bytes for part in staged.parts),
            **({"new_fields": list(staged.new_fields)} if staged.new_fields else {}),
            **({"unfinished_until_ms": until_ms} if until_ms else {}),
            "seconds": round(self.seconds, 3),
            "peak_bytes": self.peak_bytes,
        }


def extract(
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
) -> ExtractResult:
    """``extract_unit`` of a batch of one unit."""
    with ExtractBatch(feed, storage=storage, base_url=base_url, patience=patience) as batch:
        return extract_unit(
            feed, unit, batch=batch, storage=storage, lookup=lookup, connect=connect,
            clock=clock, is_replacing=is_replacing,
        )  # fmt: skip


def extract_unit(
    feed: Feed,
    unit: Unit,
    *,
    batch: ExtractBatch,
    storage: Storage,
    lookup: GetCredentials | None = None,
    connect: Connect | None = None,
    clock: Callable[[], float] = time.time,
    is_replacing: bool = False,
) -> ExtractResult:
    """Stage every record of *unit* and commit the ``json`` section of its manifest.

    A retry resumes after the last completed part. Source errors propagate (``RetryableError``,
    ``SourceRefusedError``), and nothing is committed. ``RecordsMissingError`` where records that
    were committed before are not returned any more, unless it *is_replacing* them. *lookup* and
    *connect* turn a connection id into credentials or a database; they default to the environment.
    """
    began_s = time.monotonic()
    batch.record.check()
    now_ms = int(clock() * 1000)
    plan.check_snapshot(feed, unit, now_ms=now_ms)
    progress, is_saved = batch.load_or_start(unit, now_ms=now_ms)
    room = batch.room.of_unit()
    context = source_context(
        base_url=batch.base_url,
        patience=batch.patience,
        lookup=lookup,
        connect=connect,
        clock=clock,
        resources=batch.resources,
        room=room,
    )
    staging = _Staging(feed, unit, progress, batch, storage=storage, is_saved=is_saved)
    with (
        room,
        closing(source.pages(feed, unit, context=context, cursor=progress.cursor)) as pages,
    ):
        progress = staging.stage(pages)
        pages.close()
        batch.record.create()
        staged = StagedSet(
            feed=feed,
            unit=unit,
            section=section_of(feed, unit, progress),
            parts=staging.parts.completed,
        )
        committed = UnitCommit(
            staged=staged,
            storage=storage,
            is_replacing=is_replacing,
            now_ms=int(clock() * 1000),
            forget=staging.forget,
            before_compare=room.take_place,
        ).run()
    log.info(
        "extract.done feed=%s slice=%s window=%s pages=%d received=%d staged=%d outside=%d "
        "filtered=%d",
        feed.name, unit.slice, unit.window.name, progress.pages, progress.received_rows,
        committed.json.rows, progress.out_of_window_rows, progress.filtered_rows,
    )  # fmt: skip
    warn_outside_of_files(feed, unit, progress)
    if progress.lost_range:
        log.warning(
            "extract.missed feed=%s slice=%s window=%s: the source has no history and no longer "
            "had its records before %d ns; fetch more often, or choose a shorter window",
            feed.name, unit.slice, unit.window.name, progress.lost_range[1],
        )  # fmt: skip
    if until_ms := committed.json.unfinished_until_ms:
        log.info(
            "extract.unfinished feed=%s slice=%s window=%s: its window, or a candle that opens in "
            "it, is not over before %s; a run after that fetches it again",
            feed.name, unit.slice, unit.window.name, format_instant(until_ms * 10**6),
        )  # fmt: skip
    return ExtractResult(
        manifest_uri=storage.uri(committed.key),
        manifest=committed,
        seconds=time.monotonic() - began_s,
        peak_bytes=peak_bytes(),
    )


def section_of(feed: Feed, unit: Unit, progress: Checkpoint) -> JsonSection:
    """What a manifest says of the parts of *progress*."""
    return JsonSection(
        received_rows=progress.received_rows,
        out_of_window_rows=progress.out_of_window_rows,
        duplicate_rows=progress.duplicate_rows,
        filtered_rows=progress.filtered_rows,
        lost_range=progress.lost_range,
        pages=progress.pages,
        page_bytes=progress.page_bytes,
        host=feed.host,
        fetched_at_ms=progress.fetched_at_ms if feed.snapshot else None,
        new_fields=progress.new_fields,
        unfinished_until_ms=unfinished_until_ms(feed, unit, progress),
        parts=tuple(staged.part for staged in progress.parts),
    )


class _Staging:
    """Writes the parts of one attempt, and saves a checkpoint after each of them but the last."""

    def __init__(
        self,
        feed: Feed,
        unit: Unit,
        start: Checkpoint,
        batch: ExtractBatch,
        *,
        storage: Storage,
        is_saved: bool,
    ) -> None:
        self._feed, self._unit, self._storage = feed, unit, storage
        self._batch = batch
        self._saved = start
        self._is_saved = is_saved
        self.parts = PartSequence(feed, unit, completed=start.parts, storage=storage)

    def stage(self, pages: Iterable[tuple[str | None, SourcePage]]) -> Checkpoint:
        """Write every record of *pages* that belongs to the unit; return the counts."""
        start = self._saved
        window_filter = WindowFilter(self._feed, self._unit, start)
        unknown_fields = UnknownFieldCollector(self._feed, names=start.new_fields)
        progress_logger = ProgressLogger(self._feed, self._unit)

        def so_far(cursor: str | None) -> Checkpoint:
            return replace(
                window_filter.progress(), new_fields=unknown_fields.names,
                parts=self.parts.staged, cursor=cursor,
            )  # fmt: skip

        try:
            for cursor, page in pages:
                self._batch.stop.check()
                if self.parts.is_full:
                    self.parts.complete()
                    self.parts.spill()
                    self._save(so_far(cursor))
                blocks = unknown_fields.sample(progress_logger.track(page))
                self.parts.write_blocks(window_filter.filter(blocks))
                window_filter.add_page(page)
                unknown_fields.add_columns(page.info().unnamed_columns)
            self.parts.complete()
            done = so_far(None)
            refuse_all_outside(self._feed, self._unit, done)
        except BaseException:
            self.parts.abandon(keep=self._saved.parts)
            raise
        return done

    def forget(self) -> None:
        """Delete the checkpoint, if there is one."""
        if self._is_saved:
            checkpoint.forget(self._feed, self._unit, storage=self._storage)
            self._is_saved = False

    def _save(self, progress: Checkpoint) -> None:
        if progress.cursor is not None:  # else a retry cannot resume
            self._batch.record.create()
            checkpoint.save(progress, self._feed, self._unit, storage=self._storage)
            self._saved, self._is_saved = progress, True


class ProgressLogger:
    """Logs the progress every few seconds; never what is in the records."""

    def __init__(self, feed: Feed, unit: Unit) -> None:
        self._where = f"feed={feed.name} slice={unit.slice} window={unit.window.name}"
        self._began_s = self._logged_s = time.monotonic()
        self._pages = 0
        self._rows = 0

    def track(self, page: SourcePage) -> Iterator[Block]:
        """Yield the blocks of *page*, as they are."""
        for block in page.blocks():
            self._log(self._rows + page.rows)
            yield block
        self._pages += 1
        self._rows += page.rows
        self._log(self._rows)

    def _log(self, rows: int) -> None:
        now_s = time.monotonic()
        if now_s - self._logged_s < _LOG_EVERY_S:
            return
        self._logged_s = now_s
        log.info(
            "extract.progress %s pages=%d records=%d records_per_s=%d peak_bytes=%d",
            self._where, self._pages, rows, rows / (now_s - self._began_s), peak_bytes(),
        )  # fmt: skip
