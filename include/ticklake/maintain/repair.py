"""Repairing what an audit found: each finding by the repair that it names, and by no other.

Nothing is deleted before what replaces it is there. What cannot be repaired stays as it is, and
so do objects that no manifest names: they may be there for a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from include.ticklake.convert.budget import Budget
from include.ticklake.convert.convert import convert
from include.ticklake.extract.extract import extract
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import repair_day
from include.ticklake.maintain.audit import Finding
from include.ticklake.maintain.restore_day import restore_day
from include.ticklake.maintain.restore_manifest import restore_manifest
from include.ticklake.maintain.safe_repair import SafeRepair
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.model.window_length import longest


def repair(
    feed: Feed,
    findings: Sequence[Finding],
    *,
    storage: Storage,
    budget: Budget,
    failed: FailedUnits,
    base_url: str | None = None,
) -> list[Unit]:
    """Do what *findings* name as their repair, and return the units that were to be repaired.

    One that fails is noted in *failed*, and stays as it was. What concerns all of them propagates.
    """
    job = _Repair(
        feed=feed, storage=storage, budget=budget, base_url=base_url,
        refetched=_units(feed, findings, "fetch"),
    )  # fmt: skip
    restored = _units(feed, findings, "restore")
    days = sorted(unit for unit in restored if job.is_day(unit))
    for unit in sorted(restored.difference(days)):  # a day is restored from its windows
        with failed.attempt(unit):
            job.restore(unit)
    for day in days:
        with failed.attempt(day):
            restore_day(feed, day, storage=storage)
    repaired = job.refetched | _units(feed, findings, "convert")
    damaged = job.damaged_days(repaired)
    for unit in sorted(repaired.difference(*damaged.values())):
        with failed.attempt(unit):
            job.repair_unit(unit)
    for day, units in damaged.items():
        repair_day.repair_day(
            feed, day, units, storage=storage, budget=budget, failed=failed,
            repair_unit=job.repair_unit,
        )  # fmt: skip
    return sorted(repaired | restored)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repair:
    """One repair of a feed."""

    feed: Feed
    storage: Storage
    budget: Budget
    base_url: str | None
    refetched: set[Unit] = field(default_factory=set)

    def is_day(self, unit: Unit) -> bool:
        """Whether it is a compacted day and not a window."""
        return longest(self.feed.window) < layout.DAY and unit.window == layout.day_of(unit.window)

    def restore(self, unit: Unit) -> None:
        """Make the manifest of *unit* again, and convert it where it has JSON."""
        restored = restore_manifest(self.feed, unit, storage=self.storage)
        if restored and not restored.json.removed and not restored.is_current:
            self._convert(unit)

    def repair_unit(self, unit: Unit) -> None:
        """Fetch *unit* again where that is its repair, and convert it."""
        if unit in self.refetched:
            extract(self.feed, unit, storage=self.storage, base_url=self.base_url)
        self._convert(unit)

    def _convert(self, unit: Unit) -> None:
        key = layout.manifest_key(self.feed.name, unit.slice, unit.window)
        convert(key, feed=self.feed, storage=self.storage, budget=self.budget)

    def damaged_days(self, units: Iterable[Unit]) -> dict[Unit, list[Unit]]:
        """Those of *units* that are in the damaged file of a compacted day, by that day."""
        days: dict[Unit, list[Unit]] = {}
        damaged: dict[Unit, bool] = {}
        for unit in sorted(units):
            of_day = Unit(unit.slice, layout.day_of(unit.window))
            day = day_manifest.find_day(
                self.feed.name, unit.slice, unit.window, storage=self.storage
            )
            if day is None:
                continue
            if of_day not in damaged:
                damaged[of_day] = repair_day.is_damaged(day, storage=self.storage)
            if damaged[of_day]:
                days.setdefault(of_day, []).append(unit)
        return days


def _units(feed: Feed, findings: Iterable[Finding], repair: SafeRepair) -> set[Unit]:
    listed = [] if feed.slice_lists else feed.all_slices
    by_name = {str(slice_): slice_ for slice_ in listed}
    return {
        Unit(
            by_name.get(finding.slice) or _parse_slice(finding.slice),
            Window.parse(finding.window),
        )
        for finding in findings
        if finding.repair == repair
    }


def _parse_slice(text: str) -> Slice:
    return Slice.of(dict(pair.partition("=")[::2] for pair in text.split(",") if "=" in pair))
