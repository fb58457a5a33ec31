"""The calendars follow the manifests, whoever else writes them at the same time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.ticklake.errors import RetryableError
from include.ticklake.lake import summary
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, parse_instant, split_range
from include.ticklake.publish import slice_years
from tests.support import window_manifests
from tests.support.interleaving_storage import Interleaved
from tests.support.memory_storage import memory_storage
from tests.support.window_manifests import WindowKind

BTC, ETH = (Slice.of({"symbol": symbol}) for symbol in ("BTC", "ETH"))
HOUR_MS = 3_600_000
HOUR = timedelta(hours=1)


def hours(start: str, end: str, slice_: Slice = BTC) -> list[Unit]:
    windows = split_range(parse_instant(start), parse_instant(end), length=timedelta(hours=1))
    return [Unit(slice_, window) for window in windows]


def put(storage: Storage, units: list[Unit], *happened: str) -> None:
    for unit in units:
        window_manifests.put("trades", unit, WindowKind.of(*happened), storage=storage)


def update(storage: Storage, units: list[Unit], window: timedelta = HOUR) -> None:
    slice_years.update_years("trades", units, window=window, storage=storage, map_all=map)


def states(storage: Storage, slice_: Slice = BTC, year: int = 2026) -> str:
    found = summary.read_year("trades", slice_, year, storage=storage)
    return found.states if found else ""


def test_each_window_has_a_letter_at_its_place():
    """By slice and year; what comes later fills the places between."""
    storage = memory_storage()
    units = hours("2025-12-31T22:00Z", "2026-01-01T04:00Z")
    put(storage, [*units[:2], *units[4:]])
    put(storage, hours("2026-01-01T01:00Z", "2026-01-01T02:00Z", ETH), "gap")
    update(storage, [*units, *hours("2026-01-01T00:00Z", "2026-01-01T09:00Z", ETH)])
    assert states(storage) == "..cc"
    assert states(storage, year=2025) == "." * (365 * 24 - 2) + "cc"
    assert states(storage, ETH) == ".g"
    put(storage, units[2:3], "unfinished")
    update(storage, units[2:3])
    assert states(storage) == "u.cc"


def test_a_window_that_is_gone_is_unknown_again():
    """Its manifest was deleted by hand."""
    storage = memory_storage()
    units = hours("2026-01-01T00:00Z", "2026-01-01T03:00Z")
    put(storage, units)
    update(storage, units)
    storage.delete(window_manifests.build("trades", units[2], WindowKind()).key)
    update(storage, units[2:])
    assert states(storage) == "cc"


def test_nothing_is_written_where_nothing_changed():
    """A publish that is run again costs no PUT for the calendars."""
    storage = memory_storage()
    units = hours("2026-01-01T00:00Z", "2026-01-01T03:00Z")
    put(storage, units)
    update(storage, units)
    before = storage.version(summary.year_key("trades", BTC, 2026))
    update(storage, units)
    assert storage.version(summary.year_key("trades", BTC, 2026)) == before


@pytest.mark.parametrize("body", [b"{", None], ids=["damaged", "of other windows"])
def test_an_object_that_is_of_no_use_is_made_again(body):
    """A damaged one, and one from before a ``regrid``."""
    storage = memory_storage()
    day = Unit(BTC, Window(parse_instant("2026-01-02"), parse_instant("2026-01-03")))
    put(storage, [day])
    update(storage, [day], window=timedelta(days=1))
    assert states(storage) == ".c"
    if body:
        storage.put(summary.year_key("trades", BTC, 2026), body)
    units = hours("2026-01-01T01:00Z", "2026-01-01T02:00Z")
    put(storage, units)
    update(storage, units)
    assert states(storage) == ".c"
    found = summary.read_year("trades", BTC, 2026, storage=storage)
    assert found is not None
    assert found.window_ms == HOUR_MS


def test_two_that_work_at_once_lose_nothing():
    """Wherever the second begins, the calendar is what the manifests say in the end."""
    units = hours("2026-01-01T00:00Z", "2026-01-01T02:00Z")
    for at_step in range(30):
        storage = memory_storage()
        put(storage, units)

        def other(storage=storage) -> None:
            put(storage, units[1:], "gap")
            update(storage, units[1:])

        both = Interleaved.around(storage, at_step=at_step, other=other)
        update(both, units)
        both.meeting.at_latest()
        assert states(storage) == "cg", at_step
        if both.meeting.steps <= at_step:
            break
    assert at_step == 4  # the calendar, two manifests, the calendar


def test_one_that_always_loses_says_so():
    """After ten attempts."""
    storage = memory_storage()
    units = hours("2026-01-01T00:00Z", "2026-01-01T02:00Z")
    put(storage, units)

    class LosingStore:
        def __getattr__(self, name: str):
            return getattr(storage.store, name)

        def put_if(self, key: str, *_args, **_options):
            raise LostRaceError(key)

    with pytest.raises(RetryableError, match="others replaced it 10 times"):
        update(Storage(storage.root_uri, LosingStore()), units)
