"""Auditing a range of the lake: the data itself is read and compared with its manifests.

Every part and file is compared with its manifest, the JSON with the Parquet, and neighbouring
windows with each other. One window at a time, one batch of it in memory. What is not over yet is
not missed.

================= ==================================================================
kind              what it means
================= ==================================================================
missing_window    it is over and was never fetched
manifest_broken   the manifest of a window or a day is damaged, or not what its file says
record_broken     what the lake keeps of the feed as a whole is damaged
unfinished_window it was fetched before it, or a candle that opens in it, was over
not_converted     its JSON is newer than its Parquet
part_broken       a part is missing, truncated or changed
parquet_broken    a Parquet file is missing or changed
disagreement      JSON and Parquet have different data
gap               consecutive ids that are not consecutive
hole              candles that are missing from the lake
duplicate         two rows with the same key in a window
out_of_order      a file that is declared sorted and is not
off_grid          a window that is none of the feed's has records
orphan            an object that no manifest names
empty_day         no window of the day has a record, in any slice: a warning
================= ==================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

from include.ticklake.convert.budget import Budget
from include.ticklake.errors import CorruptRecordError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import feed_record, layout
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.audit_rows import RowChecks
from include.ticklake.maintain.audit_unit import AuditedDays, UnitAudit
from include.ticklake.maintain.day_rows import DayRows
from include.ticklake.maintain.orphans import off_grid, orphans
from include.ticklake.maintain.safe_repair import SafeRepair
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit

WARNINGS = frozenset({"empty_day"})
"""What may be right: nothing fails for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem, and the window that has it."""

    kind: str
    slice: str
    window: str
    what: str
    repair: SafeRepair = "none"
    """What repairs it without losing anything."""

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
    is_listed: Callable[[Unit], bool] = lambda _: True,
) -> Iterator[Finding]:
    """Yield what is wrong with *units*, which come slice by slice in the order of time.

    What is over by *now*, which defaults to the clock, should be there. With *day_rows*, other
    slices of the same days are audited elsewhere: which days are empty is for the caller to say.
    A window that is not there is missed only where *is_listed* says that a run had it to fetch.
    """
    try:
        feed_record.check(feed, storage=storage)
    except CorruptRecordError as error:  # the units can be audited all the same
        yield Finding(kind="record_broken", slice="all", window="all", what=str(error))
    rows, now = RowChecks(feed), now or datetime.now(UTC)
    of_days = DayRows() if day_rows is None else day_rows
    days = AuditedDays(feed, storage=storage)
    slices: dict[Slice, set[date]] = {}
    for unit in units:
        slices.setdefault(unit.slice, set()).add(unit.window.start.date())
        rows.begin(unit)
        check = UnitAudit(
            feed=feed, unit=unit, storage=storage, budget=budget, now=now, day=days.of(unit)
        )
        for problem in check.problems(rows, of_days):
            if problem.kind == "missing_window" and not is_listed(unit):
                continue
            yield Finding(
                kind=problem.kind, slice=str(unit.slice),
                window=(problem.window or unit.window).name, what=problem.what,
                repair=problem.repair,
            )  # fmt: skip
    for slice_, dates in slices.items():
        for manifest in off_grid(feed, slice_, dates, storage=storage):
            yield Finding(
                kind="off_grid", slice=str(slice_), window=manifest.window,
                what=f"{manifest.json.rows} records are staged of a window that is none of the "
                f"feed's; cut them again: `regrid {feed.name}`",
            )  # fmt: skip
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
