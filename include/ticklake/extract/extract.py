"""A feed and a unit of work in, staged JSON parts and their manifest out.

One record is in memory, whatever the size of a page or of a window.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from include.ticklake.errors import UsageError
from include.ticklake.extract import checkpoint, part_writer
from include.ticklake.extract.checkpoint import Checkpoint
from include.ticklake.extract.part_writer import PartWriter
from include.ticklake.extract.unknown_fields import UnknownFieldCollector
from include.ticklake.extract.window_filter import WindowFilter
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.manifest import JsonSection, Manifest, ParquetSection
from include.ticklake.lake.storage import Storage
from include.ticklake.memory.usage import peak_bytes
from include.ticklake.model.record import Record
from include.ticklake.model.unit import Unit
from include.ticklake.sources import auth, source
from include.ticklake.sources.auth import GetCredentials
from include.ticklake.sources.retries import SourceRetryPolicy
from include.ticklake.sources.source import Connect, SourceContext, SourcePage
from include.ticklake.sources.sql import engines

log = logging.getLogger(__name__)

_TELL_EVERY_S = 5.0
_LOOK_EVERY_ROWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractResult:
    """What one extraction did; ``manifest`` is what it left."""

    manifest_uri: str
    manifest: Manifest
    seconds: float
    peak_bytes: int

    def summary(self) -> dict[str, object]:
        """Addresses and counts, for a log line or XCom."""
        staged = self.manifest.json
        return {
            "manifest": self.manifest_uri,
            "pages": staged.pages,
            "received_rows": staged.received_rows,
            "rows": staged.rows,
            "outside_rows": staged.out_of_window_rows,
            "json_bytes": sum(part.gzip_bytes for part in staged.parts),
            **({"new_fields": list(staged.new_fields)} if staged.new_fields else {}),
            "seconds": round(self.seconds, 3),
            "peak_bytes": self.peak_bytes,
        }


def extract(
    feed: Feed,
    work: Unit,
    *,
    storage: Storage,
    base_url: str | None = None,
    patience: SourceRetryPolicy | None = None,
    lookup: GetCredentials | None = None,
    connect: Connect | None = None,
    clock: Callable[[], float] = time.time,
) -> ExtractResult:
    """Stage every record of *work* and commit the ``json`` section of its manifest.

    A try that died is gone on with after its last whole part. Errors of the source pass
    through (``Retryable``, ``SourceRefusedError``); nothing is committed then. *lookup* and
    *connect* turn a connection id into a login or a database; by default by the environment.
    """
    began_s = time.monotonic()
    now_ms = int(clock() * 1000)
    done = checkpoint.load_or_start(feed, work, base_url=base_url, now_ms=now_ms, storage=storage)
    if not done.complete:
        context = SourceContext(
            get_credentials=lookup or partial(auth.credentials_from_env, env=os.environ),
            connect=connect or partial(engines.engine_from_env, env=os.environ),
            base_url=base_url,
            retry_policy=patience or SourceRetryPolicy(),
        )
        with (
            closing(source.pages(feed, work, context=context, cursor=done.cursor)) as pages,
            closing(_stage(feed, work, pages, done, storage=storage)) as steps,
        ):
            for done in steps:
                checkpoint.save(done, feed, work, storage=storage)
    committed = _commit(feed, work, done, storage=storage)
    log.info(
        "extract.done feed=%s slice=%s window=%s pages=%d received=%d staged=%d outside=%d",
        feed.name, work.slice, work.window.name,
        done.pages, done.received_rows, committed.json.rows, done.outside_rows,
    )  # fmt: skip
    if done.missed:
        log.warning(
            "extract.missed feed=%s slice=%s window=%s: the source has no history and no longer "
            "had its records before %d ns; fetch more often, or choose a shorter window",
            feed.name, work.slice, work.window.name, done.missed[1],
        )  # fmt: skip
    return ExtractResult(
        manifest_uri=storage.uri(committed.key),
        manifest=committed,
        seconds=time.monotonic() - began_s,
        peak_bytes=peak_bytes(),
    )


def _stage(
    feed: Feed,
    work: Unit,
    pages: Iterable[tuple[str | None, SourcePage]],
    done: Checkpoint,
    *,
    storage: Storage,
) -> Generator[Checkpoint]:
    """Write parts; yield the progress whenever one is whole, and at the end."""
    sieve = WindowFilter(feed, work, done)
    unread = UnknownFieldCollector(feed, names=done.new_fields)
    tell = _ProgressLogger(feed, work, unread)
    written, part = list(done.written), None
    try:
        for cursor, page in pages:
            if part and part.size_bytes >= feed.part_bytes:
                written.append(part.close())
                part = None
                at = replace(sieve.account(), new_fields=unread.names)
                yield replace(at, cursor=cursor, written=tuple(written))
            for record, event_ns in sieve.through(tell.watch(page)):
                if part is None:
                    part = PartWriter(feed.name, work, number=len(written), storage=storage)
                part.write(record, event_ns)
            sieve.note(page)
        if part:
            written.append(part.close())
            part = None
    except BaseException:
        if part:
            part.abandon()
        raise
    at = replace(sieve.account(), new_fields=unread.names)
    yield replace(at, written=tuple(written), complete=True)


def _commit(feed: Feed, work: Unit, done: Checkpoint, *, storage: Storage) -> Manifest:
    """Move the parts to their keys, name them in the manifest, then drop what it replaces."""
    parts = tuple(one.part for one in done.written)
    part_writer.publish(done.written, storage=storage)
    committed = Manifest(
        feed=feed.name,
        slice=work.slice.as_dict(),
        window=work.window.name,
        json=JsonSection(
            received_rows=done.received_rows,
            out_of_window_rows=done.outside_rows,
            duplicate_rows=done.duplicate_rows,
            lost_range=done.missed,
            pages=done.pages,
            page_bytes=done.page_bytes,
            host=feed.host,
            fetched_at_ms=done.fetched_at_ms if feed.snapshot else None,
            new_fields=done.new_fields,
            parts=parts,
        ),
        parquet=_parquet(layout.manifest_key(feed.name, work.slice, work.window), storage=storage),
    )
    manifest.write(committed, storage=storage)
    part_writer.remove_leftovers(feed.name, work, parts, storage=storage)
    return committed


def _parquet(manifest_key: str, *, storage: Storage) -> ParquetSection | None:
    """What an earlier manifest says of Parquet; convert will see whether it is still current."""
    try:
        old = manifest.read(manifest_key, storage=storage)
    except UsageError as wrong:  # whose advice is to extract again, which is what we do
        log.warning("extract.manifest_replaced %s", wrong)
        return None
    return old.parquet if old else None


class _ProgressLogger:
    """Says every few seconds how far it has come; never of what is in the records.

    On the way it shows some of them to *unread*.
    """

    def __init__(self, feed: Feed, work: Unit, unread: UnknownFieldCollector) -> None:
        self._unread = unread
        self._what = f"feed={feed.name} slice={work.slice} window={work.window.name}"
        self._began_s = self._told_s = time.monotonic()
        self._pages = 0
        self._rows = 0

    def watch(self, page: SourcePage) -> Iterator[Record]:
        """The records of *page*, as they are."""
        for row, record in enumerate(page, start=1):
            if row % _LOOK_EVERY_ROWS == 1:
                self._unread.look(record)
                self._tell(row)
            yield record
        self._pages += 1
        self._rows += page.rows
        self._tell(0)

    def _tell(self, row: int) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s < _TELL_EVERY_S:
            return
        self._told_s, rows = now_s, self._rows + row
        log.info(
            "extract.progress %s pages=%d records=%d records_per_s=%d peak_bytes=%d",
            self._what, self._pages, rows, rows / (now_s - self._began_s), peak_bytes(),
        )  # fmt: skip
