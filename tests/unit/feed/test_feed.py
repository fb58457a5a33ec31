"""A feed answers what the rest asks of it: its slices, its key, its spelling, its clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.model.durations import parse_duration
from include.ticklake.model.slice import Slice
from tests.support.feed_texts import feed

VALUES = st.text("abcäß019/=", min_size=1, max_size=4)


def test_what_is_left_away_has_a_useful_value():
    """An hourly feed of one page, parts of 32 MiB, records of 8 MiB at most."""
    small = feed()
    assert (small.window, small.snapshot, small.order) == (timedelta(hours=1), False, "ascending")
    assert small.source.paging.kind == "single"
    assert (small.part_bytes, small.limits.max_record_bytes) == (32 << 20, 8 << 20)
    assert small.all_slices == [Slice()]


def test_the_parts_of_a_feed_know_each_other():
    """The event time, the key and the host of a feed are found by name."""
    small = feed()
    name, field = small.event_time
    assert (name, field.source, small.key, small.host) == ("at", "t", ("id",), "api.example.com")


def test_slices_are_every_combination_in_the_order_of_the_file():
    """The last name changes fastest; numbers become text."""
    sliced = feed(slices={"symbol": ["B", "A"], "minutes": [60, 5]})
    assert [str(piece) for piece in sliced.all_slices] == [
        "symbol=B,minutes=60", "symbol=B,minutes=5", "symbol=A,minutes=60", "symbol=A,minutes=5",
    ]  # fmt: skip


def test_a_mapping_spells_values_as_the_source_does():
    """In paths they are apart in every case; what it does not hold is source_values as it is."""
    sliced = feed(slices={"interval": {"1m": "1m", "1month": "1M"}, "symbol": ["A"]})
    source_values = [sliced.source_values(piece)["interval"] for piece in sliced.all_slices]
    assert source_values == ["1m", "1M"]
    assert sliced.source_values(Slice.of({"interval": "1w", "symbol": "B"})) == {
        "interval": "1w", "symbol": "B",
    }  # fmt: skip


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_values_of_a_slice_never_share_a_folder(values):
    """Values that a file system might mix up are refused, others are all there."""
    try:
        sliced = feed(slices={"symbol": values})
    except ValidationError:
        assert len({value.casefold() for value in values}) < len(values)
    else:
        paths = {piece.path.casefold() for piece in sliced.all_slices}
        assert len(paths) == len(values)


@pytest.mark.parametrize(
    ("candle", "piece", "length"),
    [
        pytest.param(None, {"interval": "5m"}, None, id="no candles"),
        pytest.param("1m", {"interval": "5m"}, 60, id="fixed"),
        pytest.param("{interval}", {"interval": "5m"}, 300, id="of the slice"),
        pytest.param("1mo", {"interval": "5m"}, 31 * 86400, id="longer than the window"),
    ],
)
def test_a_candle_lasts_as_long_as_its_feed_says(candle, piece, length):
    """A fixed length, or that of the slice."""
    sliced = feed(slices={"interval": ["5m"]}, candle=candle)
    candles = sliced.candles(Slice.of(piece))
    assert (candles and candles.length_s) == length


def test_candles_open_when_the_feed_says():
    """``candle_opens: 16:00`` in UTC; candles of weeks and of months have it, too."""
    sliced = feed(
        slices={"interval": {"1d": "1D", "1w": "1W", "1month": "1M"}},
        candle="{interval}",
        candle_opens="sunday 16:00",
    )
    found = {interval: sliced.candles(Slice.of({"interval": interval}))
             for interval in ("1d", "1w", "1month")}  # fmt: skip
    start_s, end_s = 1_785_456_000, 1_785_888_000  # 31 July 2026 to 5 August
    assert {interval: len(list(candles.opens_s(start_s, end_s)))
            for interval, candles in found.items()} == {"1d": 5, "1w": 1, "1month": 1}  # fmt: skip


def test_a_candle_without_length_is_refused_when_it_is_asked_for():
    """A slice that the feed does not list may be anything."""
    sliced = feed(slices={"interval": ["5m"]}, candle="{interval}")
    with pytest.raises(UsageError, match="slice interval=weekly: 'weekly' is not a length"):
        sliced.candles(Slice.of({"interval": "weekly"}))


@pytest.mark.parametrize(
    "base_url",
    ["http://127.0.0.1:8900", "https://api.example.com/", "https://api.example.com"],
)
def test_a_base_url_is_scheme_and_host(base_url):
    """Without the slash at its end, which the path brings."""
    assert feed(source={"base_url": base_url}).source.base_url == base_url.rstrip("/")


@given(st.integers(1, 10**9 - 1), st.sampled_from("smhdw"))
def test_lengths_of_time_are_written_with_one_unit(count, unit):
    """As many seconds as the unit has; more than a century is a mistake."""
    seconds = count * {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}[unit]
    if seconds > 100 * 366 * 86_400:
        with pytest.raises(ValueError, match="not a length of time"):
            parse_duration(f"{count}{unit}")
    else:
        assert parse_duration(f"{count}{unit}") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "1", "h", "0s", "1.5h", "-1h", "1 h", "1M", "1h30m", "９h"])  # noqa: RUF001
def test_what_is_no_length_of_time_is_refused(text):
    """Months least of all: they have no length."""
    with pytest.raises(ValueError, match="is not a length of time; write it as 1h, 15m or 1d"):
        parse_duration(text)


def test_a_feed_is_the_same_after_it_was_written_out():
    """Its digest decides whether an earlier try is gone on with."""
    sliced = feed(slices={"interval": {"1m": "1m"}}, window="15m", limits={"resume_within": "2h"})
    again = Feed.model_validate(sliced.model_dump(by_alias=True))
    assert again == sliced
    assert again.model_dump_json(by_alias=True) == sliced.model_dump_json(by_alias=True)
