"""A unit travels through XCom as plain JSON, and units have an order."""

from __future__ import annotations

import json

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window

HOUR = Window.parse("20261122T050000Z-20261122T060000Z")
NEXT_HOUR = Window.parse("20261122T060000Z-20261122T070000Z")
BTC = Slice.of({"symbol": "BTCUSDT"})


@pytest.mark.parametrize("slice_", [Slice(), BTC, Slice.of({"a": "x/y", "b": "ü%"})], ids=str)
def test_a_unit_comes_back_from_json_as_it_was(slice_):
    """Whatever its slice has in it."""
    unit = Unit(slice_, HOUR)
    assert Unit.of(json.loads(json.dumps(unit.as_dict()))) == unit
    assert Unit.of(json.loads(json.dumps(unit.to_xcom()))) == unit


def test_a_unit_in_xcom_keeps_the_order_of_its_slice():
    """PostgreSQL and MySQL sort the names of an object: the slice would have another path."""
    unit = Unit(Slice.of({"symbol": "BTCUSDT", "interval": "1m", "a": "1"}), HOUR)
    assert Unit.of(json.loads(json.dumps(unit.to_xcom(), sort_keys=True))) == unit


@pytest.mark.parametrize(
    ("slice_", "message"),
    [
        ("BTCUSDT", "write it as symbol=BTCUSDT"),
        (["BTCUSDT"], r"write it as \{'symbol': 'BTCUSDT'\}"),
    ],
)
def test_what_is_not_a_slice_is_refused(slice_, message):
    """The message shows how to write it."""
    with pytest.raises(UsageError, match=message):
        Unit.of({"slice": slice_, "window": HOUR.name})


def test_units_are_ordered_by_slice_then_window():
    """A sorted list of units is the same in every run."""
    eth = Slice.of({"symbol": "ETHUSDT"})
    units = [Unit(eth, HOUR), Unit(BTC, NEXT_HOUR), Unit(BTC, HOUR)]
    assert sorted(units) == [Unit(BTC, HOUR), Unit(BTC, NEXT_HOUR), Unit(eth, HOUR)]


@pytest.mark.parametrize(
    ("slice_", "named"),
    [
        (Slice(), ""),
        (BTC, "--slice symbol=BTCUSDT "),
        (Slice.of({"a": "x y", "b": "2"}), "--slice 'a=x y' --slice b=2 "),
    ],
    ids=str,
)
def test_a_message_names_the_arguments_for_a_unit(slice_, named):
    """As a shell reads it."""
    bounds = "--start 2026-11-22T05:00:00Z --end 2026-11-22T06:00:00Z"
    assert Unit(slice_, HOUR).arguments == f"{named}{bounds}"
