"""What killed runs left goes when it is old; what may still be written stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import expire, leftovers
from tests.support import lake_factory
from tests.support.memory_storage import memory_storage

FEED = lake_factory.FEED
HALF = "_incomplete/json/trades/symbol=BTCUSDT/date=2026-11-22/20261122T050000Z.json.gz.0123"
OTHERS = (
    "_incomplete/json/trades_of_another_feed/symbol=BTCUSDT/date=2026-11-22/x.0123",
    "_incomplete/lock",
)
SCHEMA = "_incomplete/schemas/trades.json.0123"


@pytest.fixture
def lake() -> Storage:
    """A lake in which three runs were killed, one of them of another feed."""
    storage = memory_storage()
    for key in (HALF, SCHEMA, *OTHERS):
        storage.put(key, b"half")
    return storage


def deleted(lake: Storage, now: datetime) -> list[str]:
    found = expire.find_expired(FEED, now=now, storage=lake)
    gone = expire.delete(FEED, found, now=now, storage=lake)
    return sorted(key for one in gone for key in one.objects)


def test_what_is_older_than_two_days_goes(lake):
    """Of this feed only."""
    assert deleted(lake, datetime.now(UTC) + timedelta(days=4)) == sorted([HALF, SCHEMA])
    assert sorted(lake.list("")) == sorted(OTHERS)


def test_what_may_still_be_written_stays(lake):
    """A run of a day is no rarity where there are many slices."""
    assert deleted(lake, datetime.now(UTC) + timedelta(days=1)) == []


def test_leftovers_are_found_by_slice_and_date_where_they_have_one(lake):
    """So that a run that is limited to some finds only those."""
    found = leftovers.find(FEED, datetime.now(UTC) + timedelta(days=1), storage=lake)
    assert [one.slice_day and one.slice_day.path for one in found] == [
        "symbol=BTCUSDT/date=2026-11-22",
        None,
    ]
