"""A grid says which units a feed has in a lake, and is inferred where none was recorded."""

from __future__ import annotations

import pytest

from include.ticklake.lake import grid, layout
from include.ticklake.lake.grid import Grid
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from tests.support import lake_factory, staged_factory
from tests.support.lake_factory import BTC, DAY

HOURS = Grid(window_s=3600, slices=("symbol",))


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


def test_the_values_of_the_slices_are_not_part_of_it():
    """A symbol more or less changes no key of the others."""
    one = staged_factory.feed(slices={"symbol": ["A"]})
    other = staged_factory.feed(slices={"symbol": ["B", "C"]})
    assert Grid.of(one) == Grid.of(other) == HOURS


@pytest.mark.parametrize(
    ("slice_", "window", "is_held"),
    [
        (BTC, lake_factory.hour(3), True),
        (Slice.of({"symbol": "never listed"}), lake_factory.hour(3), True),
        (Slice.of({"pair": "BTCUSDT"}), lake_factory.hour(3), False),
        (Slice(), lake_factory.hour(3), False),
        (BTC, DAY, False),
        (BTC, Window.parse("20261122T003000Z-20261122T013000Z"), False),
    ],
    ids=["its own", "any value", "another name", "no name", "another length", "not aligned"],
)
def test_a_unit_is_held_by_its_length_its_start_and_its_names(slice_, window, is_held):
    assert HOURS.holds(slice_, window) == is_held
    key = layout.manifest_key("trades", slice_, window)
    assert HOURS.holds_key(layout.parse(key)) == is_held


def test_a_compacted_day_is_of_windows_that_are_shorter():
    key = layout.parse(layout.day_manifest_key("trades", BTC, DAY))
    assert HOURS.holds_key(key)
    assert not Grid(window_s=86400, slices=("symbol",)).holds_key(key)
    assert not Grid(window_s=3600, slices=("pair",)).holds_key(key)


def test_a_grid_is_inferred_from_the_first_window(storage):
    """What is no manifest, and what is one of a day, says nothing."""
    assert grid.infer("trades", storage=storage) is None
    storage.put("manifests/trades/symbol=BTCUSDT/date=2026-11-21/notes.txt", b"mine")
    storage.put(layout.day_manifest_key("trades", BTC, DAY), b"{}")
    assert grid.infer("trades", storage=storage) is None
    storage.put(layout.manifest_key("trades", BTC, lake_factory.hour(3)), b"{}")
    assert grid.infer("trades", storage=storage) == HOURS
    storage.put(layout.manifest_key("flat", Slice(), DAY), b"{}")
    assert grid.infer("flat", storage=storage) == Grid(window_s=86400, slices=())


@pytest.mark.parametrize(("window", "is_held"), [
    ("20240201T000000Z-20240301T000000Z", True), ("20240131T000000Z-20240229T000000Z", False),
    ("20240201T000000Z-20240401T000000Z", False), ("20240201T000000Z-20240302T000000Z", False),
])  # fmt: skip
def test_windows_may_be_months(window, is_held, storage):
    """As long as each is, and a grid is inferred of them, too."""
    months, parsed = Grid(window_months=1, slices=("symbol",)), Window.parse(window)
    assert Grid.of(staged_factory.feed(window="1mo")) == months
    assert months.holds(BTC, parsed) == is_held
    assert months.length == "1mo"
    storage.put(layout.manifest_key("trades", BTC, parsed), b"{}")
    assert (grid.infer("trades", storage=storage) == months) == is_held
    assert HOURS.describe_change(months) == "says windows of 1mo, the lake has windows of 1h"


def test_a_change_is_described_from_the_lake_to_the_file():
    new = Grid(window_s=86400, slices=("symbol", "interval"))
    assert HOURS.describe_change(new) == (
        "says windows of 1d, the lake has windows of 1h, and has slices by symbol,interval, the "
        "lake has slices by symbol"
    )


@pytest.mark.parametrize(("window_s", "slices"), [(0, ()), (-1, ()), (60, ("a", "a"))])
def test_what_is_no_grid_is_refused(window_s, slices):
    with pytest.raises(ValueError, match="windows of"):
        Grid(window_s=window_s, slices=slices)
