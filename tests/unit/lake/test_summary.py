"""The summary's objects are read as they were written; a damaged one counts as none."""

from __future__ import annotations

import json
import logging
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.lake import summary
from include.ticklake.lake.summary import FeedSummary, SliceYear, WindowState, YearShard
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import parse_instant
from tests.support import summary_lake
from tests.support.memory_storage import memory_storage

BTC = Slice.of({"symbol": "BTC/USDT"})
HOUR_MS = 3_600_000
YEAR = SliceYear(feed="trades", slice=BTC.path, year=2026, window_ms=HOUR_MS, states="ccc.gq")
KEY = summary.year_key("trades", BTC, 2026)
SHARD = YearShard(feed="trades", year=2026, window_ms=HOUR_MS, slices={BTC.path: "3c.gq"})


def at_ms(text: str) -> int:
    return int(parse_instant(text).timestamp()) * 1000


@given(
    states=st.lists(
        st.tuples(st.sampled_from(list(WindowState)), st.integers(1, 3_000)), max_size=9
    )
)
def test_states_are_read_as_they_were_written(states):
    """However long, and whatever follows on what."""
    text = "".join(state * count for state, count in states)
    slices = {BTC.path: summary.count_states(text), "symbol=ETH": "c"}
    shard = msgspec.structs.replace(SHARD, slices=slices)
    read = summary.decode_shard(summary.encode_shard(shard), key=KEY)
    assert read == shard
    assert read.slice_year(BTC.path) == msgspec.structs.replace(YEAR, states=text)
    assert read.slice_year("symbol=XRP") is None


def test_equal_states_in_a_row_take_no_room():
    """A year of minutes is as small as a year of days."""
    assert summary.count_states("c" * 525_600) == "525600c"


def test_thousands_of_slices_are_few_objects_of_about_the_same_size():
    """A slice is in one of 64, whatever others there are."""
    keys = Counter(
        summary.year_key("trades", Slice.of({"symbol": f"S{number:04d}"}), 2026)
        for number in range(5_000)
    )
    assert len(keys) == summary.SHARDS
    assert max(keys.values()) < 2 * min(keys.values())


def test_each_window_has_its_place_in_the_year():
    """A window that the object does not reach, or that starts in another year, is not known."""
    assert YEAR.state_at(at_ms("2026-01-01T00:00Z")) == WindowState.COMPLETE
    assert YEAR.state_at(at_ms("2026-01-01T04:00Z")) == WindowState.GAP
    for other in ("2026-01-01T03:00Z", "2026-01-01T06:00Z", "2025-12-31T23:00Z"):
        assert YEAR.state_at(at_ms(other)) == WindowState.UNKNOWN
    assert YEAR.state_at(at_ms("2026-01-01T00:00Z") + 1) == WindowState.UNKNOWN
    assert [state for _, state in YEAR.windows()] == list(YEAR.states)
    assert [start for start, _ in YEAR.windows()][-1] == at_ms("2026-01-01T05:00Z")


def test_keys_are_checked_before_they_reach_the_storage():
    """The page has names from requests."""
    assert summary.year_key("trades", BTC, 2026) == "summary/trades/2026/0d.json"
    assert summary.feed_key("trades") == "summary/trades/feed.json"
    for name in ("../manifests", "a/b", ""):
        with pytest.raises(Exception, match="not the name of a feed"):
            summary.feed_key(name)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"[" * 10_000,
        json.dumps(msgspec.to_builtins(SHARD) | {"year": 2025}).encode(),
        json.dumps(msgspec.to_builtins(SHARD) | {"window_ms": 0}).encode(),
        json.dumps(msgspec.to_builtins(SHARD) | {"slices": {"a": "cc<script>"}}).encode(),
        json.dumps(msgspec.to_builtins(SHARD) | {"slices": {"a": "999999c" * 9}}).encode(),
        json.dumps(msgspec.to_builtins(SHARD) | {"slices": 7}).encode(),
    ],
    ids=lambda body: body[:12],
)
def test_a_damaged_year_counts_as_none(body, caplog):
    """And the log says which; a number in it cannot fill the memory."""
    with caplog.at_level(logging.WARNING):
        assert summary.decode_shard(body, key=KEY) is None
    assert KEY in caplog.text


def test_a_damaged_feed_counts_as_none(caplog):
    """As one of another feed does."""
    storage = memory_storage()
    assert summary.read_feed("trades", storage=storage) is None
    for body in (b"no", summary.encode_feed(FeedSummary(feed="b", window_ms=1, slice_names=()))):
        storage.put("summary/trades/feed.json", body)
        assert summary.read_feed("trades", storage=storage) is None
        assert "summary/trades/feed.json" in caplog.text


def test_reasons_are_added_up_over_the_windows():
    """And what of a run falls on an hour of the feed follows from its windows."""
    feed = summary_lake.feed_summary("trades", slices=3, days=2)
    assert feed.quarantine == {"price: is not a number": 6, "not JSON": 3}
    assert feed.totals is not None
    assert feed.an_hour(feed.totals.rows) == feed.totals.rows
    assert FeedSummary(feed="a", window_ms=1, slice_names=()).an_hour(7) == 0


def test_a_whole_lake_of_summaries_is_read_as_it_was_written():
    """A feed of 500 slices is some 100 KB."""
    storage = memory_storage()
    written = summary_lake.write(storage, feeds=2, slices=500, days=3)
    for feed in written:
        found = summary.read_feed(feed.feed, storage=storage)
        assert found == feed
        body = storage.read(summary.feed_key(feed.feed))
        assert body is not None
        assert len(body) < 150_000
        years = [
            summary.read_year(feed.feed, Slice.parse(path), 2026, storage=storage)
            for path in found.slices
        ]
        assert all(year and len(year.states.lstrip(".")) == 72 for year in years)
