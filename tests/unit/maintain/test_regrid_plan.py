"""Which units are none of the feed's, and which of the feed's their records go to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import regrid_plan
from include.ticklake.maintain.regrid_plan import OldUnits, SliceNames
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, split_range
from tests.support import staged_factory
from tests.support.lake_factory import BTC, DAY, hour
from tests.support.memory_storage import memory_storage

HOURLY = staged_factory.feed()
DAILY = staged_factory.feed(window="1d")


def windows(length: timedelta) -> list[Window]:
    """Those of the day."""
    return list(split_range(DAY.start, DAY.end, length=length))


def stage(storage: Storage, window: Window, *, of: Feed = HOURLY, slice_: Slice = BTC) -> Manifest:
    """A unit with one record."""
    line = staged_factory.record(1, at_ms=window.start_ms)
    return staged_factory.stage(of, [[line]], storage=storage, unit=Unit(slice_, window))


def old(feed: Feed, storage: Storage, names: SliceNames | None = None) -> list[OldUnits]:
    """The units that are not on the grid of *feed*."""
    return list(regrid_plan.old_units(feed, names or SliceNames(), storage=storage))


def test_only_units_off_the_grid_are_old():
    storage = memory_storage()
    stage(storage, hour(3))
    stage(storage, hour(5))
    stage(storage, DAY, of=DAILY)
    assert old(HOURLY, storage)[0].windows == (DAY,)
    assert old(DAILY, storage)[0].windows == (hour(3), hour(5))


def test_units_that_overlap_are_not_together():
    """Hours and quarters of an hour hold the same records twice."""
    storage, quarter = memory_storage(), windows(timedelta(minutes=15))[12]
    stage(storage, hour(3))
    stage(storage, quarter)
    assert {units.windows for units in old(DAILY, storage)} == {(hour(3),), (quarter,)}


def test_names_are_mapped_as_the_call_says():
    """By a new name, by a value for all, and one that is left out goes."""
    slice_ = Slice.of({"symbol": "BTCUSDT"})
    source = staged_factory.SOURCE | {"path": "/{side}/{pair}"}
    two = staged_factory.feed(slices={"side": ["bid"], "pair": ["BTCUSDT"]}, source=source)
    names = SliceNames(renamed={"symbol": "pair"}, values={"side": "bid"})
    assert names.of(two, slice_) == Slice.of({"side": "bid", "pair": "BTCUSDT"})
    with pytest.raises(UsageError, match=r"has no side; .*`--value side=VALUE`"):
        SliceNames(renamed={"symbol": "pair"}).of(two, slice_)
    none = staged_factory.feed(slices={}, source=staged_factory.SOURCE | {"path": "/x"})
    assert SliceNames().of(none, slice_) == Slice()


@pytest.mark.parametrize("length", [15, 60, 90, 1440, 2880])
def test_each_window_of_the_feed_gets_all_that_it_touches(length):
    """Each pair of windows that overlap, once, in the order of time."""
    feed = staged_factory.feed(window=f"{length}m")
    units = OldUnits(
        slice=BTC, target=BTC, windows=tuple(windows(timedelta(hours=1))), expired=(), removed=()
    )
    found = list(regrid_plan.targets(feed, units))
    assert [window for window, _ in found] == sorted({window for window, _ in found})
    pairs = {(window, one) for window, touched in found for one in touched}
    assert pairs == {
        (window, one)
        for window in split_range(DAY.start, DAY.end, length=feed.window)
        for one in units.windows
        if one.start < window.end and window.start < one.end
    }


def test_a_snapshot_goes_where_it_was_fetched_or_to_the_last():
    """A scheduled one is fetched right after its window: it is of the end of it."""
    assert regrid_plan.snapshot_target(HOURLY, DAY, hour(7).start_ms + 5) == hour(7)
    assert regrid_plan.snapshot_target(HOURLY, DAY, DAY.end_ms + 5) == hour(23)
    assert regrid_plan.snapshot_target(DAILY, hour(3), hour(4).start_ms) == DAY


def test_a_window_is_covered_where_nothing_of_it_was_never_fetched():
    hours = windows(timedelta(hours=1))
    assert regrid_plan.is_covered(DAY, hours)
    assert not regrid_plan.is_covered(DAY, hours[1:])
    assert not regrid_plan.is_covered(DAY, [*hours[:5], *hours[6:]])
    assert regrid_plan.is_covered(hours[3], [DAY])


def test_what_has_expired_is_told_apart():
    """What only has Parquet cannot be cut; what has nothing only says that it was fetched."""
    storage = memory_storage()
    made = stage(storage, hour(3))
    assert not regrid_plan.is_expired_json(made)
    assert not made.is_retired
    empty = replace(made, json=replace(made.json, parts=(), received_rows=0))
    assert not empty.is_retired
    assert replace(empty, next_part=1).is_retired
