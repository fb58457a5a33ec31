"""The units of a batch that failed, while the others went on.

A delisted symbol does not keep the rest from being fetched: its failure is noted, and at the end
of the batch all failures are raised as one error that lists them. What concerns all units stops
the batch at once: a feed or an argument that is wrong, a login that is refused, a ban, too
little memory, a storage that fails, and a source that is not there for several units in a row.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from include.ticklake.errors import (
    DataError,
    NotThereYetError,
    RateLimitedError,
    RetryableError,
    SourceRefusedError,
    SourceUnavailableError,
    TicklakeError,
)

log = logging.getLogger(__name__)

_MAX_UNAVAILABLE = 3
"""Units in a row for which the source was unavailable, before the rest is not tried."""
_MAX_LISTED = 50
_LOGIN_STATUSES = (401, 407)


OnFailure = Callable[[str, TicklakeError], None]


class FailedUnits:
    """What failed in one batch, and how much did not."""

    def __init__(self, on_failure: OnFailure | None = None) -> None:
        self._on_failure = on_failure
        self.done = 0
        """Units that are committed."""
        self._failures: list[tuple[str, TicklakeError]] = []
        self._unavailable = 0

    def __bool__(self) -> bool:
        return bool(self._failures)

    @contextmanager
    def attempt(self, unit: object) -> Iterator[None]:
        """Note what fails inside as a failure of *unit*; raise what concerns all units."""
        try:
            yield
        except TicklakeError as error:
            if concerns_all(error):
                self._log_list()
                raise
            log.error("unit.failed %s: %s", unit, error)
            self.add(str(unit), error)
            if self._on_failure:
                self._on_failure(str(unit), error)
            if self._unavailable >= _MAX_UNAVAILABLE:
                raise self.error("; the rest was not tried, as the source is unavailable") from None
        else:
            self.done += 1
            self._unavailable = 0

    def add(self, unit: str, error: TicklakeError) -> None:
        """Note that *unit* failed with *error*."""
        self._failures.append((unit, error))
        is_unavailable = isinstance(error, SourceUnavailableError)
        self._unavailable = self._unavailable + 1 if is_unavailable else 0

    @property
    def exit_code(self) -> int:
        """The worst exit code of all failures; 0 without any."""
        return max((error.exit_code for _, error in self._failures), default=0)

    def raise_if_any(self, *, may_retry: bool = False) -> None:
        """Raise the error that lists all failures.

        It is of the class of the worst; with *may_retry*, of one that a retry may solve.
        """
        if self._failures:
            raise self.error(may_retry=may_retry)

    def error(self, note: str = "", *, may_retry: bool = False) -> TicklakeError:
        """The error that lists all failures; the error itself, of a batch of one unit."""
        total = self.done + len(self._failures)
        if total == 1:
            return self._failures[0][1]
        errors = [error for _, error in self._failures]
        worst = max(errors, key=lambda error: error.exit_code)
        if may_retry:
            worst = next((error for error in errors if isinstance(error, RetryableError)), worst)
        others = ", and the others are done" if self.done else ""
        listed = "\n".join(self._lines())
        text = f"{len(errors)} of {total} units failed{others}{note}:\n{listed}"
        if isinstance(worst, RateLimitedError):
            return type(worst)(text, retry_after_s=worst.retry_after_s)
        return type(worst)(text)

    def _lines(self) -> Iterator[str]:
        for unit, error in self._failures[:_MAX_LISTED]:
            yield f"  {unit}: {error}"
        if (more := len(self._failures) - _MAX_LISTED) > 0:
            yield f"  and {more} more: the log has a line for each, unit.failed"

    def _log_list(self) -> None:
        """Log what failed before an error that stops the batch."""
        if self._failures:
            log.error("%d units failed before:\n%s", len(self._failures), "\n".join(self._lines()))


def ends_batch(error: BaseException) -> bool:
    """Whether ``attempt`` raises *error*, also where it is none of ours: a storage that fails."""
    return not isinstance(error, TicklakeError) or concerns_all(error)


def concerns_all(error: TicklakeError) -> bool:
    """Whether the next unit would meet *error*, too."""
    if isinstance(error, SourceRefusedError):
        return error.status in _LOGIN_STATUSES
    if isinstance(error, NotThereYetError):  # another one's file may be
        return False
    if isinstance(error, RateLimitedError):  # a wait that is too long for this process
        return True
    return not isinstance(error, RetryableError | DataError)
