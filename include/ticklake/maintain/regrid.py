"""Cutting a lake again as its feed's file says by now, from its staged JSON.

1. The record of the feed says that it is being cut again: every other command refuses.
2. Each new unit is staged from the parts of the old ones and converted. Readers of manifests do
   not see it; the folder of Parquet has its rows twice until the end.
3. The record is switched: readers of manifests see the new units and not the old ones.
4. The old units are retired, each only as it was when it was read: its Parquet goes, its manifest
   is empty, and its parts are superseded until they expire.

Killed anywhere, it goes on when it is called again: what a new unit has is not added twice.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from include.ticklake.convert.budget import Budget
from include.ticklake.convert.convert import convert
from include.ticklake.errors import DataError, RetryableError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import feed_record, layout, manifest
from include.ticklake.lake.feed_record import FeedRecord, StoredRecord
from include.ticklake.lake.grid import Grid, Regridding
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import regrid_plan, retire_units
from include.ticklake.maintain.recut import Recut
from include.ticklake.maintain.regrid_plan import OldUnits, SliceNames
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window

log = logging.getLogger(__name__)

_ROUNDS = 5
"""More than one is needed only where an old unit was fetched again meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecutUnit:
    """One unit of the new grid that is committed and converted."""

    unit: Unit
    rows: int

    def as_dict(self) -> dict[str, object]:
        """Plain JSON."""
        return self.unit.as_dict() | {"rows": self.rows}


def regrid(
    feed: Feed,
    *,
    storage: Storage,
    budget: Budget,
    names: SliceNames,
    now_ms: Callable[[], int],
) -> Iterator[RecutUnit]:
    """Cut the lake as *feed* says, and yield each unit; nothing where it is cut so already.

    ``UsageError`` where the JSON of a unit has expired and its Parquet has not, or a slice of the
    lake is none of the feed's: nothing is changed then. ``CorruptPartError`` for a damaged part.
    """
    stored = feed_record.check_before_regrid(feed, storage=storage)
    if stored is None:
        return
    if (going_on := stored.record.regridding) and not (names.renamed or names.values):
        names = _names_of(going_on, is_undone=going_on.to != Grid.of(feed))
    if not _has_work(feed, stored, names, storage):
        return
    stored = stored.update(lambda record: _begun(record, feed, names), storage=storage)
    for _ in range(_ROUNDS):
        work = _Round(feed=feed, names=names, storage=storage, budget=budget)
        yield from work.recut()
        stored = stored.update(lambda record: _switched(record, feed), storage=storage)
        retire_units.retire(feed, work.old, work.versions, storage=storage, now_ms=now_ms())
        if not work.has_more():
            stored.update(lambda record: _done(record, feed), storage=storage)
            return
        log.info("regrid.again feed=%s: units were fetched meanwhile", feed.name)
    raise RetryableError(
        f"{feed.name}: its old units were fetched again during each of {_ROUNDS} attempts; end "
        f"what fetches them, then run `regrid {feed.name}` again"
    )


def _has_work(feed: Feed, stored: StoredRecord, names: SliceNames, storage: Storage) -> bool:
    """Whether there is anything to do; ``UsageError`` where it cannot be done."""
    record, own = stored.record, Grid.of(feed)
    going_on = record.regridding
    can_undo = going_on is not None and not going_on.is_switched and own == record.grid
    if going_on and own != going_on.to and not can_undo:
        raise UsageError(
            f"{feed.name}: a `regrid` to windows of {going_on.to.length}, in slices by "
            f"{going_on.to.names}, is not done; put that into the feed's file and let it finish"
        )
    old = list(regrid_plan.old_units(feed, names, storage=storage))
    expired = [Unit(units.slice, window) for units in old for window in units.expired]
    if expired and not (going_on and going_on.is_switched):
        raise regrid_plan.expired_error(feed, expired)
    has_units = any(units.windows for units in old)
    return has_units or going_on is not None or record.grid != own


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """One attempt at all units that are not on the grid."""

    feed: Feed
    names: SliceNames
    storage: Storage
    budget: Budget
    old: list[OldUnits] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    """Of the manifests of old units, when their records were read."""

    def recut(self) -> Iterator[RecutUnit]:
        """Stage and convert the new units."""
        self.old.extend(regrid_plan.old_units(self.feed, self.names, storage=self.storage))
        for old in self.old:
            routed, rows = Counter[str](), dict[str, int]()
            for window, windows in regrid_plan.targets(self.feed, old):
                unit = Unit(old.target, window)
                sources = list(self._sources(old, windows))
                rows |= {source.key: source.json.rows for source in sources}
                if self.feed.snapshot:
                    targets = {s.key: regrid_plan.snapshot_targets(self.feed, s) for s in sources}
                    sources = [source for source in sources if window in targets[source.key]]
                if not sources:
                    continue
                recut = Recut(
                    feed=self.feed,
                    unit=unit,
                    sources=sources,
                    covers_all=regrid_plan.is_covered(window, sorted({*windows, *old.removed})),
                    storage=self.storage,
                )
                committed = recut.run()
                routed.update(recut.routed)
                self._convert(committed)
                yield RecutUnit(unit=unit, rows=committed.json.rows)
            _check_all_routed(rows, routed)

    def _sources(self, old: OldUnits, windows: list[Window]) -> Iterator[Manifest]:
        """The manifests of *windows* as they are now, if they still have JSON."""
        for window in windows:
            key = layout.manifest_key(self.feed.name, old.slice, window)
            found = manifest.read_versioned(key, storage=self.storage)
            if found is None or found[0].json.removed:
                continue
            self.versions.setdefault(key, found[1])
            yield found[0]

    def _convert(self, committed: Manifest) -> None:
        if committed.is_current:
            return
        # What was accepted as the records of an hour is accepted as those of a day.
        limits = self.feed.limits.model_copy(update={"max_bad_share": 1.0})
        convert(
            committed.key,
            feed=self.feed.model_copy(update={"limits": limits}),
            storage=self.storage,
            budget=self.budget,
            is_regridding=True,
        )

    def has_more(self) -> bool:
        """Whether there are units to cut again now."""
        old = regrid_plan.old_units(self.feed, self.names, storage=self.storage)
        return any(units.windows for units in old)


def _check_all_routed(rows: Mapping[str, int], routed: Mapping[str, int]) -> None:
    """Raise ``DataError`` where a record went nowhere, or to two units."""
    for key, count in rows.items():
        if routed.get(key, 0) != count:
            raise DataError(
                f"{key}: {count} records are staged, and {routed.get(key, 0)} went to new windows; "
                "nothing was switched. Undo the change to the feed's file, and report this"
            )


def _names_of(going_on: Regridding, *, is_undone: bool) -> SliceNames:
    """The names that a `regrid` was called with, the other way round to undo it."""
    if is_undone:
        return SliceNames(renamed={new: old for old, new in going_on.renamed.items()})
    return SliceNames(renamed=going_on.renamed, values=going_on.values)


def _begun(record: FeedRecord, feed: Feed, names: SliceNames) -> FeedRecord:
    own, going_on = Grid.of(feed), record.regridding
    if going_on and going_on.to == own:
        return record
    # Undone before the switch: the units of the feed hold all that its half-made ones do.
    is_undone = going_on is not None and own == record.grid
    regridding = Regridding(
        to=own,
        renamed=dict(names.renamed),
        values=dict(names.values),
        is_switched=is_undone,
        hides_days=own != record.grid,
    )
    return replace(record, regridding=regridding)


def _switched(record: FeedRecord, feed: Feed) -> FeedRecord:
    if record.regridding is None or record.regridding.to != Grid.of(feed):
        raise RetryableError(f"{record.feed}: another `regrid` has ended meanwhile; run it again")
    switched = replace(record.regridding, is_switched=True)
    return replace(record, grid=switched.to, regridding=switched)


def _done(record: FeedRecord, feed: Feed) -> FeedRecord:
    regridding = record.regridding
    is_own = regridding is not None and regridding.is_switched and regridding.to == Grid.of(feed)
    return replace(record, regridding=None) if is_own else record
