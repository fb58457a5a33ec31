"""Every error that ticklake raises, grouped by what the caller does about it.

::

    TicklakeError
    ├── RetryableError                try again later                                (exit 3)
    │   ├── RateLimitedError          not before ``retry_after_s``
    │   │   └── NotThereYetError      a file of the source is not published yet
    │   ├── SourceUnavailableError    no connection, a timeout, HTTP 5xx
    │   └── MalformedPageError        a page is cut, not JSON, or not what the feed says
    ├── SourceRefusedError            a retry will not help: the source said no      (exit 3)
    ├── UserError                     a person must change something first           (exit 2)
    │   ├── FeedFileError             in a feed file: the message has file, line and field
    │   ├── KernelMissingError        the compiled part is not there; install what the message says
    │   └── UsageError                in an argument, a setting or an address
    │       └── CorruptRecordError    what the lake keeps of a feed as a whole is damaged
    ├── DataError                     the data must not be committed                 (exit 4)
    │   ├── CorruptManifestError      a manifest is damaged, or names what is not its own
    │   ├── CorruptPartError          a staged part is not what its manifest says
    │   ├── CorruptParquetError       a Parquet file is missing or cannot be read
    │   ├── TooManyBadRecordsError    more quarantined records than the feed allows
    │   ├── TimeUnitError             times are in another unit than the feed says
    │   ├── OutsideWindowError        every record is of another time than requested
    │   ├── RecordsMissingError       records that were committed before are not returned now
    │   └── ParityError               JSON and Parquet differ
    └── OutOfMemoryError              change a size: the memory limit was reached    (exit 137)

A message reads ``<where>: <problem>; <what to do>``. Of a body it has no more than the first words,
and never a secret: what the process knows as one is masked when an error is made (``redaction``).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

LONGEST_WAIT_S = 7 * 86400
"""The longest wait that is passed on. A source may send any number; real bans last three days."""

_masks: list[Callable[[str], str]] = []


def mask_messages(mask: Callable[[str], str]) -> None:
    """From now on, make every error with what *mask* makes of its message."""
    _masks.append(mask)


def _masked(message: object) -> object:
    for mask in _masks if isinstance(message, str) else ():
        message = mask(str(message))
    return message


class TicklakeError(Exception):
    """The root of the tree; ``exit_code`` is the exit code of the command line."""

    exit_code = 1

    def __init__(self, *args: object) -> None:
        super().__init__(*map(_masked, args))


# ---- try again later


class RetryableError(TicklakeError):
    """A later attempt may succeed, with nothing changed here."""

    exit_code = 3


class RateLimitedError(RetryableError):
    """The source asked for a longer wait than a worker spends waiting."""

    _problem = "rate limited"

    def __init__(self, where: str, *, retry_after_s: float) -> None:
        bounded_s = min(max(retry_after_s, 0), LONGEST_WAIT_S)
        super().__init__(f"{where}: {self._problem}; retry in {bounded_s:g} s")
        self.where = str(_masked(where))
        self.retry_after_s = bounded_s

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are rebuilt from their args by pickle; ours take keywords.
        return (_timed, (type(self), self.where, self.retry_after_s))


def _timed(kind: type[RateLimitedError], where: str, retry_after_s: float) -> RateLimitedError:
    return kind(where, retry_after_s=retry_after_s)


class NotThereYetError(RateLimitedError):
    """A file of the source is missing, and it may still be published."""

    _problem = "not there yet"


class SourceUnavailableError(RetryableError):
    """The source did not answer, or reported a failure of its own."""


class MalformedPageError(RetryableError):
    """A page ended early, is not JSON, or has no records where the feed says."""


# ---- a retry will not help


class SourceRefusedError(TicklakeError):
    """The source understood the request and refused it: an unknown symbol, no access."""

    exit_code = 3
    status: int | None = None
    """The HTTP status, where that is how the source said so."""


# ---- a person must change something first


class UserError(TicklakeError):
    """A person must change something before this can work."""

    exit_code = 2


class FeedFileError(UserError):
    """A feed file is invalid; the message names file, line and field."""


class KernelMissingError(UserError):
    """The compiled part of the converter is not there, and cannot be compiled here."""


class UsageError(UserError):
    """An argument, a setting or an address is invalid."""


class CorruptRecordError(UsageError):
    """The record of a feed in the lake was cut or changed."""


# ---- the data must not be committed


class DataError(TicklakeError):
    """The data is not fit to commit, and nothing was committed."""

    exit_code = 4


class CorruptManifestError(DataError):
    """A manifest was cut or changed, or names objects of another unit."""


class CorruptPartError(DataError):
    """A staged part was cut or changed since its manifest was written."""


class CorruptParquetError(DataError):
    """A Parquet file of the lake is missing or cannot be read."""


class TooManyBadRecordsError(DataError):
    """More records were quarantined than the feed allows."""


class TimeUnitError(DataError):
    """The times of a source are in another unit than the feed says."""


class OutsideWindowError(DataError):
    """Every record that was received lies outside the window that was requested."""


class RecordsMissingError(DataError):
    """What was fetched lacks records that were committed before."""


class ParityError(DataError):
    """The Parquet differs from the JSON that it was converted from."""


# ---- change a size


class OutOfMemoryError(TicklakeError):
    """A memory-limited step reached its limit."""

    exit_code = 137


def did_you_mean(name: str, names: Iterable[str], *, least_similarity: float = 0.6) -> str:
    """Return ``; did you mean 'symbol'?`` if one of *names* is close to *name*, else nothing.

    Case and the way in which words are joined make no difference: ``pageRows``, ``page-rows``.
    """
    others = {_plain(other): other for other in names if other != name}
    matches = difflib.get_close_matches(_plain(name), others, n=1, cutoff=least_similarity)
    return f"; did you mean {others[matches[0]]!r}?" if matches else ""


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")
