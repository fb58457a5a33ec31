"""Old units leave the lake only as they were when their records were read."""

from __future__ import annotations

import pytest

from include.ticklake.convert.convert import convert
from include.ticklake.lake import day_manifest, layout, manifest
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact, retire_units
from include.ticklake.maintain.regrid_plan import OldUnits
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import split_range
from tests.support import lake_factory, staged_factory
from tests.support.lake_factory import BTC, BUDGET, DAY
from tests.support.memory_storage import memory_storage

HOURLY = staged_factory.feed()
HALF_DAYS = staged_factory.feed(window="12h")
DAILY = staged_factory.feed(window="1d")
HOUR = lake_factory.hour(5)
OLD = OldUnits(slice=BTC, target=BTC, windows=(HOUR,), expired=(), removed=())


@pytest.fixture
def storage() -> Storage:
    return memory_storage()


def staged(storage: Storage) -> tuple[Manifest, str]:
    """A converted hour, and the version of its manifest."""
    made = staged_factory.stage(
        HOURLY, [[staged_factory.record(1)]], storage=storage, unit=Unit(BTC, HOUR)
    )
    convert(made.key, feed=HOURLY, storage=storage, budget=BUDGET)
    found = manifest.read_versioned(made.key, storage=storage)
    assert found
    return found


def test_its_parquet_goes_and_its_parts_are_superseded(storage):
    """Which expire as any superseded set does: a mark lets that find them."""
    made, version = staged(storage)
    retire_units.retire(DAILY, [OLD], {made.key: version}, storage=storage, now_ms=7)
    now = manifest.read(made.key, storage=storage)
    assert now
    assert (now.json.parts, now.json.received_rows, now.parquet) == ((), 0, None)
    assert [(s.json, s.superseded_at_ms) for s in now.superseded] == [(made.json, 7)]
    assert now.free_number == made.free_number
    assert list(storage.list("parquet")) == []
    assert list(storage.list("superseded")) == [layout.superseded_key("made_up", BTC, HOUR)]
    assert all(storage.exists(part.key) for part in made.json.parts)


def test_one_that_was_fetched_again_meanwhile_stays(storage):
    """Its records are cut again first."""
    made, _ = staged(storage)
    before = {key: storage.read(key) for key in storage.list("")}
    retire_units.retire(DAILY, [OLD], {made.key: "another"}, storage=storage, now_ms=7)
    retire_units.retire(DAILY, [OLD], {}, storage=storage, now_ms=7)
    assert {key: storage.read(key) for key in storage.list("")} == before


@pytest.mark.parametrize(
    ("to", "keeps_file"),
    [(DAILY, True), (HOURLY, False), (HALF_DAYS, None)],
    ids=["its file may be that of a new window", "or is in the way", "or is of the feed's"],
)
def test_a_compacted_day_goes_with_its_windows(storage, to, keeps_file):
    """Unless it is of windows that stay."""
    for window in split_range(DAY.start, DAY.end, length=HALF_DAYS.window):
        lines = [staged_factory.record(1, at_ms=window.start_ms)]
        made = staged_factory.stage(HALF_DAYS, [lines], storage=storage, unit=Unit(BTC, window))
        convert(made.key, feed=HALF_DAYS, storage=storage, budget=BUDGET)
    compact.compact(HALF_DAYS, BTC, DAY, storage=storage, budget=BUDGET)
    retire_units.retire(to, [], {}, storage=storage, now_ms=7)
    key = layout.day_manifest_key("made_up", BTC, DAY)
    assert (day_manifest.read(key, storage=storage) is None) is (keeps_file is not None)
    has_file = storage.exists(layout.parquet_key("made_up", BTC, DAY))
    assert has_file is (keeps_file is not False)
