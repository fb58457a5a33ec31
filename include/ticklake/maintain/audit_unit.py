"""Auditing one window: its parts, its Parquet, and what its manifest says of both.

A file that does not have the sha256 of its manifest is read twice: one bad read is not damage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import pyarrow as pa

from include.ticklake.convert.budget import Budget
from include.ticklake.convert.parity import ParityCheck
from include.ticklake.errors import CorruptManifestError, CorruptParquetError, CorruptPartError
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, manifest, table_schema
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.hashing import is_intact
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.audit_rows import RowChecks, json_facts
from include.ticklake.maintain.day_file import window_rows
from include.ticklake.maintain.day_rows import DayRows
from include.ticklake.maintain.safe_repair import SafeRepair, safe_repair
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, format_instant


class Problem(NamedTuple):
    """What is wrong with a unit."""

    kind: str
    what: str
    repair: SafeRepair
    window: Window | None = None
    """Of the day, where it is not the unit's own."""


@dataclass(slots=True)
class AuditedDay:
    """What an audit knows of a compacted day; its file is read once."""

    window: Window
    manifest: CompactedDay | None = None
    damage: str | None = None
    """What is wrong with its manifest; None once that was said."""
    is_damaged: bool = False
    is_file_intact: bool | None = None
    """None before it was read."""


class AuditedDays:
    """The compacted days of a feed; units come slice by slice in the order of time."""

    def __init__(self, feed: Feed, *, storage: Storage) -> None:
        self._feed = feed
        self._storage = storage
        self._slice: Slice | None = None
        self._day: AuditedDay | None = None

    def of(self, unit: Unit) -> AuditedDay:
        """The day of *unit*, read once for all windows of it."""
        window = layout.day_of(unit.window)
        if self._day is None or self._day.window != window or self._slice != unit.slice:
            self._slice, self._day = unit.slice, self._read(unit, window)
        return self._day

    def _read(self, unit: Unit, window: Window) -> AuditedDay:
        day = AuditedDay(window)
        if window != unit.window:
            key = layout.day_manifest_key(self._feed.name, unit.slice, window)
            try:
                day.manifest = day_manifest.read(key, storage=self._storage)
            except CorruptManifestError as error:
                day.damage, day.is_damaged = str(error), True
        return day


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitAudit:
    """One window under audit."""

    feed: Feed
    unit: Unit
    storage: Storage
    budget: Budget
    now: datetime
    day: AuditedDay

    def problems(self, rows: RowChecks, day_rows: DayRows) -> Iterator[Problem]:
        """Yield what is wrong; the contents of a broken file are not checked."""
        if self.day.damage is not None:
            yield Problem("manifest_broken", self.day.damage, "restore", self.day.window)
            self.day.damage = None
        key = layout.manifest_key(self.feed.name, self.unit.slice, self.unit.window)
        try:
            window = manifest.read(key, storage=self.storage)
        except CorruptManifestError as error:
            rows.break_off()
            yield Problem("manifest_broken", str(error), "restore")
            return
        if window is None:
            rows.break_off()
            if plan.can_be_whole(self.feed, self.unit, now=self.now):
                yield self._problem("missing_window", "it was never fetched")
            return
        yield from self._unfinished(window)
        is_whole = window.json.unfinished_until_ms is None
        if is_whole and plan.expects_records(self.feed, self.unit, now=self.now):
            day_rows.add(self.unit.window, rows=window.json.rows)
        broken_parts = [self._problem("part_broken", what) for what in self._broken_parts(window)]
        yield from broken_parts
        has_json = not broken_parts and not window.json.removed
        parquet = window.parquet
        if parquet is None or not window.is_current or parquet.removed:
            rows.break_off()
            if not window.json.removed and not window.is_current:
                what = "its JSON is newer than its Parquet"
                yield self._problem("not_converted", what, has_json=has_json)
            return
        if self._is_in_unknown_day(parquet):
            rows.break_off()
            return
        yield from self._parquet_problems(window, parquet, rows, has_json=has_json)

    def _parquet_problems(
        self, window: Manifest, parquet: ParquetSection, rows: RowChecks, *, has_json: bool
    ) -> Iterator[Problem]:
        stored = ParityCheck(table_schema.arrow_schema(self.feed))
        broken = self._broken_file(parquet)
        if broken and self._is_in_day_without_manifest(parquet):
            rows.break_off()
            what = f"the manifest of the day is missing, and {parquet.key} is in no other file"
            self.day.is_damaged = True
            yield Problem("manifest_broken", what, "restore", self.day.window)
            return
        if not broken:
            try:
                for kind, what in rows.check(
                    stored.tap_batches(self._rows(parquet)),
                    parquet,
                    again=lambda: self._rows(parquet),
                    is_whole=window.json.unfinished_until_ms is None,
                ):
                    yield self._problem(kind, what, has_json=has_json)
            except (CorruptParquetError, FileNotFoundError) as error:
                broken = str(error)
        if not broken and stored.rows != parquet.rows:
            broken = f"{stored.rows} of its {parquet.rows} rows are where its manifest says"
        if broken:
            rows.break_off()
            yield self._problem("parquet_broken", broken, has_json=has_json)
        elif has_json:
            yield from self._disagreements(window, parquet, stored)

    def _problem(self, kind: str, what: str, *, has_json: bool = True) -> Problem:
        repair = safe_repair(kind, self.feed, has_json=has_json)
        if repair == "none" and not self.feed.has_history and kind != "duplicate":
            what = f"{what}; the source has no history, so it is not fetched again"
        return Problem(kind, what, repair)

    def _unfinished(self, window: Manifest) -> Iterator[Problem]:
        until_ms = window.json.unfinished_until_ms
        if until_ms is not None and until_ms <= self.now.timestamp() * 1000:
            yield self._problem(
                "unfinished_window",
                f"it was fetched before {format_instant(until_ms * 10**6)}, when all of it was "
                "over; fetch it again",
            )

    def _broken_parts(self, window: Manifest) -> Iterator[str]:
        for part in window.json.parts if not window.json.removed else ():
            if not self.storage.exists(part.key):
                yield f"{part.key} is missing"
            elif not is_intact(part.key, part.sha256, storage=self.storage):
                yield f"{part.key} is not what was staged"

    def _is_in_unknown_day(self, parquet: ParquetSection) -> bool:
        """Whether the rows are in the file of a day whose manifest is damaged, as it seems."""
        return bool(self.day.is_damaged and parquet.key and not self.storage.exists(parquet.key))

    def _is_in_day_without_manifest(self, parquet: ParquetSection) -> bool:
        """Whether a day's file is there, and no manifest that names it."""
        day_key = layout.parquet_key(self.feed.name, self.unit.slice, self.day.window)
        if self.day.manifest or self.day.window == self.unit.window or parquet.key is None:
            return False
        return not self.storage.exists(parquet.key) and self.storage.exists(day_key)

    def _locate(
        self, parquet: ParquetSection
    ) -> tuple[CompactedWindow, str | None, CompactedDay | None]:
        """The window's rows, the key of the file with them, and the day where it is a day's."""
        window = CompactedWindow.of(self.unit.window.name, parquet)
        day = self.day.manifest
        if day and day.holds(window):
            return window, day.key, day
        return window, parquet.key, None

    def _broken_file(self, parquet: ParquetSection) -> str | None:
        """What is wrong with the file as a whole."""
        window, key, day = self._locate(parquet)
        if not window.rows or key is None:
            return None
        if day and self.day.is_file_intact is not None:
            return None if self.day.is_file_intact else f"{key}, the day's file, is broken"
        sha256 = (day.sha256 if day else parquet.sha256) or ""
        exists = self.storage.exists(key)
        intact = exists and is_intact(key, sha256, storage=self.storage)
        if day:
            self.day.is_file_intact = intact
        if intact:
            return None
        return f"{key} is not what was converted" if exists else f"{key} is missing"

    def _rows(self, parquet: ParquetSection) -> Iterator[pa.RecordBatch]:
        window, key, _ = self._locate(parquet)
        if window.rows and key is not None:
            yield from window_rows(self.feed, window, key=key, storage=self.storage)

    def _disagreements(
        self, window: Manifest, parquet: ParquetSection, stored: ParityCheck
    ) -> Iterator[Problem]:
        """Where counts of rows or values of the JSON differ from those of the Parquet."""
        try:
            staged, refused_rows = json_facts(
                self.feed, window, storage=self.storage, budget=self.budget
            )
        except CorruptPartError as error:
            yield self._problem("part_broken", str(error))
            return
        if (staged.rows, refused_rows) != (stored.rows, parquet.quarantined_rows):
            yield self._problem(
                "disagreement",
                f"the JSON has {staged.rows} good rows and {refused_rows} others, the Parquet has "
                f"{stored.rows}",
            )
            return
        for name, total in staged.totals.items():
            if total != stored.totals[name]:
                yield self._problem("disagreement", f"column {name} differs")
