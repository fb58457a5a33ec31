"""Cutting a lake again: refused to others meanwhile, switched for readers, undone, gone on with."""

from __future__ import annotations

import pytest

from include.ticklake.convert.convert import convert
from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import feed_record, layout, manifest, read
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact, regrid
from include.ticklake.maintain.regrid_plan import SliceNames
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import split_range
from tests.support import staged_factory
from tests.support.crashing_storage import Crash, crashing
from tests.support.lake_factory import BTC, BUDGET, DAY
from tests.support.memory_storage import memory_storage

HALF_DAYS = staged_factory.feed(window="12h")
DAILY = staged_factory.feed(window="1d")
QUARTERS = staged_factory.feed(window="6h")
MORNING, EVENING = split_range(DAY.start, DAY.end, length=HALF_DAYS.window)


@pytest.fixture
def storage() -> Storage:
    """A compacted day of two windows with a record each."""
    lake = memory_storage()
    for number, window in enumerate((MORNING, EVENING)):
        stage(lake, number, at_ms=window.start_ms)
    compact.compact(HALF_DAYS, BTC, DAY, storage=lake, budget=BUDGET)
    return lake


def stage(storage: Storage, number: int, *, at_ms: int) -> None:
    """One record of a half day, instead of what it had."""
    window = MORNING if at_ms < MORNING.end_ms else EVENING
    line = staged_factory.record(number, at_ms=at_ms)
    made = staged_factory.stage(HALF_DAYS, [[line]], storage=storage, unit=Unit(BTC, window))
    convert(made.key, feed=HALF_DAYS, storage=storage, budget=BUDGET)


def cut(feed: Feed, storage: Storage) -> list[regrid.RecutUnit]:
    """The units of *feed*."""
    return list(
        regrid.regrid(
            feed, storage=storage, budget=BUDGET, names=SliceNames(), now_ms=lambda: DAY.end_ms
        )
    )


def numbers(feed: Feed, storage: Storage) -> list[int]:
    """What a reader of manifests sees."""
    return sorted(read.table(feed, storage=storage, columns=["number"])["number"].to_pylist())


def half_done(feed: Feed, storage: Storage, steps: int = 4) -> None:
    """A regrid that was killed before it switched."""
    with pytest.raises(Crash):
        cut(feed, crashing(storage, after_steps=steps))
    regridding = feed_record.read("made_up", storage=storage).record.regridding
    assert regridding
    assert not regridding.is_switched


def test_each_new_unit_is_said_with_its_rows(storage):
    assert [unit.as_dict() for unit in cut(DAILY, storage)] == [
        {"slice": {"symbol": "BTCUSDT"}, "window": DAY.name, "rows": 2}
    ]
    assert numbers(DAILY, storage) == [0, 1]
    feed_record.check(DAILY, storage=storage)


def test_a_lake_without_the_feed_is_left_alone():
    storage = memory_storage()
    assert cut(DAILY, storage) == []
    assert list(storage.list("")) == []


def test_others_are_refused_until_it_is_done(storage):
    """With either feed file: what they stage would be missed."""
    half_done(DAILY, storage)
    for feed in (HALF_DAYS, DAILY):
        with pytest.raises(UsageError, match=r"being cut again.*`regrid made_up`"):
            feed_record.check(feed, storage=storage)
        with pytest.raises(UsageError, match="being cut again"):
            convert(
                layout.manifest_key("made_up", BTC, MORNING),
                feed=HALF_DAYS, storage=storage, budget=BUDGET,
            )  # fmt: skip
    assert numbers(HALF_DAYS, storage) == [0, 1]


def test_one_that_was_interrupted_can_be_undone(storage):
    """With the old feed file: what was half made goes, compacted days stay."""
    half_done(DAILY, storage)
    cut(HALF_DAYS, storage)
    assert numbers(HALF_DAYS, storage) == [0, 1]
    feed_record.check(HALF_DAYS, storage=storage)
    key = layout.manifest_key("made_up", BTC, DAY)
    now = manifest.read(key, storage=storage)
    assert now is None or now.json.parts == ()
    compact.compact(HALF_DAYS, BTC, DAY, storage=storage, budget=BUDGET)
    assert numbers(HALF_DAYS, storage) == [0, 1]


def test_another_one_has_to_wait(storage):
    """Two sets of half-made units would be one too many to tell apart."""
    half_done(DAILY, storage)
    with pytest.raises(UsageError, match="a `regrid` to windows of 1d, in slices by symbol, is"):
        cut(QUARTERS, storage)
    cut(DAILY, storage)
    cut(QUARTERS, storage)
    assert numbers(QUARTERS, storage) == [0, 1]


def test_what_was_fetched_while_it_ran_is_cut_again_as_well(storage, monkeypatch):
    """An extraction that began before, and commits between the reading and the retiring."""
    retire = regrid.retire_units.retire
    late = [7]

    def retire_later(*args: object, **options: object) -> None:
        if late:
            line = staged_factory.record(late.pop(), at_ms=MORNING.start_ms + 1)
            old = staged_factory.record(0, at_ms=MORNING.start_ms)
            staged_factory.stage(HALF_DAYS, [[old, line]], storage=storage, unit=Unit(BTC, MORNING))
        retire(*args, **options)

    monkeypatch.setattr(regrid.retire_units, "retire", retire_later)
    cut(DAILY, storage)
    assert numbers(DAILY, storage) == [0, 1, 7]


def test_units_that_are_none_of_the_feeds_are_cut_without_a_change_of_its_file(storage):
    """A worker that woke up after all was done left one: an audit finds it, this cuts it."""
    cut(DAILY, storage)
    old = manifest.read(layout.manifest_key("made_up", BTC, MORNING), storage=storage)
    assert old
    line = staged_factory.record(9, at_ms=MORNING.start_ms + 5)
    staged_factory.stage(HALF_DAYS, [[line]], storage=storage, unit=Unit(BTC, MORNING))
    assert numbers(DAILY, storage) == [0, 1]
    cut(DAILY, storage)
    assert numbers(DAILY, storage) == [0, 1, 9]
