"""The damaged file of a day is replaced when all of its windows are there, and not before."""

from __future__ import annotations

import pytest

from include.ticklake.convert.convert import convert
from include.ticklake.errors import DataError
from include.ticklake.lake import day_manifest, layout
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact, repair_day
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.unit import Unit
from tests.support import lake_factory
from tests.support.lake_factory import BTC, BUDGET, DAY, FEED

OF_DAY = Unit(BTC, DAY)
HOURS = [Unit(BTC, lake_factory.hour(number)) for number in range(24)]
FILE = layout.parquet_key(FEED.name, BTC, DAY)


@pytest.fixture
def storage(tmp_path) -> Storage:
    """A compacted day, whose file was cut."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest_day(storage, lake_factory.day_of_trades(300))
    compact.compact(FEED, BTC, DAY, storage=storage, budget=BUDGET)
    storage.put(FILE, (storage.read(FILE) or b"")[:-99])
    return storage


def repaired(storage: Storage, *, failing: Unit | None = None) -> FailedUnits:
    """Repair the day; *failing* cannot be made again."""

    def repair_unit(unit: Unit) -> None:
        if unit == failing:
            raise DataError("it cannot be made again")
        key = layout.manifest_key(FEED.name, unit.slice, unit.window)
        convert(key, feed=FEED, storage=storage, budget=BUDGET)

    failed = FailedUnits()
    repair_day.repair_day(
        FEED, OF_DAY, HOURS, storage=storage, budget=BUDGET, failed=failed, repair_unit=repair_unit
    )
    return failed


def test_the_file_is_replaced_and_nothing_is_left_beside_it(storage):
    """Its manifest names it, and nothing that is being replaced."""
    assert not repaired(storage)
    key = layout.day_manifest_key(FEED.name, BTC, DAY)
    day = day_manifest.read(key, storage=storage)
    assert day is not None
    assert not repair_day.is_damaged(day, storage=storage)
    assert day.replacing == ()
    assert list(storage.list("late")) == []


def test_where_one_window_cannot_be_made_again_the_file_stays(storage):
    """The others are read from files of their own."""
    before = storage.read(FILE)
    error = repaired(storage, failing=HOURS[5]).error()
    assert f"1 of its windows, such as {HOURS[5].window.name}, are only in" in str(error)
    assert storage.read(FILE) == before
    assert len(list(storage.list("late"))) == 23
