"""What can be converted again is looked for side by side, and comes in the order of the keys."""

from __future__ import annotations

import threading

import pytest

from include.ticklake.lake import layout, staged_windows
from include.ticklake.lake.storage import Storage
from tests.support import lake_factory
from tests.support.memory_storage import memory_storage
from tests.support.stepping_store import READS, SteppingStore

HOURS = 6


def key_of(number: int) -> str:
    """The key of an hour's manifest."""
    return layout.manifest_key("trades", lake_factory.BTC, lake_factory.hour(number))


@pytest.fixture
def lake() -> Storage:
    """Hours of which each second one is staged; the manifest of the last is damaged."""
    storage = memory_storage()
    for number in range(0, HOURS - 1, 2):
        lake_factory.stage(storage, [], window=lake_factory.hour(number))
    storage.put(key_of(HOURS - 1), b"{")
    return storage


def test_windows_are_found_in_order(lake):
    """Also one with a damaged manifest, which its conversion reports."""
    keys = [key_of(number) for number in reversed(range(HOURS))]
    staged = [key_of(number) for number in (5, 4, 2, 0)]
    assert staged_windows.find_staged(keys, storage=lake) == staged
    assert staged_windows.find_staged([], storage=lake) == []


def test_manifests_are_read_side_by_side(lake):
    """Each read waits until all of them have begun."""
    all_wait = threading.Barrier(HOURS)
    stepping = SteppingStore(lake.store, lambda: all_wait.wait(30), READS)
    found = staged_windows.find_staged(
        [key_of(number) for number in range(HOURS)], storage=Storage(lake.root_uri, stepping)
    )
    assert len(found) == 4


def test_an_error_of_the_storage_is_raised(lake):
    """No window is left out for it."""

    def fail() -> None:
        raise ConnectionError("no storage")

    broken = Storage(lake.root_uri, SteppingStore(lake.store, fail, READS))
    with pytest.raises(ConnectionError):
        staged_windows.find_staged([key_of(0)], storage=broken)
