"""Every error that ticklake raises, grouped by what the caller does about it.

::

    TicklakeError
    ├── RetryableError                try again later, nothing is wrong on our side  (exit 3)
    │   ├── RateLimitedError          not before ``retry_after_s``
    │   ├── SourceUnavailableError    connection, timeout, 5xx
    │   └── MalformedPageError        the body is cut, not JSON, or not what the feed says
    ├── SourceRefusedError            the source said no: a retry will not help      (exit 3)
    ├── UserError                     a person must change something first           (exit 2)
    │   ├── FeedFileError             a feed file: file, line, field
    │   └── UsageError                arguments, settings, addresses
    ├── DataError                     the data itself is not fit to commit           (exit 4)
    │   ├── CorruptPartError          a staged part is not what its manifest says
    │   ├── TooManyBadRecordsError    more of them than the feed allows
    │   ├── TimeUnitError             times are in another unit than the feed says
    │   └── ParityError               JSON and Parquet disagree
    └── OutOfMemoryError              the memory limit was reached: change a size    (exit 137)

A message says where, what, and what to do next. It never holds a body or a secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

LONGEST_WAIT_S = 7 * 86400
"""A source may ask for any wait; the longest bans last three days."""


class TicklakeError(Exception):
    """The root of the tree; ``exit_code`` is what the command line ends with."""

    exit_code = 1


class RetryableError(TicklakeError):
    """Trying again later may well succeed."""

    exit_code = 3


class RateLimitedError(RetryableError):
    """The source asked us to slow down for longer than we wait in a worker."""

    def __init__(self, where: str, *, retry_after_s: float) -> None:
        bounded_s = min(max(retry_after_s, 0), LONGEST_WAIT_S)
        super().__init__(f"{where}: rate limited; retry in {bounded_s:g} s")
        self.where = where
        self.retry_after_s = bounded_s

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are rebuilt from their args by pickle; ours take keywords.
        return (_rate_limited, (self.where, self.retry_after_s))


def _rate_limited(where: str, retry_after_s: float) -> RateLimitedError:
    return RateLimitedError(where, retry_after_s=retry_after_s)


class SourceUnavailableError(RetryableError):
    """The source did not answer, or answered that it is broken."""


class MalformedPageError(RetryableError):
    """A page ended early, is not JSON, or does not hold records where the feed says."""


class SourceRefusedError(TicklakeError):
    """The source understood the request and said no (bad symbol, no access)."""

    exit_code = 3


class UserError(TicklakeError):
    """A person must change something before this can work."""

    exit_code = 2


class FeedFileError(UserError):
    """A feed file is wrong; the message names file, line and field."""


class UsageError(UserError):
    """An argument, a setting or an address is wrong."""


class DataError(TicklakeError):
    """The data is not fit to commit; nothing was committed."""

    exit_code = 4


class CorruptPartError(DataError):
    """A staged part was cut or changed since its manifest was written."""


class TooManyBadRecordsError(DataError):
    """More records went to the quarantine than the feed allows."""


class TimeUnitError(DataError):
    """A source writes its times in another unit than the feed says."""


class ParityError(DataError):
    """What was written to Parquet is not what was read from JSON."""


class OutOfMemoryError(TicklakeError):
    """A capped step reached its memory cap."""

    exit_code = 137


def error_to_dict(error: TicklakeError) -> dict[str, object]:
    """*error* as plain JSON, for whoever runs us as a step of theirs."""
    name = type(error).__name__
    if isinstance(error, RateLimitedError):
        return {"error": name, "where": error.where, "retry_after_s": error.retry_after_s}
    return {"error": name, "message": str(error)}


def error_from_dict(plain: Mapping[str, object]) -> TicklakeError:
    """The inverse of ``told``; a kind that is not known here is a ``TicklakeError``."""
    if plain["error"] == RateLimitedError.__name__:
        return RateLimitedError(
            str(plain["where"]), retry_after_s=float(str(plain["retry_after_s"]))
        )
    kinds, waiting = {}, [TicklakeError]
    while waiting:
        kind = waiting.pop()
        kinds[kind.__name__] = kind
        waiting += kind.__subclasses__()
    return kinds.get(str(plain["error"]), TicklakeError)(str(plain.get("message", "")))


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """``; did you mean 'symbol'?`` where one of the *known* names is close, else nothing."""
    others = [name for name in known if name != given]
    close = difflib.get_close_matches(given, others, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
