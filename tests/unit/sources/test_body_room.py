"""Units that receive little never wait; few of those that receive much go on at once."""

from __future__ import annotations

import threading

import pytest

from include.ticklake.model.stop_signal import StopSignal, StopWork
from include.ticklake.sources.body_room import SHORT_BYTES, BodyRoom, UnitRoom

CHUNK = bytes(64 * 1024)


def read(room: UnitRoom, count: int, waits: list[float] | None = None) -> int:
    """How many bytes of *count* chunks came through."""
    waited = (waits if waits is not None else []).append
    return sum(map(len, room.watch([CHUNK] * count, waited=waited)))


def test_short_bodies_need_no_place():
    """Up to 256 KiB in all, whoever has the place."""
    rooms = BodyRoom(1, stop=StopSignal())
    with rooms.of_unit() as large, rooms.of_unit() as small:
        assert read(large, 100) == 100 * len(CHUNK)
        assert read(small, SHORT_BYTES // len(CHUNK)) == SHORT_BYTES


def test_a_long_body_waits_for_a_place_and_says_how_long():
    """The unit keeps it, for all of its pages, until it is done."""
    rooms, waits, large_done = BodyRoom(1, stop=StopSignal()), [], threading.Event()

    def second() -> None:
        with rooms.of_unit() as room:
            read(room, 5, waits)
            assert large_done.is_set()
            read(room, 5, waits)

    with rooms.of_unit() as large:
        read(large, 5)
        read(large, 5)
        thread = threading.Thread(target=second)
        thread.start()
        large_done.set()
    thread.join(30)
    assert len(waits) == 1
    with rooms.of_unit() as third:
        assert read(third, 10) == 10 * len(CHUNK)


def test_without_a_limit_nobody_waits():
    """However many receive much."""
    rooms = BodyRoom(None, stop=StopSignal())
    with rooms.of_unit() as one, rooms.of_unit() as other:
        assert read(one, 10) == read(other, 10) == 10 * len(CHUNK)


def test_a_wait_ends_with_the_batch():
    """Its place may be that of a unit in a call that does not return."""
    stop = StopSignal()
    rooms = BodyRoom(1, stop=stop)
    with rooms.of_unit() as large, rooms.of_unit() as waiting:
        large.take_place()
        stop.set()
        with pytest.raises(StopWork):
            waiting.take_place()
    with rooms.of_unit() as later:
        later.take_place()
