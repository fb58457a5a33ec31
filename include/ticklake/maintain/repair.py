"""Repairing what an audit found, by fetching or converting windows again.

Objects that no manifest names are left alone: they may be there for a reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from include.ticklake.convert.budget import Budget
from include.ticklake.convert.convert import convert
from include.ticklake.extract.extract import extract
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.audit import Finding
from include.ticklake.maintain.safe_repair import SafeRepair
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window


def repair(
    feed: Feed,
    findings: Sequence[Finding],
    *,
    storage: Storage,
    budget: Budget,
    failed: FailedUnits,
    base_url: str | None = None,
) -> list[Unit]:
    """Fetch or convert again what that can repair, and return those units.

    One that fails is noted in *failed*, and stays as it was. What concerns all of them propagates.
    """
    refetched = _units(feed, findings, "fetch")
    reconverted = _units(feed, findings, "convert")
    units = sorted({*refetched, *reconverted, *_drop_broken_days(feed, findings, storage=storage)})
    for unit in units:
        with failed.attempt(unit):
            if unit in refetched:
                extract(feed, unit, storage=storage, base_url=base_url)
            key = layout.manifest_key(feed.name, unit.slice, unit.window)
            convert(key, feed=feed, storage=storage, budget=budget)
    return units


def _units(feed: Feed, findings: Sequence[Finding], repair: SafeRepair) -> set[Unit]:
    by_name = {str(slice_): slice_ for slice_ in feed.all_slices}
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


def _drop_broken_days(feed: Feed, findings: Sequence[Finding], *, storage: Storage) -> set[Unit]:
    """Delete the files of days that are broken; return their windows, to be converted again."""
    units: set[Unit] = set()
    broken = [f for f in findings if f.kind in ("parquet_broken", "disagreement")]
    for unit in _units(feed, broken, "convert"):
        day = day_manifest.find_day(feed.name, unit.slice, unit.window, storage=storage)
        if day is None:
            continue
        # The manifest first: without it no reader of manifests counts on the file.
        storage.delete(day.manifest_key)
        if day.key:
            storage.delete(day.key)
        units |= {Unit(unit.slice, Window.parse(window.window)) for window in day.windows}
    return units
