"""A manifest with JSON parts in, one Parquet file and the manifest's Parquet section out.

``parts -> blocks -> batches -> row groups -> Parquet``, a block and a row group at a
time. Everything is written under ``_incomplete/``, read back and compared; only then is
it moved to its key and named in the manifest. The same parts give the same bytes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pyarrow as pa

from include.ticklake import __version__, days, manifest, parquet, parts, schema
from include.ticklake.budgets import Budgets
from include.ticklake.certificate import Certificate
from include.ticklake.days import Day
from include.ticklake.errors import CallInvalid, ParityBroken
from include.ticklake.feeds import Feed
from include.ticklake.hashed import HashedStream, sha256_of
from include.ticklake.manifest import Converted, Manifest
from include.ticklake.memory import peak_bytes, return_large_buffers
from include.ticklake.parquet import OutOfOrder
from include.ticklake.parse import Parsed, Parser
from include.ticklake.quarantine import Quarantine
from include.ticklake.slices import Slice
from include.ticklake.storage import INCOMPLETE, Storage
from include.ticklake.windows import Window

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """What one conversion is about."""

    feed: Feed
    found: Manifest
    storage: Storage
    budgets: Budgets
    day: Day | None
    """The compacted day whose file holds this window already, as it was before."""

    @property
    def window(self) -> Window:
        return Window.parse(self.found.window)

    def key(self, area: str, suffix: str) -> str:
        """Where the unit's object of *area* lies."""
        piece = Slice.of(self.found.slice)
        folder = manifest.folder(area, self.feed.name, piece, self.window)
        return f"{folder}/{self.window.name}{suffix}"

    def at_home(self, account: Converted) -> Converted:
        """*account* with the key of its Parquet: beside a compacted day that has it otherwise."""
        hour = self.day.hour(self.found.window) if self.day else None
        if hour is None or hour.holds(account):
            return account
        piece = Slice.of(self.found.slice)
        return replace(account, key=days.late_key(self.feed.name, piece, self.window))

    @property
    def unfinished(self) -> str:
        """The folder of the unit's unfinished objects."""
        return f"{INCOMPLETE}/{self.key('parquet', '')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """Whole and checked objects that still lie under ``_incomplete/``, and their account."""

    parquet_partial: str
    quarantine_partial: str
    account: Converted


def convert(manifest_key: str, *, feed: Feed, storage: Storage, budgets: Budgets) -> Report:
    """Convert the parts that the manifest names, and commit its ``parquet`` section.

    ``DataRefused`` where a part is broken, too many records are bad, or the Parquet is not
    what was parsed: nothing is committed then. *budgets* says what may be held at once.
    """
    began_s = time.monotonic()
    pa.set_memory_pool(pa.system_memory_pool())  # the other pools keep what is freed
    return_large_buffers()
    unit = _unit(manifest_key, feed=feed, storage=storage, budgets=budgets)
    try:
        written = _write(unit, declare_sorted=True)
    except OutOfOrder:
        # Whether a file is sorted stands in each of its row groups: begin it again.
        log.info("convert.unsorted feed=%s window=%s", feed.name, unit.found.window)
        written = _write(unit, declare_sorted=False)
    committed = _commit(unit, written)
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
        feed.name, Slice.of(committed.slice), committed.window, written.account.rows,
        written.account.quarantined_rows, written.account.parquet_bytes,
        written.account.sorted, report.seconds, report.peak_bytes,
    )  # fmt: skip
    return report


def _unit(manifest_key: str, *, feed: Feed, storage: Storage, budgets: Budgets) -> _Unit:
    found = manifest.read(manifest_key, storage=storage)
    if found is None:
        where = storage.uri(manifest_key)
        raise CallInvalid(f"there is no manifest at {where}: extract the window first")
    if found.feed != feed.name:
        raise CallInvalid(f"{storage.uri(manifest_key)} is of {found.feed}, not of {feed.name}")
    day = days.holding(
        feed.name, Slice.of(found.slice), Window.parse(found.window), storage=storage
    )
    return _Unit(feed=feed, found=found, storage=storage, budgets=budgets, day=day)


def _write(unit: _Unit, *, declare_sorted: bool) -> _Written:
    """Write both objects and check them; what is left of a failed try is removed."""
    partial = f"{unit.unfinished}/{uuid4().hex}"
    parquet_partial, quarantine_partial = f"{partial}.parquet", f"{partial}.jsonl.gz"
    try:
        return _write_to(unit, parquet_partial, quarantine_partial, declare_sorted=declare_sorted)
    except BaseException:
        unit.storage.delete(parquet_partial)
        unit.storage.delete(quarantine_partial)
        raise


def _write_to(
    unit: _Unit, parquet_partial: str, quarantine_partial: str, *, declare_sorted: bool
) -> _Written:
    staged = unit.found.json
    lake = schema.lake_schema(unit.feed)
    certificate = Certificate(lake)
    with (
        closing(_quarantine(unit, quarantine_partial)) as quarantine,
        closing(HashedStream(unit.storage.open_output(parquet_partial))) as sink,
    ):
        tables = parquet.groups(
            certificate.parsed(quarantine.sift(_parsed(unit, lake))),
            event_time=unit.feed.event_time[0],
            max_rows=unit.budgets.row_group_rows,
            max_bytes=unit.budgets.row_group_bytes,
        )
        written = parquet.write(
            certificate.gathered(tables),
            sink,
            schema=lake,
            event_time=unit.feed.event_time[0],
            declare_sorted=declare_sorted,
            metadata=_provenance(unit),
        )
    if written.rows + quarantine.rows != staged.rows:
        raise ParityBroken(
            f"{unit.found.key}: {staged.rows} records are staged, {written.rows} were written and "
            f"{quarantine.rows} refused"
        )
    where = unit.storage.uri(unit.key("parquet", ".parquet"))
    with unit.storage.open_file(parquet_partial) as source:
        certificate.check(source, where=where)
        if sha256_of(source) != sink.hexdigest():
            raise ParityBroken(f"{where}: its bytes are not those that were written")
    return _Written(
        parquet_partial=parquet_partial,
        quarantine_partial=quarantine_partial,
        account=unit.at_home(
            Converted(
                key=unit.key("parquet", ".parquet") if written.rows else None,
                rows=written.rows,
                parquet_bytes=sink.size_bytes if written.rows else 0,
                sha256=sink.hexdigest() if written.rows else None,
                row_groups=written.row_groups,
                quarantine_key=unit.key("quarantine", ".jsonl.gz") if quarantine.rows else None,
                quarantined_rows=quarantine.rows,
                sorted=declare_sorted,
                parts_digest=staged.digest,
                **_ranges(unit.feed, certificate),
            )
        ),
    )


def _quarantine(unit: _Unit, partial_key: str) -> Quarantine:
    return Quarantine(
        partial_key,
        storage=unit.storage,
        staged_rows=unit.found.json.rows,
        max_share=unit.feed.limits.max_bad_share,
    )


def _parsed(unit: _Unit, lake: pa.Schema) -> Iterator[Parsed]:
    columns = schema.columns(unit.feed, window=unit.window)
    fetched_at_ms = unit.found.json.fetched_at_ms
    return parts.parsed(
        unit.found.json.parts,
        Parser(columns, lake, fetched_at_ms=fetched_at_ms),
        feed=unit.feed,
        storage=unit.storage,
        budgets=unit.budgets,
    )


def _provenance(unit: _Unit) -> dict[str, str]:
    """Where the file's rows come from; nothing that differs between two runs."""
    return {
        "ticklake.version": __version__,
        "ticklake.schema_version": str(SCHEMA_VERSION),
        "ticklake.feed": unit.feed.name,
        "ticklake.slice": Slice.of(unit.found.slice).path,
        "ticklake.window": unit.found.window,
        "ticklake.source_host": unit.found.json.host,
    }


def _ranges(feed: Feed, certificate: Certificate) -> dict[str, Any]:
    """The least and greatest event time and keys, as the manifest says them."""
    name, _ = feed.event_time
    events = certificate.tallies[name]
    ns_per_unit = 10**9 // schema.PER_SECOND[schema.lake_type(feed.fields[name]).unit]
    return {
        "first_event_ns": None if events.least is None else events.least * ns_per_unit,
        "last_event_ns": None if events.greatest is None else events.greatest * ns_per_unit,
        "key_range": {
            key: (str(tally.least), str(tally.greatest))
            for key in feed.key
            if (tally := certificate.tallies[key]).least is not None
        },
    }


def _commit(unit: _Unit, written: _Written) -> Manifest:
    """Publish the objects, name them in the manifest, then remove what it names no more.

    Each step leaves what readers see whole; done again from any of them it ends the same.
    """
    storage, account = unit.storage, written.account
    if account.quarantine_key is not None:
        storage.move(written.quarantine_partial, account.quarantine_key)
    home = unit.key("parquet", ".parquet")
    in_day = unit.day is not None and account.key in (None, home)
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
