"""One window's staged records in, its checked Parquet and quarantine out: nothing is published.

``parts -> blocks -> batches -> row groups -> Parquet``, a block and a row group at a
time. Small objects are in memory, larger ones under ``_incomplete/``; the Parquet was read back
and compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from include.ticklake import __version__
from include.ticklake.convert import parquet_writer, parts
from include.ticklake.convert.budget import Budget
from include.ticklake.convert.column_ranges import ColumnRanges
from include.ticklake.convert.parity import ParityCheck
from include.ticklake.convert.parse.block_parser import BlockParser, ParsedBatch
from include.ticklake.convert.parse.largest_record import LargestRecordReporter
from include.ticklake.convert.quarantine import Quarantine
from include.ticklake.errors import ParityError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout
from include.ticklake.lake.hashing import HashingWriter, sha256_of
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.schema_history import SchemaVersion
from include.ticklake.lake.staged_object import StagedObject
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.table_schema import LakeSchema
from include.ticklake.memory.usage import SMALL_BYTES, return_buffers
from include.ticklake.model.slice import Slice
from include.ticklake.model.stop_signal import StopSignal
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionJob:
    """A window to convert, and what that takes."""

    feed: Feed
    manifest: Manifest
    manifest_version: str
    storage: Storage
    budget: Budget
    schema_version: SchemaVersion
    largest: LargestRecordReporter
    stop: StopSignal

    @property
    def slice(self) -> Slice:
        """The manifest's slice."""
        return Slice.of(self.manifest.slice)

    @property
    def window(self) -> Window:
        """The manifest's window."""
        return Window.parse(self.manifest.window)

    @property
    def parquet_key(self) -> str:
        """The key of the window's Parquet, unless its day is compacted."""
        return layout.parquet_key(self.feed.name, self.slice, self.window)

    @property
    def quarantine_key(self) -> str:
        """The key of the window's quarantine."""
        return layout.quarantine_key(self.feed.name, self.slice, self.window)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenWindow:
    """Complete, checked objects that nobody sees yet, and the manifest's section on them."""

    parquet: StagedObject
    """Without a row where the section has no key."""
    quarantine: StagedObject | None
    section: ParquetSection

    def discard(self) -> None:
        """Drop the objects; those that were published stay."""
        self.parquet.discard()
        if self.quarantine is not None:
            self.quarantine.discard()


def write(job: ConversionJob, *, declare_sorted: bool) -> WrittenWindow:
    """Write both objects and check them; a failed attempt removes what it wrote.

    ``DataError`` where they must not be published; ``OutOfOrderError`` where the rows turn out
    not to be in the order that *declare_sorted* would declare.
    """
    parquet = StagedObject(job.parquet_key, storage=job.storage)
    quarantine = _quarantine(job)
    try:
        section = _write_to(job, parquet, quarantine, declare_sorted=declare_sorted)
    except BaseException:
        parquet.discard()
        if quarantine.staged is not None:
            quarantine.staged.discard()
        raise
    # For the next window of a batch, which begins with what this one left.
    if section.row_groups >= parquet_writer.FEW_ROW_GROUPS:
        return_buffers(from_bytes=SMALL_BYTES)
    pa.default_memory_pool().release_unused()
    return WrittenWindow(parquet=parquet, quarantine=quarantine.staged, section=section)


def _write_to(
    job: ConversionJob, parquet: StagedObject, quarantine: Quarantine, *, declare_sorted: bool
) -> ParquetSection:
    staged = job.manifest.json
    schema = LakeSchema.of(job.feed, window=job.window)
    parity = ParityCheck(schema.arrow)
    ranges = ColumnRanges({schema.event_time.name, *job.feed.key})
    sink = HashingWriter(parquet)
    tables = parquet_writer.row_groups(
        parity.tap_batches(quarantine.divert(_parse(job, schema))),
        event_time=schema.event_time.name,
        max_rows=job.budget.row_group_rows,
        max_bytes=job.budget.row_group_bytes,
    )
    written = parquet_writer.write(
        ranges.tap(parity.tap_row_groups(tables)),
        sink,
        schema=schema.arrow,
        event_time=schema.event_time.name,
        declare_sorted=declare_sorted,
        metadata=_provenance(job),
        expected_rows=staged.rows,
    )
    sink.close()
    quarantine.close()
    if written.rows + quarantine.rows != staged.rows:
        raise ParityError(
            f"{job.manifest.key}: {staged.rows} records are staged, {written.rows} were written "
            f"and {quarantine.rows} refused"
        )
    where = job.storage.uri(job.parquet_key)
    with parquet.open_file() as source:
        parity.check(source, where=where)
        if sha256_of(source) != sink.hexdigest():
            raise ParityError(f"{where}: its bytes are not those that were written")
    return ParquetSection(
        key=job.parquet_key if written.rows else None,
        rows=written.rows,
        parquet_bytes=sink.size_bytes if written.rows else 0,
        sha256=sink.hexdigest() if written.rows else None,
        row_groups=written.row_groups,
        quarantine_key=job.quarantine_key if quarantine.rows else None,
        quarantined_rows=quarantine.rows,
        sorted=declare_sorted,
        parts_digest=staged.digest,
        **_ranges(job.feed, schema, ranges),
    )


def _quarantine(job: ConversionJob) -> Quarantine:
    return Quarantine(
        job.quarantine_key,
        storage=job.storage,
        staged_rows=job.manifest.json.rows,
        max_share=job.feed.limits.max_bad_share,
        feed_name=job.feed.name,
        unit=Unit(job.slice, job.window),
    )


def _parse(job: ConversionJob, schema: LakeSchema) -> Iterator[ParsedBatch]:
    staged = job.manifest.json
    return parts.parse_parts(
        staged.parts,
        BlockParser(schema, fetched_at_ms=staged.fetched_at_ms, largest=job.largest),
        feed=job.feed,
        storage=job.storage,
        budget=job.budget,
        largest=job.largest,
        stop=job.stop,
    )


def _provenance(job: ConversionJob) -> dict[str, str]:
    """Where the file's rows come from; nothing that differs between two runs."""
    return {
        "ticklake.version": __version__,
        "ticklake.schema_version": str(job.schema_version.number),
        "ticklake.feed": job.feed.name,
        "ticklake.slice": job.slice.path,
        "ticklake.window": job.manifest.window,
        "ticklake.source_host": job.manifest.json.host,
    }


def _ranges(feed: Feed, schema: LakeSchema, ranges: ColumnRanges) -> dict[str, Any]:
    """The least and greatest event time and keys, as the manifest has them."""
    events = ranges.of(schema.event_time.name) or (None, None)
    first_ns, last_ns = (at if at is None else at * schema.ns_per_unit for at in events)
    return {
        "first_event_ns": first_ns,
        "last_event_ns": last_ns,
        "key_range": {
            key: (str(ends[0]), str(ends[1])) for key in feed.key if (ends := ranges.of(key))
        },
    }
