"""One window's staged records in, its checked Parquet and its quarantine out: nothing is published.

``parts -> blocks -> batches -> row groups -> Parquet``, a block and a row group at a
time. Both objects lie under ``_incomplete/``, and the Parquet was read back and compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pyarrow as pa

from include.ticklake import __version__
from include.ticklake.convert import parquet_writer, parts
from include.ticklake.convert.budget import Budget
from include.ticklake.convert.parity import ParityCheck
from include.ticklake.convert.parse.block_parser import BlockParser, ParsedBatch
from include.ticklake.convert.parse.largest_record import LargestRecordReporter
from include.ticklake.convert.quarantine import Quarantine
from include.ticklake.errors import ParityError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, table_schema
from include.ticklake.lake.hashing import HashingWriter, sha256_of
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.schema_history import SchemaVersion
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionJob:
    """What one conversion is about."""

    feed: Feed
    found: Manifest
    storage: Storage
    budgets: Budget
    place: SchemaVersion
    largest: LargestRecordReporter

    @property
    def slice(self) -> Slice:
        """The manifest's slice."""
        return Slice.of(self.found.slice)

    @property
    def window(self) -> Window:
        """The manifest's window."""
        return Window.parse(self.found.window)

    @property
    def parquet_key(self) -> str:
        """The key of the window's Parquet, unless its day is compacted."""
        return layout.parquet_key(self.feed.name, self.slice, self.window)

    @property
    def quarantine_key(self) -> str:
        """The key of the window's quarantine."""
        return layout.quarantine_key(self.feed.name, self.slice, self.window)

    @property
    def unfinished(self) -> str:
        """The folder of the unit's unfinished objects."""
        return layout.unfinished_parquet_folder(self.feed.name, self.slice, self.window)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenWindow:
    """Whole and checked objects that still lie under ``_incomplete/``, and their account."""

    parquet_partial: str
    quarantine_partial: str
    account: ParquetSection


def write(unit: ConversionJob, *, declare_sorted: bool) -> WrittenWindow:
    """Write both objects and check them; what is left of a failed try is removed.

    ``DataError`` where they may not be published; ``OutOfOrderError`` where the rows turn out
    not to be in the order that *declare_sorted* would declare.
    """
    partial = f"{unit.unfinished}/{uuid4().hex}"
    parquet_partial, quarantine_partial = f"{partial}.parquet", f"{partial}.jsonl.gz"
    try:
        return _write_to(unit, parquet_partial, quarantine_partial, declare_sorted=declare_sorted)
    except BaseException:
        unit.storage.delete(parquet_partial)
        unit.storage.delete(quarantine_partial)
        raise


def _write_to(
    unit: ConversionJob, parquet_partial: str, quarantine_partial: str, *, declare_sorted: bool
) -> WrittenWindow:
    staged = unit.found.json
    lake = table_schema.arrow_schema(unit.feed)
    certificate = ParityCheck(lake)
    with (
        closing(_quarantine(unit, quarantine_partial)) as quarantine,
        closing(HashingWriter(unit.storage.open_output(parquet_partial))) as sink,
    ):
        tables = parquet_writer.row_groups(
            certificate.parsed(quarantine.sift(_parsed(unit, lake))),
            event_time=unit.feed.event_time[0],
            max_rows=unit.budgets.row_group_rows,
            max_bytes=unit.budgets.row_group_bytes,
        )
        written = parquet_writer.write(
            certificate.gathered(tables),
            sink,
            schema=lake,
            event_time=unit.feed.event_time[0],
            declare_sorted=declare_sorted,
            metadata=_provenance(unit),
        )
    if written.rows + quarantine.rows != staged.rows:
        raise ParityError(
            f"{unit.found.key}: {staged.rows} records are staged, {written.rows} were written and "
            f"{quarantine.rows} refused"
        )
    where = unit.storage.uri(unit.parquet_key)
    with unit.storage.open_file(parquet_partial) as source:
        certificate.check(source, where=where)
        if sha256_of(source) != sink.hexdigest():
            raise ParityError(f"{where}: its bytes are not those that were written")
    return WrittenWindow(
        parquet_partial=parquet_partial,
        quarantine_partial=quarantine_partial,
        account=ParquetSection(
            key=unit.parquet_key if written.rows else None,
            rows=written.rows,
            parquet_bytes=sink.size_bytes if written.rows else 0,
            sha256=sink.hexdigest() if written.rows else None,
            row_groups=written.row_groups,
            quarantine_key=unit.quarantine_key if quarantine.rows else None,
            quarantined_rows=quarantine.rows,
            sorted=declare_sorted,
            parts_digest=staged.digest,
            **_ranges(unit.feed, certificate),
        ),
    )


def _quarantine(unit: ConversionJob, partial_key: str) -> Quarantine:
    return Quarantine(
        partial_key,
        storage=unit.storage,
        staged_rows=unit.found.json.rows,
        max_share=unit.feed.limits.max_bad_share,
    )


def _parsed(unit: ConversionJob, lake: pa.Schema) -> Iterator[ParsedBatch]:
    columns = table_schema.columns(unit.feed, window=unit.window)
    fetched_at_ms = unit.found.json.fetched_at_ms
    return parts.parse_parts(
        unit.found.json.parts,
        BlockParser(columns, lake, fetched_at_ms=fetched_at_ms, largest=unit.largest),
        feed=unit.feed,
        storage=unit.storage,
        budgets=unit.budgets,
        largest=unit.largest,
    )


def _provenance(unit: ConversionJob) -> dict[str, str]:
    """Where the file's rows come from; nothing that differs between two runs."""
    return {
        "ticklake.version": __version__,
        "ticklake.schema_version": str(unit.place.number),
        "ticklake.feed": unit.feed.name,
        "ticklake.slice": unit.slice.path,
        "ticklake.window": unit.found.window,
        "ticklake.source_host": unit.found.json.host,
    }


def _ranges(feed: Feed, certificate: ParityCheck) -> dict[str, Any]:
    """The least and greatest event time and keys, as the manifest says them."""
    name, _ = feed.event_time
    events = certificate.tallies[name]
    ns_per_unit = 10**9 // table_schema.PER_SECOND[table_schema.arrow_type(feed.fields[name]).unit]
    return {
        "first_event_ns": None if events.least is None else events.least * ns_per_unit,
        "last_event_ns": None if events.greatest is None else events.greatest * ns_per_unit,
        "key_range": {
            key: (str(tally.least), str(tally.greatest))
            for key in feed.key
            if (tally := certificate.tallies[key]).least is not None
        },
    }
