"""Auditing a range of the lake: the data itself is read and compared with its manifests.

Every part and file is compared with its manifest, the JSON with the Parquet, and neighbouring
windows with each other. One window at a time, one batch of it in memory. What is not over yet is
not missed.

================= ==================================================================
kind              what it means
================= ==================================================================
missing_window    it is over and was never fetched
unfinished_window it was fetched before it, or a candle that opens in it, was over
not_converted     its JSON is newer than its Parquet
part_broken       a part is missing, truncated or changed
parquet_broken    a Parquet file is missing or changed
disagreement      JSON and Parquet have different data
gap               consecutive ids that are not consecutive
hole              candles that are missing from the lake
duplicate         two rows with the same key in a window
out_of_order      a file that is declared sorted and is not
orphan            an object that no manifest names
empty_day         no window of the day has a record, in any slice: a warning
================= ==================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

import pyarrow as pa

from include.ticklake.convert.budget import Budget
from include.ticklake.convert.parity import ParityCheck
from include.ticklake.errors import CorruptPartError
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, manifest, table_schema
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.hashing import sha256_of_object
from include.ticklake.lake.layout import Area
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.audit_rows import RowChecks, json_facts
from include.ticklake.maintain.day_file import window_rows
from include.ticklake.maintain.day_rows import DayRows
from include.ticklake.maintain.orphans import orphans
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import format_instant

FETCH_AGAIN = frozenset({"missing_window", "unfinished_window", "part_broken", "gap", "hole"})
"""What fetching again may repair."""
WARNINGS = frozenset({"empty_day"})
"""What may be right: nothing fails for it."""
CONVERT_AGAIN = frozenset({"not_converted", "parquet_broken", "disagreement", "out_of_order"})
"""What converting again repairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem, and the window that has it."""

    kind: str
    slice: str
    window: str
    what: str

    def as_dict(self) -> dict[str, str]:
        """Plain JSON."""
        return asdict(self)


def audit(
    feed: Feed,
    units: Iterable[Unit],
    *,
    storage: Storage,
    budget: Budget,
    now: datetime | None = None,
    day_rows: DayRows | None = None,
) -> Iterator[Finding]:
    """Yield what is wrong with *units*, which come slice by slice in the order of time.

    What is over by *now*, which defaults to the clock, should be there. With *day_rows*, other
    slices of the same days are audited elsewhere: which days are empty is for the caller to say.
    """
    rows, now = RowChecks(feed), now or datetime.now(UTC)
    of_days = DayRows() if day_rows is None else day_rows
    days_seen: dict[str, bool] = {}
    slices: dict[Slice, set[date]] = {}
    for unit in units:
        slices.setdefault(unit.slice, set()).add(unit.window.start.date())
        rows.begin(unit)
        check = _Check(feed=feed, unit=unit, storage=storage, budget=budget, now=now)
        for kind, what in check.findings(rows, days_seen, of_days):
            yield Finding(kind=kind, slice=str(unit.slice), window=unit.window.name, what=what)
    for slice_, dates in slices.items():
        for key in orphans(feed, slice_, dates, storage=storage):
            yield Finding(
                kind="orphan", slice=str(slice_), window=layout.window_name(key),
                what=f"no manifest names {key}",
            )  # fmt: skip
    if day_rows is None:
        yield from empty_days(of_days)


def empty_days(rows: DayRows) -> Iterator[Finding]:
    """Yield a warning for each day without any record."""
    for day, windows in rows.empty():
        yield Finding(
            kind="empty_day", slice="all", window=day.name,
            what=f"all of its {windows} units are empty; see whether the source has records of "
            "that day",
        )  # fmt: skip


def since_first(feed: Feed, units: Iterable[Unit], *, storage: Storage) -> Iterator[Unit]:
    """Yield *units* without the windows before the first one of their slice that was fetched.

    All units of a slice that was never fetched are yielded, unless nothing of the feed was.
    """
    first_windows: dict[Slice, str | None] = {}
    has_data = any(storage.folders(layout.feed_folder(Area.MANIFESTS, feed.name)))
    for unit in units if has_data else ():
        if unit.slice not in first_windows:
            first_windows[unit.slice] = _first_window(feed, unit.slice, storage)
        first = first_windows[unit.slice]
        if first is None or unit.window.name >= first:
            yield unit


def _first_window(feed: Feed, slice_: Slice, storage: Storage) -> str | None:
    """The name of the first window of *slice_* that has a manifest."""
    folder = layout.slice_folder(Area.MANIFESTS, feed.name, slice_)
    for name in storage.folders(folder):
        for key in storage.list(f"{folder}/{name}"):
            if layout.parse_date_folder(name) and not layout.is_day_manifest(key):
                return layout.window_name(key)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """One window under audit."""

    feed: Feed
    unit: Unit
    storage: Storage
    budget: Budget
    now: datetime

    def findings(
        self, rows: RowChecks, days_seen: dict[str, bool], day_rows: DayRows
    ) -> Iterator[tuple[str, str]]:
        """Yield kind and details; the contents of a broken file are not checked."""
        key = layout.manifest_key(self.feed.name, self.unit.slice, self.unit.window)
        window = manifest.read(key, storage=self.storage)
        if window is None:
            rows.break_off()
            if plan.can_be_whole(self.feed, self.unit, now=self.now):
                yield "missing_window", "it was never fetched"
            return
        yield from self._unfinished(window)
        is_whole = window.json.unfinished_until_ms is None
        if is_whole and plan.expects_records(self.feed, self.unit, now=self.now):
            day_rows.add(self.unit.window, rows=window.json.rows)
        broken_parts = list(self._broken_parts(window))
        yield from broken_parts
        parquet = window.parquet
        if parquet is None or not window.is_current or parquet.removed:
            rows.break_off()
            if not window.json.removed and not window.is_current:
                yield "not_converted", "its JSON is newer than its Parquet"
            return
        broken = self._broken_parquet(parquet, days_seen)
        if broken:
            rows.break_off()
            yield "parquet_broken", broken
            return
        stored = ParityCheck(table_schema.arrow_schema(self.feed))
        yield from rows.check(
            stored.tap_batches(self._rows(parquet)),
            parquet,
            again=lambda: self._rows(parquet),
            is_whole=is_whole,
        )
        if not broken_parts and not window.json.removed:
            yield from self._disagreements(window, parquet, stored)

    def _unfinished(self, window: Manifest) -> Iterator[tuple[str, str]]:
        until_ms = window.json.unfinished_until_ms
        if until_ms is not None and until_ms <= self.now.timestamp() * 1000:
            yield (
                "unfinished_window",
                f"it was fetched before {format_instant(until_ms * 10**6)}, when all of it was "
                "over; fetch it again",
            )

    def _broken_parts(self, window: Manifest) -> Iterator[tuple[str, str]]:
        for part in window.json.parts if not window.json.removed else ():
            if not self.storage.exists(part.key):
                yield "part_broken", f"{part.key} is missing"
            elif sha256_of_object(part.key, self.storage) != part.sha256:
                yield "part_broken", f"{part.key} is not what was staged"

    def _locate(
        self, parquet: ParquetSection
    ) -> tuple[CompactedWindow, str | None, CompactedDay | None]:
        """The window's rows, the key of the file with them, and the day where it is a day's."""
        window = CompactedWindow.of(self.unit.window.name, parquet)
        name = self.feed.name
        day = day_manifest.find_day(name, self.unit.slice, self.unit.window, storage=self.storage)
        if day and day.holds(window):
            return window, day.key, day
        return window, parquet.key, None

    def _broken_parquet(self, parquet: ParquetSection, days_seen: dict[str, bool]) -> str | None:
        """What is wrong with the file as a whole; a day's file is read only once."""
        window, key, day = self._locate(parquet)
        if not window.rows or key is None:
            return None
        if day and key in days_seen:
            return None if days_seen[key] else f"{key}, the day's file, is broken"
        sha256 = day.sha256 if day else parquet.sha256
        exists = self.storage.exists(key)
        is_intact = exists and sha256_of_object(key, self.storage) == sha256
        days_seen[key] = is_intact
        if is_intact:
            return None
        return f"{key} is not what was converted" if exists else f"{key} is missing"

    def _rows(self, parquet: ParquetSection) -> Iterator[pa.RecordBatch]:
        window, key, _ = self._locate(parquet)
        if window.rows and key is not None:
            yield from window_rows(self.feed, window, key=key, storage=self.storage)

    def _disagreements(
        self, window: Manifest, parquet: ParquetSection, stored: ParityCheck
    ) -> Iterator[tuple[str, str]]:
        """Where counts, extremes or exact sums of the JSON differ from those of the Parquet."""
        try:
            staged, refused_rows = json_facts(
                self.feed, window, storage=self.storage, budget=self.budget
            )
        except CorruptPartError as error:
            yield "part_broken", str(error)
            return
        if (staged.rows, refused_rows) != (stored.rows, parquet.quarantined_rows):
            yield (
                "disagreement",
                f"the JSON has {staged.rows} good rows and {refused_rows} others, the Parquet has "
                f"{stored.rows}",
            )
            return
        for name, stats in staged.stats.items():
            if stats != stored.stats[name]:
                yield "disagreement", f"column {name} differs"
