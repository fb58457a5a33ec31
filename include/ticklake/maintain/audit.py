"""A feed and a range of time in, what is wrong with its lake out: read from the data itself.

Every part and file is read and compared with its manifest, the JSON with the Parquet,
and neighbouring windows with each other. A window at a time, a batch of it in memory.

=============== ====================================================================
kind            what it means
=============== ====================================================================
missing_window  it is over and was never fetched
not_converted   its JSON is newer than its Parquet
part_broken     a part is gone, cut or changed
parquet_broken  a Parquet file is gone or changed
disagreement    JSON and Parquet do not hold the same
gap             ids that should follow each other do not
hole            candles that the grid has and the lake has not
duplicate       the same key twice in a slice's window
out_of_order    a file that says it is sorted is not
orphan          an object that no manifest names
=============== ====================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date

import pyarrow as pa

from include.ticklake.convert.budget import Budget
from include.ticklake.convert.parity import ParityCheck
from include.ticklake.errors import CorruptPartError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, manifest, table_schema
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.hashing import sha256_of_object
from include.ticklake.lake.layout import Area, SliceDay
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.audit_rows import RowChecks, json_facts
from include.ticklake.maintain.day_file import window_rows
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window

FETCH_AGAIN = frozenset({"missing_window", "part_broken", "gap", "hole"})
"""What another fetch may mend."""
CONVERT_AGAIN = frozenset({"not_converted", "parquet_broken", "disagreement", "out_of_order"})
"""What the staged JSON can mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, and where."""

    kind: str
    slice: str
    window: str
    what: str

    def as_dict(self) -> dict[str, str]:
        """Plain JSON."""
        return asdict(self)


def audit(
    feed: Feed, works: Iterable[Unit], *, storage: Storage, budgets: Budget
) -> Iterator[Finding]:
    """What is wrong with the windows of *works*, slice by slice in the order of time."""
    rows = RowChecks(feed)
    days_seen: dict[str, bool] = {}
    slices: dict[Slice, set[date]] = {}
    for work in works:
        slices.setdefault(work.slice, set()).add(work.window.start.date())
        rows.begin(work)
        check = _Check(feed=feed, work=work, storage=storage, budgets=budgets)
        for kind, what in check.findings(rows, days_seen):
            yield Finding(kind=kind, slice=str(work.slice), window=work.window.name, what=what)
    for piece, dates in slices.items():
        yield from _orphans(feed, piece, dates, storage=storage)


def since_first(feed: Feed, works: Iterable[Unit], *, storage: Storage) -> Iterator[Unit]:
    """*works* but for the windows before a slice's first: nobody wanted them yet.

    Of a slice that has none all are kept, unless nothing of the feed was ever fetched.
    """
    begun: dict[Slice, str | None] = {}
    anything = any(storage.folders(layout.feed_folder(Area.MANIFESTS, feed.name)))
    for work in works if anything else ():
        if work.slice not in begun:
            begun[work.slice] = _first(feed, work.slice, storage)
        first = begun[work.slice]
        if first is None or work.window.name >= first:
            yield work


def _first(feed: Feed, piece: Slice, storage: Storage) -> str | None:
    """The name of the first window of *piece* that has a manifest."""
    folder = layout.slice_folder(Area.MANIFESTS, feed.name, piece)
    for name in storage.folders(folder):
        for key in storage.list(f"{folder}/{name}"):
            if layout.parse_date_folder(name) and not layout.is_day_manifest(key):
                return layout.window_name(key)
    return None


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """How many there are of each kind."""
    return dict(Counter(finding.kind for finding in findings))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """One window under audit."""

    feed: Feed
    work: Unit
    storage: Storage
    budgets: Budget

    def findings(self, rows: RowChecks, days_seen: dict[str, bool]) -> Iterator[tuple[str, str]]:
        """Kind and what; where a file is broken, nothing more is said of what is in it."""
        key = layout.manifest_key(self.feed.name, self.work.slice, self.work.window)
        found = manifest.read(key, storage=self.storage)
        if found is None:
            rows.break_off()
            yield "missing_window", "it was never fetched"
            return
        parts = list(self._parts(found))
        yield from parts
        if found.parquet is None or not found.is_current or found.parquet.removed:
            rows.break_off()
            if not found.json.removed and not found.is_current:
                yield "not_converted", "its JSON is newer than its Parquet"
            return
        broken = self._parquet(found.parquet, days_seen)
        if broken:
            rows.break_off()
            yield "parquet_broken", broken
            return
        stored = ParityCheck(table_schema.arrow_schema(self.feed))
        account = found.parquet
        yield from rows.check(
            stored.tap_batches(self._rows(account)), account, again=lambda: self._rows(account)
        )
        if not parts and not found.json.removed:
            yield from self._agreement(found, account, stored)

    def _parts(self, found: Manifest) -> Iterator[tuple[str, str]]:
        for part in found.json.parts if not found.json.removed else ():
            if not self.storage.exists(part.key):
                yield "part_broken", f"{part.key} is gone"
            elif sha256_of_object(part.key, self.storage) != part.sha256:
                yield "part_broken", f"{part.key} is not what was staged"

    def _home(
        self, account: ParquetSection
    ) -> tuple[CompactedWindow, str | None, CompactedDay | None]:
        """The window's rows, the file that they are in, and its day if that is a day's."""
        hour = CompactedWindow.of(self.work.window.name, account)
        name = self.feed.name
        day = day_manifest.find_day(name, self.work.slice, self.work.window, storage=self.storage)
        if day and day.holds(hour):
            return hour, day.key, day
        return hour, account.key, None

    def _parquet(self, account: ParquetSection, days_seen: dict[str, bool]) -> str | None:
        """What is wrong with the file as a whole; of a day's it is said once."""
        hour, key, day = self._home(account)
        if not hour.rows or key is None:
            return None
        wanted = day.sha256 if day else account.sha256
        if day and key in days_seen:
            return None if days_seen[key] else f"{key}, the day's file, is broken"
        there = self.storage.exists(key)
        whole = there and sha256_of_object(key, self.storage) == wanted
        days_seen[key] = whole
        if whole:
            return None
        return f"{key} is not what was converted" if there else f"{key} is gone"

    def _rows(self, account: ParquetSection) -> Iterator[pa.RecordBatch]:
        hour, key, _ = self._home(account)
        if hour.rows and key is not None:
            yield from window_rows(self.feed, hour, key=key, storage=self.storage)

    def _agreement(
        self, found: Manifest, account: ParquetSection, stored: ParityCheck
    ) -> Iterator[tuple[str, str]]:
        """The same counts, extremes and exact sums from the JSON as from the Parquet."""
        try:
            staged, refused_rows = json_facts(
                self.feed, found, storage=self.storage, budgets=self.budgets
            )
        except CorruptPartError as wrong:
            yield "part_broken", str(wrong)
            return
        if (staged.rows, refused_rows) != (stored.rows, account.quarantined_rows):
            yield (
                "disagreement",
                f"the JSON has {staged.rows} good rows and {refused_rows} others, the Parquet "
                f"{stored.rows}",
            )
            return
        for name, stats in staged.stats.items():
            if stats != stored.stats[name]:
                yield "disagreement", f"column {name} differs"


def _orphans(feed: Feed, piece: Slice, dates: set[date], *, storage: Storage) -> Iterator[Finding]:
    """Objects of the slice, on the dates that were looked at, that no manifest names."""
    named: set[str] = set()
    slice_days = [SliceDay(piece, day) for day in sorted(dates)]
    for slice_day in slice_days:
        for key in storage.list(layout.day_folder(Area.MANIFESTS, feed.name, slice_day)):
            named |= set(_named(key, storage))
    for area in (Area.JSON, Area.PARQUET, Area.PENDING, Area.QUARANTINE):
        for slice_day in slice_days:
            for key in storage.list(layout.day_folder(area, feed.name, slice_day)):
                if key not in named:
                    yield Finding(
                        kind="orphan",
                        slice=str(piece),
                        window=layout.window_name(key),
                        what=f"{key} is named by no manifest",
                    )


def _named(key: str, storage: Storage) -> Iterator[str]:
    """The objects that the manifest at *key* names."""
    if layout.is_day_manifest(key):
        day = day_manifest.read(key, storage=storage)
        if day and day.key and not day.removed:
            yield day.key
        return
    found = manifest.read(key, storage=storage)
    if found is None:
        return
    if not found.json.removed:
        yield from (part.key for part in found.json.parts)
    if found.parquet is None:
        return
    if found.parquet.quarantine_key and not found.json.removed:
        yield found.parquet.quarantine_key
    if found.parquet.removed:
        return
    window = Window.parse(found.window)
    day = day_manifest.find_day(found.feed, Slice.of(found.slice), window, storage=storage)
    if found.parquet.key and not (
        day and day.holds(CompactedWindow.of(found.window, found.parquet))
    ):
        yield found.parquet.key
