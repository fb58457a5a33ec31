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

    def check(self, where: object) -> None:
        """Raise ``SourceUnavailableError``, which names *where*, if the time is over."""
        if self._clock() >= self.at_s:
            raise SourceUnavailableError(
                f"{where}: the unit is incomplete after limits.unit_timeout: {self._timeout}; "
                "choose a shorter window, or raise it"
            )
