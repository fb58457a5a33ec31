"""The time by which a unit must be fetched, whatever its source does meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

from include.ticklake.errors import SourceUnavailableError
from include.ticklake.feed.limits import Limits


class UnitDeadline:
    """The end of ``limits.unit_timeout``, counted from its creation, for one attempt at a unit."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout, self._clock = limits.unit_timeout, clock
        self.at_s = clock() + limits.unit_timeout.total_seconds()
        """When it is over, on the clock."""

    def left_s(self) -> float:
        """How long the unit may still take; less than 0 where its time is over."""
        return self.at_s - self._clock()

    def extend(self, seconds: float) -> None:
        """Do not count *seconds* in which the unit waited for others of its batch."""
        self.at_s += seconds

    def check(self, where: object) -> None:
        """Raise ``SourceUnavailableError``, which names *where*, if the time is over."""
        if self.left_s() <= 0:
            raise self.error(where)

    def error(self, where: object) -> SourceUnavailableError:
        """What to raise when the time is over; it names *where*."""
        return SourceUnavailableError(
            f"{where}: the unit is incomplete after {self}; choose a shorter window, or raise it"
        )

    def __str__(self) -> str:
        return f"limits.unit_timeout: {self._timeout}"
