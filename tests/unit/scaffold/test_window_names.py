"""The name of a parameter says whether a time in it starts a window, ends it, or does neither."""

from __future__ import annotations

import pytest

from include.ticklake.scaffold.window_names import (
    is_exclusive,
    is_other_name,
    is_reversible,
    may_be_zero,
    role_of,
)

STARTS = [
    "start", "from", "since", "after", "begin", "startTime", "start_time", "start_at", "date_from",
    "fromTs", "from_date", "starttime", "timestamp.gte", "ts[gt]", "created_at__gte", "period1",
    "min_time", "tsStart", "beginTime", "oldest", "sinceDate", "start-date", "dateStart",
]  # fmt: skip
ENDS = [
    "end", "to", "until", "before", "till", "endTime", "end_time", "end_at", "date_to", "toTs",
    "to_date", "endtime", "timestamp.lte", "ts[lt]", "period2", "max_time", "tsEnd", "stopTime",
    "latest", "dateEnd",
]  # fmt: skip


@pytest.mark.parametrize("name", STARTS)
def test_names_of_a_start(name):
    """However it is written."""
    assert role_of(name) == "start"


@pytest.mark.parametrize("name", ENDS)
def test_names_of_an_end(name):
    """However it is written."""
    assert role_of(name) == "end"


@pytest.mark.parametrize("name", ["time", "timestamp", "date", "day", "t", "at", "total", "stock"])
def test_names_that_say_neither(name):
    """Or only look so."""
    assert role_of(name) is None


def test_names_of_other_things():
    """An id, a cursor, an expiry are not a window, whatever their values look like."""
    others = ["orderId", "token_id", "fromId", "cursor", "page", "volume", "nonce", "_", "expiry",
              "expirationDate", "symbol"]  # fmt: skip
    assert all(map(is_other_name, others))
    assert not any(map(is_other_name, ["startTime", "date", "filter", "idTime", *STARTS, *ENDS]))


def test_what_a_name_means_for_its_value():
    """Whether the edge is included, which way it goes, and whether 0 is a time."""
    assert is_exclusive("after")
    assert not is_exclusive("startTime")
    assert is_reversible("before")
    assert not is_reversible("start")
    assert may_be_zero("startTime")
    assert not may_be_zero("from")
