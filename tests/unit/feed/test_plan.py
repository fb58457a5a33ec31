"""A plan is every slice in every window, once, and batches lose none of it."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.plan import batches, check_window, count_units, plan_units
from include.ticklake.model.slice import Slice
from include.ticklake.model.times import EPOCH
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, parse_instant
from tests.support.feed_texts import feed


def sliced(slices: dict) -> Feed:
    return feed(slices=slices)


TWO = {"symbol": ["BTCUSDT", "ETHUSDT"], "interval": ["1m", "1h"]}
START, END = parse_instant("2026-11-22T05:30"), parse_instant("2026-11-22T07:30")


def test_every_slice_gets_every_window():
    """All that the feed lists, where nothing is named."""
    works = list(plan_units(sliced(TWO), start=START, end=END))
    assert [str(work.slice) for work in works[::3]] == [
        "symbol=BTCUSDT,interval=1m", "symbol=BTCUSDT,interval=1h",
        "symbol=ETHUSDT,interval=1m", "symbol=ETHUSDT,interval=1h",
    ]  # fmt: skip
    assert [work.window.start.hour for work in works] == [5, 6, 7] * 4
    assert len(set(works)) == 12


def test_a_feed_without_slices_is_one_slice():
    """A feed of everything is planned by windows alone."""
    works = list(plan_units(sliced({}), start=START, end=END))
    assert [work.slice for work in works] == [Slice()] * 3


def test_named_slices_are_put_into_the_feeds_order_and_taken_once():
    """Folders lie in the feed's order, whatever the call's; naming a slice twice is harmless."""
    named = [Slice.of({"interval": "1h", "symbol": "XRPUSDT"}),
             Slice.of({"symbol": "XRPUSDT", "interval": "1h"})]  # fmt: skip
    works = list(
        plan_units(sliced(TWO), start=START, end=START + timedelta(seconds=1), slices=named)
    )
    assert [work.slice.path for work in works] == ["symbol=XRPUSDT/interval=1h"]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        pytest.param([{"symbol": "BTCUSDT"}], "invalid slice 'symbol=BTCUSDT'; "
                     "expected symbol=VALUE,interval=VALUE", id="one missing"),
        pytest.param([{"symbol": "B", "interval": "1h", "x": "1"}], "expected symbol=VALUE,",
                     id="one more"),
        pytest.param([{"symbol": "", "interval": "1h"}], "expected symbol=VALUE,", id="no value"),
        pytest.param([{}], "invalid slice 'all'", id="none"),
        pytest.param([{"symbol": "btcusdt", "interval": "1h"}],
                     "symbol=btcusdt differs from symbol=BTCUSDT by case only", id="another case"),
        pytest.param([{"symbol": "Xrp", "interval": "1h"}, {"symbol": "XRP", "interval": "1h"}],
                     "differ by case only", id="twins"),
    ],
)  # fmt: skip
def test_slices_that_do_not_fit_the_feed_are_refused(named, message):
    """With the names that the feed has, before anything is requested."""
    with pytest.raises(UsageError, match=message):
        list(plan_units(sliced(TWO), start=START, end=END, slices=map(Slice.of, named)))


def test_a_name_given_twice_is_refused():
    """One of the two values would be lost."""
    twice = Slice((("symbol", "A"), ("symbol", "B"), ("interval", "1h")))
    with pytest.raises(UsageError, match="symbol=A,symbol=B,interval=1h"):
        list(plan_units(sliced(TWO), start=START, end=END, slices=[twice]))


def test_a_plan_of_centuries_is_not_held_in_memory():
    """Units come one at a time."""
    units = plan_units(
        sliced(TWO), start=parse_instant("1000-01-01"), end=parse_instant("9999-12-31")
    )
    assert len(list(islice(units, 10))) == 10


@given(
    values=st.dictionaries(st.sampled_from("abc"), st.text(min_size=1, max_size=5), max_size=3),
    hours=st.integers(0, 10**5),
)
def test_a_unit_survives_xcom(values, hours):
    """Through JSON, as Airflow sends it to another task; a database may sort the names in it."""
    start = parse_instant("2000-01-01") + timedelta(hours=hours)
    work = Unit(Slice.of(values), Window(start, start + timedelta(hours=1)))
    assert Unit.of(json.loads(json.dumps(work.to_xcom(), sort_keys=True))) == work
    assert Unit.of(json.loads(json.dumps(work.as_dict()))) == work


@pytest.mark.parametrize("slice_", ["BTC", ["symbol=BTC"], None])
def test_what_is_no_unit_is_refused(slice_):
    """A form or a script may send anything."""
    with pytest.raises(UsageError, match="is not a slice"):
        Unit.of({"slice": slice_, "window": "20261122T050000Z-20261122T060000Z"})


@given(hours=st.integers(1, 300), batches_max=st.integers(1, 400))
def test_batches_hold_every_unit_in_order(hours, batches_max):
    """No more batches than allowed, none empty, sizes that differ by one at most."""
    start = parse_instant("2026-01-01")
    works = list(plan_units(sliced({}), start=start, end=start + timedelta(hours=hours)))
    total = count_units(sliced({}), start=start, end=start + timedelta(hours=hours))
    cut = list(batches(works, total=total, batches_max=batches_max))
    assert [work for batch in cut for work in batch] == works
    assert len(cut) == min(batches_max, hours)
    sizes = [len(batch) for batch in cut]
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= 1


def test_units_are_counted_before_there_is_one():
    """Also those of slices that are named twice, and of part of a window."""
    feed = sliced({"symbol": ["A", "B", "C"]})
    start, end = parse_instant("2026-01-01T00:30"), parse_instant("2026-01-01T02:15")
    assert count_units(feed, start=start, end=end) == 9
    named = [Slice.of({"symbol": "A"})] * 2
    assert count_units(feed, start=start, end=end, slices=named) == 3


def test_a_batch_is_made_when_it_is_asked_for():
    """A plan of hundreds of thousands of units is never in memory."""
    start = parse_instant("2026-01-01")
    made = []
    units = plan_units(sliced({}), start=start, end=start + timedelta(hours=100))
    cut = batches((made.append(unit) or unit for unit in units), total=100, batches_max=10)
    assert (len(next(cut)), len(made)) == (10, 10)


def test_no_work_is_no_batch():
    """Nothing to map over."""
    assert list(batches([], total=0, batches_max=5)) == []


@pytest.mark.parametrize("batches_max", [0, -1])
def test_work_does_not_vanish_into_no_batches(batches_max):
    """A setting of zero is a mistake, not an empty run."""
    with pytest.raises(UsageError, match="batches are not enough"):
        batches([], total=0, batches_max=batches_max)


@pytest.mark.parametrize(
    "name",
    [
        "20261122T053000Z-20261122T063000Z",
        "20261122T050000Z-20261122T070000Z",
        "20261122T050000Z-20261122T053000Z",
        "20261122T000000Z-20261123T000000Z",
    ],
)
def test_a_window_off_the_feeds_grid_is_refused(name):
    """Its records would be in the lake twice."""
    with pytest.raises(
        UsageError, match=r"is not a window of the feed, .* 1h long; name 20261122T"
    ):
        check_window(feed(), Window.parse(name))


@given(hour=st.integers(0, 10**6))
def test_every_planned_window_is_on_the_grid(hour):
    """Whatever the hour."""
    start = EPOCH + timedelta(hours=hour)
    for unit in plan_units(feed(), start=start, end=start + timedelta(hours=3)):
        check_window(feed(), unit.window)
