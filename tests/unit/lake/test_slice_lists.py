"""The lists of a feed are kept in the lake as they were put there."""

from __future__ import annotations

import json

import pytest

from include.ticklake.errors import CorruptRecordError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import slice_lists
from include.ticklake.lake.slice_lists import Listing, ListProblem, ListSource, ValueList
from include.ticklake.lake.versions import LostRaceError
from tests.support.memory_storage import memory_storage

FEED = Feed.model_validate(
    {
        "name": "prices",
        "source": {
            "kind": "http", "base_url": "https://api.example.com", "path": "/{symbol}",
        },
        "slices": {"symbol": {"feed": "symbols"}},
        "fields": {"at": {"type": "timestamp", "unit": "ms", "event_time": True}},
    }
)  # fmt: skip
LIST = ValueList(
    source=ListSource(feed="symbols", column="symbol", where={"status": ["ON", "NEW"], "n": [1]}),
    as_of_ms=2_000,
    digest="d1",
    values={"A": (Listing(1_000, 2_000),), "B'\"é": (Listing(1_000, 1_500), Listing(2_000))},
    left_out=("'' is blank",),
    left_out_rows=3,
    problem=ListProblem(since_ms=3_000, text="it is empty"),
)


@pytest.fixture
def storage():
    """A lake with one list."""
    made = memory_storage()
    slice_lists.write("prices", {"symbol": LIST}, storage=made, expect=None)
    return made


def test_what_is_written_is_read(storage):
    """With a line for each value, in the order of the values."""
    stored = slice_lists.read("prices", storage=storage)
    assert stored.lists == {"symbol": LIST}
    text = storage.read("slices/prices.json").decode()
    assert '\n"A": [[1000, 2000]],\n' in text
    assert json.loads(text)["lists"]["symbol"]["as_of_ms"] == 2_000


def test_the_version_that_was_read_is_replaced_and_no_other(storage):
    """Of two runs that renew a list at once, one looks again."""
    with pytest.raises(LostRaceError):
        slice_lists.write("prices", {}, storage=storage, expect=None)


def test_runs_plan_what_is_listed_and_commands_know_what_was(storage):
    """A value that left keeps its data, and its place in the list."""
    lists = slice_lists.read("prices", storage=storage).lists
    assert [str(of) for of in slice_lists.with_listed(FEED, lists).all_slices] == ["symbol=B'\"é"]
    known = slice_lists.with_known(FEED, storage=storage)
    assert [str(of) for of in known.all_slices] == ["symbol=A", "symbol=B'\"é"]


def test_without_a_list_a_command_says_what_to_run():
    """Unless it need not know one."""
    empty = memory_storage()
    with pytest.raises(UsageError, match="run ingest_prices, or `extract` a range of it"):
        slice_lists.with_known(FEED, storage=empty)
    assert slice_lists.with_known(FEED, storage=empty, may_lack=True) is FEED


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"format": 1, "feed": "prices"', id="cut"),
        pytest.param(b'{"format": 2, "feed": "prices", "lists": {}}', id="a later format"),
        pytest.param(b'{"format": 1, "feed": "other", "lists": {}}', id="of another feed"),
        pytest.param(
            b'{"format":1,"feed":"prices","lists":{"symbol":{"source":{"feed":"s","column":"c"},'
            b'"as_of_ms":1,"digest":"d","values":{"A":[]}}}}',
            id="a value that was never listed",
        ),
    ],
)
def test_a_damaged_list_is_named(storage, text):
    """With what to do about it."""
    storage.put("slices/prices.json", text)
    with pytest.raises(CorruptRecordError, match=r"slices/prices.json is not the list of"):
        slice_lists.read("prices", storage=storage)
