"""Lets few units of a batch receive much at once, where memory is limited.

A unit that receives little never waits, so tiny ones run side by side. One that receives more
goes on when it has a place, and keeps that until it is committed: what a unit holds grows with
its largest record and with what it uploads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from include.ticklake.model.stop_signal import StopSignal

SHORT_BYTES = 256 * 1024
"""What a unit may receive without a place."""
_LOOK_EVERY_S = 0.2


class BodyRoom:
    """*places* for the units of a batch; None where nothing limits them."""

    def __init__(self, places: int | None, *, stop: StopSignal) -> None:
        self._places = None if places is None else threading.Semaphore(places)
        self._stop = stop

    def of_unit(self) -> UnitRoom:
        """The room of one unit, without a place."""
        return UnitRoom(self._places, stop=self._stop)


class UnitRoom:
    """What one unit receives; leaving its ``with`` gives its place to another one."""

    def __init__(self, places: threading.Semaphore | None, *, stop: StopSignal) -> None:
        self._places, self._stop = places, stop
        self._received_bytes = 0
        self._has_place = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._has_place and self._places:
            self._has_place = False
            self._places.release()

    def take_place(self) -> None:
        """Wait for a place, unless it has one; ``StopWork`` where the batch ends meanwhile."""
        if self._places is None or self._has_place:
            return
        while not self._places.acquire(timeout=_LOOK_EVERY_S):
            self._stop.check()
        self._has_place = True

    def watch(self, chunks: Iterable[bytes], *, waited: Callable[[float], None]) -> Iterator[bytes]:
        """Yield *chunks*; *waited* gets the seconds of a wait, which no deadline may count."""
        for chunk in chunks:
            self._received_bytes += len(chunk)
            if self._received_bytes > SHORT_BYTES and not self._has_place:
                began_s = time.monotonic()
                self.take_place()
                waited(time.monotonic() - began_s)
            yield chunk
